//! A network at work: any number of items in, answers out one by one, all of one call on one variant.

use super::supply::{Rung, Running, Supply};
use crate::inference::{Batch, InferenceError, LARGEST_BUCKET, Outputs, decode::DecodeError, manifest::ModelManifest};

/// A model's sessions and the tensors they work on.
pub(super) struct Network {
    model: String,
    channels: usize,
    supply: Supply,
    batch: Batch,
    outputs: Outputs,
}

/// One call: a session that does not change until it is over.
pub(super) struct Turn<'a> {
    pub(super) rung: Rung,
    running: Running<'a>,
    model: &'a str,
    channels: usize,
    batch: &'a mut Batch,
    outputs: &'a mut Outputs,
}

impl Network {
    pub(super) fn new(manifest: &ModelManifest, supply: Supply) -> Self {
        Self {
            model: manifest.name.clone(),
            channels: manifest.input.channels.count(),
            supply,
            batch: Batch::default(),
            outputs: Outputs::new(),
        }
    }

    /// Takes a session for one call.
    pub(super) fn turn(&mut self) -> Result<Turn<'_>, InferenceError> {
        let (running, rung) = self.supply.take()?;
        Ok(Turn {
            rung,
            running,
            model: &self.model,
            channels: self.channels,
            batch: &mut self.batch,
            outputs: &mut self.outputs,
        })
    }
}

impl Turn<'_> {
    /// Runs `total` items. `fill` writes item `index` into the tensor; `read` gets it back as item `at` of the outputs. The
    /// session cuts or pads to its fixed batch sizes; here only the tensor is kept from growing without end.
    pub(super) fn each(
        mut self,
        total: usize,
        mut fill: impl FnMut(usize, &mut [f32]),
        mut read: impl FnMut(usize, &Outputs, usize) -> Result<(), DecodeError>,
    ) -> Result<(), InferenceError> {
        let size = self.rung.size;
        for done in (0..total).step_by(LARGEST_BUCKET) {
            let count = (total - done).min(LARGEST_BUCKET);
            self.batch.reshape([count, self.channels, size.h as usize, size.w as usize]);
            for at in 0..count {
                fill(done + at, self.batch.item_mut(at));
            }
            self.running.run(self.batch, self.outputs)?;
            for at in 0..count {
                read(done + at, self.outputs, at).map_err(|problem| failed(self.model, &problem))?;
            }
        }
        Ok(())
    }
}

fn failed(model: &str, problem: &DecodeError) -> InferenceError {
    InferenceError::Run { model: model.to_owned(), problem: problem.to_string() }
}

/// The error for a manifest that cannot do this job.
pub(super) fn unfit(manifest: &ModelManifest, problem: &(impl ToString + ?Sized)) -> InferenceError {
    InferenceError::BadModel { file: format!("{}/model.toml", manifest.name), problem: problem.to_string() }
}
