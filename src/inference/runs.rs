//! Counts what networks run: how often, in which shape, and for how much CPU time. `flyball bench` runs the same again on
//! bare sessions to know the floor.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use super::{
    Backend, Batch, InferenceError, Outputs, Session,
    manifest::{Model, Variant},
};
use crate::memory::thread_cpu_time;

/// Which network ran, and in which shape (`[n, c, h, w]`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunKey {
    /// The model.
    pub model: String,
    /// Its variant.
    pub variant: String,
    /// The batch as it was given.
    pub shape: [usize; 4],
}

/// How often, and how dear.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunCount {
    /// Runs.
    pub runs: u64,
    /// CPU time of the thread that ran them.
    pub cpu: Duration,
}

/// A shared table of runs.
#[derive(Clone, Debug, Default)]
pub struct RunLog {
    counts: Arc<Mutex<BTreeMap<RunKey, RunCount>>>,
}

/// A backend whose sessions write down what they run.
pub struct Counted {
    inner: Arc<dyn Backend>,
    log: RunLog,
}

struct CountedSession {
    inner: Box<dyn Session>,
    model: String,
    variant: String,
    log: RunLog,
}

impl RunLog {
    /// Everything so far.
    pub fn counts(&self) -> BTreeMap<RunKey, RunCount> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add(&self, key: RunKey, cpu: Duration) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(key).or_default();
        count.runs += 1;
        count.cpu += cpu;
    }
}

impl Counted {
    /// Sessions of `inner`, counted in `log`.
    pub fn new(inner: Arc<dyn Backend>, log: RunLog) -> Self {
        Self { inner, log }
    }
}

impl Backend for Counted {
    fn open(&self, model: &Model, variant: &Variant) -> Result<Box<dyn Session>, InferenceError> {
        let inner = self.inner.open(model, variant)?;
        let (model, variant) = (model.manifest.name.clone(), variant.id.clone());
        Ok(Box::new(CountedSession { inner, model, variant, log: self.log.clone() }))
    }
}

impl Session for CountedSession {
    fn run(&mut self, input: &Batch, outputs: &mut Outputs) -> Result<(), InferenceError> {
        let before = thread_cpu_time();
        self.inner.run(input, outputs)?;
        let cpu = thread_cpu_time().saturating_sub(before);
        let key = RunKey { model: self.model.clone(), variant: self.variant.clone(), shape: input.shape };
        self.log.add(key, cpu);
        Ok(())
    }

    fn fit(&mut self, largest: usize) -> Result<(), InferenceError> {
        self.inner.fit(largest)
    }

    fn device(&self) -> String {
        self.inner.device()
    }
}
