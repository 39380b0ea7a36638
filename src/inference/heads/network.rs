//! A network at work: any number of items in, answers out one by one, all of one turn on one variant.
//!
//! Memory that runs out is no failure here: the batch is split and run again, and when not even one item fits, the turn
//! ends early and the next one waits for a lower rung ([`Network::turn`]).

use super::{
    hands::Hands,
    room::Room,
    supply::{Rung, Running, Supply},
};
use crate::inference::{
    Batch, InferenceError, LARGEST_BUCKET, Outputs, decode::DecodeError, manifest::ModelManifest, tensor::Resizer,
};

/// How often a variant without room is tried again before its items are given up: two seconds, several loads of a small one.
const TRIES: u32 = 10;

/// A model's sessions and the tensors they work on.
pub(super) struct Network {
    model: String,
    channels: usize,
    supply: Supply,
    batch: Batch,
    hands: Hands,
    outputs: Outputs,
    room: Room,
    /// Turns in a row on a variant of which not even one item fitted.
    tries: u32,
}

/// One turn: a session that does not change until it is over.
pub(super) struct Turn<'a> {
    pub(super) rung: Rung,
    running: Running<'a>,
    model: &'a str,
    channels: usize,
    batch: &'a mut Batch,
    hands: &'a mut Hands,
    outputs: &'a mut Outputs,
    room: &'a mut Room,
    /// A lower rung was waited for and did not come: running out once more is final.
    last: bool,
}

impl Network {
    pub(super) fn new(manifest: &ModelManifest, supply: Supply) -> Self {
        Self {
            model: manifest.name.clone(),
            channels: manifest.input.channels.count(),
            supply,
            batch: Batch::default(),
            hands: Hands::default(),
            outputs: Outputs::new(),
            room: Room::default(),
            tries: 0,
        }
    }

    /// Takes a session for one turn: of a variant that fits, if the last one did not and another comes in time.
    pub(super) fn turn(&mut self) -> Result<Turn<'_>, InferenceError> {
        let (running, rung) = self.supply.take(self.room.too_large())?;
        let stuck = self.room.too_large() == Some(&rung.variant);
        self.tries = if stuck { self.tries + 1 } else { 0 };
        self.room.on(&rung.variant);
        Ok(Turn {
            rung,
            running,
            model: &self.model,
            channels: self.channels,
            batch: &mut self.batch,
            hands: &mut self.hands,
            outputs: &mut self.outputs,
            room: &mut self.room,
            last: self.tries >= TRIES,
        })
    }
}

impl Turn<'_> {
    /// Runs `total` items and answers how many were done: all of them, or fewer when another turn must do the rest. `fill`
    /// writes item `index` into the tensor, maybe on several threads; `read` gets it back as item `at` of the outputs. The session cuts or pads to its
    /// fixed batch sizes; here only the tensor is kept from growing without end.
    pub(super) fn each(
        mut self,
        total: usize,
        fill: impl Fn(usize, &mut Resizer, &mut [f32]) + Sync,
        mut read: impl FnMut(usize, &Outputs, usize) -> Result<(), DecodeError>,
    ) -> Result<usize, InferenceError> {
        let mut done = 0;
        while done < total {
            let wanted = (total - done).min(LARGEST_BUCKET);
            match self.run(done, self.room.of(wanted), &fill)? {
                Ran::All(count) => {
                    for at in 0..count {
                        read(done + at, self.outputs, at).map_err(|problem| failed(self.model, &problem))?;
                    }
                    done += count;
                }
                Ran::SplitIt => {}
                Ran::TooLarge => break,
            }
        }
        Ok(done)
    }

    fn run(
        &mut self,
        first: usize,
        count: usize,
        fill: &(dyn Fn(usize, &mut Resizer, &mut [f32]) + Sync),
    ) -> Result<Ran, InferenceError> {
        let size = self.rung.size;
        self.batch.reshape([count, self.channels, size.h as usize, size.w as usize]);
        let each = self.batch.each();
        self.hands.fill(&mut self.batch.data[..count * each], each, &|at, hand, item| fill(first + at, hand, item));
        match self.running.run(self.batch, self.outputs) {
            Ok(()) => self.room.fitted(count),
            Err(cause @ InferenceError::OutOfMemory { batch, .. }) => return self.ran_out(count.min(batch), cause),
            Err(cause) => return Err(cause),
        }
        Ok(Ran::All(count))
    }

    fn ran_out(&mut self, count: usize, cause: InferenceError) -> Result<Ran, InferenceError> {
        if self.room.failed(count) {
            return Ok(Ran::SplitIt);
        }
        if self.last { Err(cause) } else { Ok(Ran::TooLarge) }
    }
}

/// What became of one run.
enum Ran {
    /// Done.
    All(usize),
    /// Memory ran out: a smaller batch may fit.
    SplitIt,
    /// Memory ran out for a single item: a lower rung may fit.
    TooLarge,
}

fn failed(model: &str, problem: &DecodeError) -> InferenceError {
    InferenceError::Run { model: model.to_owned(), problem: problem.to_string() }
}

/// The error for a manifest that cannot do this job.
pub(super) fn unfit(manifest: &ModelManifest, problem: &(impl ToString + ?Sized)) -> InferenceError {
    InferenceError::BadModel { file: format!("{}/model.toml", manifest.name), problem: problem.to_string() }
}
