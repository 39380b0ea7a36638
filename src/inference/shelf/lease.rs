//! What a worker holds while it runs one batch: a session of the variant that was current when it asked.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crossbeam_channel::Sender;

use super::order::{Command, ShelfEvent};
use super::pool::{Held, Loaded, Pool, Returned};
use super::voice::Voice;
use crate::inference::{Batch, InferenceError, Outputs, Session};

/// One model's pool, shared by its workers and the loader.
pub(super) struct Slot {
    pub(super) name: String,
    pool: Mutex<Pool>,
    returned: Condvar,
    loader: Sender<Command>,
    voice: Voice,
}

/// Where one worker takes the sessions of one model. Cheap to clone.
#[derive(Clone)]
pub struct Seat {
    slot: Arc<Slot>,
}

/// A session for one batch; itself a [`Session`]. Dropping it gives the session back; if its variant is being retired, the loader drops it.
pub struct Lease {
    slot: Arc<Slot>,
    /// `None` only while it is being dropped.
    held: Option<Held>,
    loaded: Arc<Loaded>,
}

impl Slot {
    pub(super) fn new(name: String, loader: Sender<Command>, voice: Voice) -> Self {
        Self { name, pool: Mutex::default(), returned: Condvar::new(), loader, voice }
    }

    /// Every step on a pool is complete when the lock is released, so a poisoned lock is as good as a clean one.
    pub(super) fn pool(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a session back and wakes one worker; fits it first if that was ordered while it was out.
    pub(super) fn give_back(&self, held: Held) {
        let mut returned = self.pool().give_back(held);
        while let Returned::FitFirst(mut held, batch) = returned {
            if let Err(error) = held.session.fit(batch) {
                tracing::warn!(model = self.name, batch, %error, "a session could not be fitted to another batch");
            }
            returned = self.pool().give_back(held);
        }
        self.returned.notify_one();
        if matches!(returned, Returned::Retiring) {
            // A full queue is fine: the loader sweeps after every command, so whatever fills the queue sweeps this too.
            let _ = self.loader.try_send(Command::Sweep);
        }
    }

    /// Wakes workers that wait for a session.
    pub(super) fn wake(&self) {
        self.returned.notify_all();
    }
}

impl Seat {
    pub(super) fn new(slot: Arc<Slot>) -> Self {
        Self { slot }
    }

    /// The variant that the next batch would use: how large it wants its input. `None` before the first load.
    pub fn current(&self) -> Option<Arc<Loaded>> {
        self.slot.pool().current()
    }

    /// Waits up to `patience` until another variant than this one is current. Whether it is.
    pub fn wait_for_other(&self, variant: &str, patience: Duration) -> bool {
        let same = |pool: &mut Pool| pool.current().is_none_or(|current| current.variant.id == variant);
        let waited = self.slot.returned.wait_timeout_while(self.slot.pool(), patience, same);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// A session of the current variant, waiting up to `patience` while all are out.
    pub fn lease(&self, patience: Duration) -> Result<Lease, InferenceError> {
        let mut taken = None;
        let wait = |pool: &mut Pool| {
            taken = pool.take();
            taken.is_none()
        };
        let waited = self.slot.returned.wait_timeout_while(self.slot.pool(), patience, wait);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
        let held = taken.ok_or_else(|| InferenceError::Run {
            model: self.slot.name.clone(),
            problem: format!("no session became free within {patience:?}; load it first, or load more sessions of it"),
        })?;
        let loaded = Arc::clone(&held.loaded);
        Ok(Lease { slot: Arc::clone(&self.slot), held: Some(held), loaded })
    }
}

impl Lease {
    /// The variant this batch runs on: its manifest, size, and the space of its embeddings.
    pub fn loaded(&self) -> &Arc<Loaded> {
        &self.loaded
    }

    /// Whoever plans should know that this rung costs more than was believed.
    fn tell_of_exhaustion(&self, batch: usize, problem: &str) {
        let (model, variant) = (self.slot.name.clone(), self.loaded.variant.id.clone());
        tracing::warn!(model, variant, batch, problem, "memory ran out; the batch is split and run again");
        self.slot.voice.tell(ShelfEvent::OutOfMemory { model, variant, batch });
    }
}

impl Session for Lease {
    fn run(&mut self, input: &Batch, outputs: &mut Outputs) -> Result<(), InferenceError> {
        let Some(held) = &mut self.held else { return Ok(()) };
        let ran = held.session.run(input, outputs);
        if let Err(InferenceError::OutOfMemory { batch, problem, .. }) = &ran {
            self.tell_of_exhaustion(*batch, problem);
        }
        ran
    }

    fn fit(&mut self, largest: usize) -> Result<(), InferenceError> {
        self.held.as_mut().map_or(Ok(()), |held| held.session.fit(largest))
    }

    fn device(&self) -> String {
        self.loaded.device.clone()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(held) = self.held.take() {
            self.slot.give_back(held);
        }
    }
}
