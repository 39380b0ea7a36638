//! The seam between our code and whatever runs a network: a batch of floats in, named tensors out.

use super::{
    bucket::bucket,
    manifest::{Model, Variant},
};

/// A batch of input tensors, NCHW, `f32`, contiguous. Reused from call to call, so that its memory settles.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// At least `n * c * h * w` floats; room up to the next bucket follows them, so that a session may pad without a copy.
    pub data: Vec<f32>,
    /// `[n, c, h, w]`.
    pub shape: [usize; 4],
}

impl Batch {
    /// Makes room for a batch of this shape; contents are unspecified until written.
    pub fn reshape(&mut self, shape: [usize; 4]) {
        self.shape = shape;
        self.data.resize(bucket(shape[0]) * self.each(), 0.0);
    }

    /// Items in the batch.
    pub fn len(&self) -> usize {
        self.shape[0]
    }

    /// Whether there is nothing to run.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Floats an item.
    pub fn each(&self) -> usize {
        self.shape[1..].iter().product()
    }

    /// The floats of item `index`.
    pub fn item(&self, index: usize) -> &[f32] {
        &self.data[index * self.each()..(index + 1) * self.each()]
    }

    /// The floats of item `index`, to be written.
    pub fn item_mut(&mut self, index: usize) -> &mut [f32] {
        let each = self.each();
        &mut self.data[index * each..(index + 1) * each]
    }
}

/// One named output.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OutputTensor {
    /// The network's own name for it.
    pub name: String,
    /// Its shape; the first dimension is the batch.
    pub shape: Vec<usize>,
    /// Its values, contiguous.
    pub data: Vec<f32>,
}

impl OutputTensor {
    /// The values that belong to item `index` of the batch.
    pub fn item(&self, index: usize) -> &[f32] {
        let each: usize = self.shape.iter().skip(1).product();
        self.data.get(index * each..(index + 1) * each).unwrap_or(&[])
    }
}

/// All outputs of one run, in the network's order. Reused from call to call.
pub type Outputs = Vec<OutputTensor>;

/// Why a model cannot be loaded or run. Names the model or file, what was expected, and what to try.
#[derive(Clone, Debug, thiserror::Error)]
pub enum InferenceError {
    /// The file is missing, unreadable, not a model, or not the model its manifest describes.
    #[error("model file {file}: {problem}")]
    BadModel {
        /// Which file.
        file: String,
        /// What is wrong, what was expected, what to try.
        problem: String,
    },
    /// The runtime library or an execution provider is not usable.
    #[error("{0}")]
    Runtime(String),
    /// Memory ran out; a smaller batch or rung may work, and the session stays usable.
    #[error("model {model}: out of memory for a batch of {batch}: {problem}")]
    OutOfMemory {
        /// Which model.
        model: String,
        /// Items in the batch that failed.
        batch: usize,
        /// The runtime's own words.
        problem: String,
    },
    /// The run itself failed.
    #[error("model {model}: {problem}")]
    Run {
        /// Which model.
        model: String,
        /// What went wrong.
        problem: String,
    },
}

impl InferenceError {
    /// Whether memory ran out, and nothing smaller fitted either.
    pub fn is_out_of_memory(&self) -> bool {
        matches!(self, Self::OutOfMemory { .. })
    }
}

/// A loaded network, used by one thread at a time.
pub trait Session: Send {
    /// Runs one batch. `outputs` is overwritten; its vectors are reused. Every output has the batch's length first.
    fn run(&mut self, input: &Batch, outputs: &mut Outputs) -> Result<(), InferenceError>;

    /// From now on batches of up to `largest` items are expected. What only larger ones needed is given back, what these need
    /// is made ready, perhaps beside the next runs; where each batch size takes memory of its own, larger ones are cut. Slow (it may run once): on demand only.
    fn fit(&mut self, _largest: usize) -> Result<(), InferenceError> {
        Ok(())
    }

    /// Where it runs, in the runtime's word: `cpu`, `cuda:0`, `fake`.
    fn device(&self) -> String;
}

/// Something that opens sessions.
pub trait Backend: Send + Sync {
    /// Opens one variant of a model, checks it against its manifest, and runs it once. May take seconds. Where each batch size
    /// takes memory of its own it is ready for single items only, until it is [fitted](Session::fit) to more.
    fn open(&self, model: &Model, variant: &Variant) -> Result<Box<dyn Session>, InferenceError>;
}
