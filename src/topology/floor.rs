//! What the same work costs bare: the same networks run as often, in the same shapes, on prepared tensors and nothing else.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    thread,
    time::Duration,
};

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
    let mut bare = all_bare(models, counts)?;
    let before = process_cpu_time();
    let ran: Result<Vec<()>, _> = thread::scope(|scope| {
        let runs: Vec<_> = bare.iter_mut().map(|network| scope.spawn(|| network.run_all())).collect();
        let panicked = |_| Err(AssembleError::failed("a network panicked"));
        runs.into_iter().map(|run| run.join().unwrap_or_else(panicked)).collect()
    });
    ran.map(|_| process_cpu_time().saturating_sub(before))
}

/// One network, warmed up, with a tensor of each shape it ran in and how often it did.
struct Bare {
    session: Box<dyn Session>,
    outputs: Outputs,
    shapes: Vec<(Batch, u64)>,
}

fn all_bare(models: &config::Models, counts: &BTreeMap<RunKey, RunCount>) -> Result<Vec<Bare>, AssembleError> {
    let catalogue = Catalogue::read(&models.dir).map_err(|problems| AssembleError::missing(&problems[0]))?;
    let (backend, mut random) = (open_backend(models)?, fastrand::Rng::with_seed(SEED));
    let mut all: BTreeMap<(&str, &str), Bare> = BTreeMap::new();
    for (key, count) in counts {
        let network = match all.entry((&key.model, &key.variant)) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let model = catalogue.model(&key.model).map_err(AssembleError::missing)?;
                let variant = model.variant(&key.variant).map_err(AssembleError::missing)?;
                let session = backend.open(model, variant).map_err(AssembleError::missing)?;
                new.insert(Bare { session, outputs: Outputs::new(), shapes: Vec::new() })
            }
        };
        let batch = noise(key.shape, &mut random);
        network.run(&batch, WARM_UP)?;
        network.shapes.push((batch, count.runs));
    }
    Ok(all.into_values().collect())
}

impl Bare {
    fn run(&mut self, batch: &Batch, times: u64) -> Result<(), AssembleError> {
        (0..times).try_for_each(|_| self.session.run(batch, &mut self.outputs)).map_err(AssembleError::failed)
    }

    fn run_all(&mut self) -> Result<(), AssembleError> {
        let shapes = std::mem::take(&mut self.shapes);
        shapes.iter().try_for_each(|(batch, times)| self.run(batch, *times))
    }
}

/// A tensor of plausible values: what they are does not change how long a network takes.
fn noise(shape: [usize; 4], random: &mut fastrand::Rng) -> Batch {
    let mut batch = Batch::default();
    batch.reshape(shape);
    batch.data.fill_with(|| random.f32() * 2.0 - 1.0);
    batch
}
