//! A session and the tensors it works on: any number of items in, run in fixed batch sizes, answers out one by one.

use crate::{
    inference::{
        Batch, InferenceError, Outputs, Session,
        decode::DecodeError,
        manifest::{ModelManifest, Variant},
    },
    memory::Size,
};

/// Largest batch where the caller sets no limit. Beyond this nothing runs faster, and memory grows with it.
const LARGEST_BATCH: usize = 32;

/// A session with what its manifest says of it.
pub(super) struct Network {
    model: String,
    session: Box<dyn Session>,
    channels: usize,
    size: Size,
    /// 1 for files with a fixed batch.
    largest: usize,
    batch: Batch,
    outputs: Outputs,
}

impl Network {
    pub(super) fn new(manifest: &ModelManifest, variant: &Variant, session: Box<dyn Session>) -> Self {
        Self {
            model: manifest.name.clone(),
            session,
            channels: manifest.input.channels.count(),
            size: variant.size,
            largest: if variant.dynamic_batch { LARGEST_BATCH } else { 1 },
            batch: Batch::default(),
            outputs: Outputs::new(),
        }
    }

    /// Width and height of its input.
    pub(super) fn size(&self) -> Size {
        self.size
    }

    /// Runs `total` items. `fill` writes item `index` into the tensor; `read` gets it back as item `at` of the outputs.
    pub(super) fn each(
        &mut self,
        total: usize,
        mut fill: impl FnMut(usize, &mut [f32]),
        mut read: impl FnMut(usize, &Outputs, usize) -> Result<(), DecodeError>,
    ) -> Result<(), InferenceError> {
        let mut done = 0;
        while done < total {
            let count = cut(total - done, self.largest);
            self.batch
                .reshape([count, self.channels, self.size.h as usize, self.size.w as usize]);
            for at in 0..count {
                fill(done + at, self.batch.item_mut(at));
            }
            self.session.run(&self.batch, &mut self.outputs)?;
            for at in 0..count {
                read(done + at, &self.outputs, at).map_err(|problem| self.failed(&problem))?;
            }
            done += count;
        }
        Ok(())
    }

    fn failed(&self, problem: &DecodeError) -> InferenceError {
        InferenceError::Run {
            model: self.model.clone(),
            problem: problem.to_string(),
        }
    }
}

/// The next batch out of `left` items: the largest power of two that fits, so that shapes stay few and none is padded.
fn cut(left: usize, largest: usize) -> usize {
    1 << left.min(largest).ilog2()
}

/// The error for a manifest that cannot do this job.
pub(super) fn unfit(manifest: &ModelManifest, problem: impl ToString) -> InferenceError {
    InferenceError::BadModel {
        file: format!("{}/model.toml", manifest.name),
        problem: problem.to_string(),
    }
}
