//! What the same work costs bare: the same networks run as often, in the same shapes, on prepared tensors and nothing else.

use std::{collections::BTreeMap, thread, time::Duration};

use super::{AssembleError, models::open_backend};
use crate::config;
use crate::inference::{Batch, Outputs, RunCount, RunKey, Session, manifest::Catalogue};
use crate::memory::process_cpu_time;

/// Seed of the noise in the prepared tensors.
const SEED: u64 = 1;
/// Runs before the count begins: the first ones allocate.
const WARM_UP: u64 = 3;

/// CPU time of running every network in `counts` as often again on bare sessions, each network on a thread of its own as in
/// the pipeline: cores that share caches and units slow each other, and a floor measured on idle ones would be another machine's.
pub fn networks_alone(models: &config::Models, counts: &BTreeMap<RunKey, RunCount>) -> Result<Duration, AssembleError> {
    if counts.is_empty() {
        return Ok(Duration::ZERO);
    }
    let mut bare = counts.iter().map(|(key, count)| Bare::ready(models, key, count)).collect::<Result<Vec<_>, _>>()?;
    let before = process_cpu_time();
    let ran: Result<Vec<()>, _> = thread::scope(|scope| {
        let networks = bare.chunk_by_mut(|a, b| a.model == b.model);
        let work = |shapes: &mut [Bare]| shapes.iter_mut().try_for_each(|one| one.run(one.runs));
        let runs: Vec<_> = networks.map(|shapes| scope.spawn(move || work(shapes))).collect();
        runs.into_iter()
            .map(|run| run.join().unwrap_or_else(|_| Err(AssembleError::failed("a network panicked"))))
            .collect()
    });
    ran.map(|_| process_cpu_time().saturating_sub(before))
}

/// One network with a tensor of one shape, warmed up.
struct Bare {
    model: String,
    session: Box<dyn Session>,
    batch: Batch,
    outputs: Outputs,
    runs: u64,
}

impl Bare {
    fn ready(models: &config::Models, key: &RunKey, count: &RunCount) -> Result<Self, AssembleError> {
        let catalogue = Catalogue::read(&models.dir).map_err(|problems| AssembleError::missing(&problems[0]))?;
        let model = catalogue.model(&key.model).map_err(AssembleError::missing)?;
        let variant = model.variant(&key.variant).map_err(AssembleError::missing)?;
        let session = open_backend(models)?.open(model, variant).map_err(AssembleError::missing)?;
        let batch = noise(key.shape, &mut fastrand::Rng::with_seed(SEED));
        let mut bare = Self { model: key.model.clone(), session, batch, outputs: Outputs::new(), runs: count.runs };
        bare.run(WARM_UP)?;
        Ok(bare)
    }

    fn run(&mut self, times: u64) -> Result<(), AssembleError> {
        (0..times).try_for_each(|_| self.session.run(&self.batch, &mut self.outputs)).map_err(AssembleError::failed)
    }
}

/// A tensor of plausible values: what they are does not change how long a network takes.
fn noise(shape: [usize; 4], random: &mut fastrand::Rng) -> Batch {
    let mut batch = Batch::default();
    batch.reshape(shape);
    batch.data.fill_with(|| random.f32() * 2.0 - 1.0);
    batch
}
