//! What the same work costs bare: the same networks run as often, in the same shapes, on prepared tensors and nothing else.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    thread,
    time::Duration,
};

use super::{AssembleError, backend::open_backend};
use crate::config;
use crate::inference::{Batch, Outputs, RunCount, RunKey, Session, manifest::Catalogue};
use crate::memory::process_cpu_time;

/// Seed of the noise in the prepared tensors.
const SEED: u64 = 1;
/// Runs before the count begins: the first ones allocate.
const WARM_UP: u64 = 3;

/// CPU time of opening every network in `counts` and running it as often again on a bare session, each network on a thread of
/// its own as in the pipeline: cores that share caches and units slow each other, and a floor measured on idle ones would be
/// another machine's. The runs that warm them up do not count.
pub fn networks_alone(models: &config::Models, counts: &BTreeMap<RunKey, RunCount>) -> Result<Duration, AssembleError> {
    if counts.is_empty() {
        return Ok(Duration::ZERO);
    }
    let (mut bare, opening) = timed(|| all_bare(models, counts))?;
    bare.iter_mut().try_for_each(Bare::warm_up)?;
    let ((), running) = timed(|| run_side_by_side(&mut bare))?;
    Ok(opening + running)
}

/// What came of it, and the CPU time it took.
fn timed<T>(job: impl FnOnce() -> Result<T, AssembleError>) -> Result<(T, Duration), AssembleError> {
    let before = process_cpu_time();
    let done = job()?;
    Ok((done, process_cpu_time().saturating_sub(before)))
}

fn run_side_by_side(networks: &mut [Bare]) -> Result<(), AssembleError> {
    thread::scope(|scope| {
        let runs: Vec<_> = networks.iter_mut().map(|network| scope.spawn(|| network.run_all())).collect();
        let panicked = |_| Err(AssembleError::failed("a network panicked"));
        runs.into_iter().try_for_each(|run| run.join().unwrap_or_else(panicked))
    })
}

/// One network, with a tensor of each shape it ran in and how often it did.
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
                let mut session = backend.open(model, variant).map_err(AssembleError::missing)?;
                session.fit(usize::MAX).map_err(AssembleError::missing)?;
                new.insert(Bare { session, outputs: Outputs::new(), shapes: Vec::new() })
            }
        };
        network.shapes.push((noise(key.shape, &mut random), count.runs));
    }
    Ok(all.into_values().collect())
}

impl Bare {
    fn run(&mut self, batch: &Batch, times: u64) -> Result<(), AssembleError> {
        (0..times).try_for_each(|_| self.session.run(batch, &mut self.outputs)).map_err(AssembleError::failed)
    }

    fn warm_up(&mut self) -> Result<(), AssembleError> {
        self.each(|network, batch, _| network.run(batch, WARM_UP))
    }

    fn run_all(&mut self) -> Result<(), AssembleError> {
        self.each(Self::run)
    }

    fn each(&mut self, run: impl Fn(&mut Self, &Batch, u64) -> Result<(), AssembleError>) -> Result<(), AssembleError> {
        let shapes = std::mem::take(&mut self.shapes);
        let done = shapes.iter().try_for_each(|(batch, times)| run(self, batch, *times));
        self.shapes = shapes;
        done
    }
}

/// A tensor of plausible values: what they are does not change how long a network takes.
fn noise(shape: [usize; 4], random: &mut fastrand::Rng) -> Batch {
    let mut batch = Batch::default();
    batch.reshape(shape);
    batch.data.fill_with(|| random.f32() * 2.0 - 1.0);
    batch
}
