//! What the same work costs bare: the same networks run as often, in the same shapes, on prepared tensors and nothing else.

use std::{collections::BTreeMap, time::Duration};

use super::{AssembleError, models::open_backend};
use crate::config;
use crate::inference::{Batch, Outputs, RunCount, RunKey, manifest::Catalogue};
use crate::memory::process_cpu_time;

/// Seed of the noise in the prepared tensors.
const SEED: u64 = 1;
/// Runs before the count begins: the first ones allocate.
const WARM_UP: usize = 3;

/// CPU time of running every network in `counts` as often again on bare sessions, one at a time.
pub fn networks_alone(models: &config::Models, counts: &BTreeMap<RunKey, RunCount>) -> Result<Duration, AssembleError> {
    if counts.is_empty() {
        return Ok(Duration::ZERO);
    }
    let catalogue = Catalogue::read(&models.dir).map_err(|problems| AssembleError::missing(&problems[0]))?;
    let backend = open_backend(models)?;
    let (mut random, mut total) = (fastrand::Rng::with_seed(SEED), Duration::ZERO);
    for (key, count) in counts {
        let model = catalogue.model(&key.model).map_err(AssembleError::missing)?;
        let variant = model.variant(&key.variant).map_err(AssembleError::missing)?;
        let mut session = backend.open(model, variant).map_err(AssembleError::missing)?;
        let (batch, mut outputs) = (noise(key.shape, &mut random), Outputs::new());
        let mut run = |times: u64| (0..times).try_for_each(|_| session.run(&batch, &mut outputs));
        run(WARM_UP as u64).map_err(AssembleError::failed)?;
        let before = process_cpu_time();
        run(count.runs).map_err(AssembleError::failed)?;
        total += process_cpu_time().saturating_sub(before);
    }
    Ok(total)
}

/// A tensor of plausible values: what they are does not change how long a network takes.
fn noise(shape: [usize; 4], random: &mut fastrand::Rng) -> Batch {
    let mut batch = Batch::default();
    batch.reshape(shape);
    batch.data.fill_with(|| random.f32() * 2.0 - 1.0);
    batch
}
