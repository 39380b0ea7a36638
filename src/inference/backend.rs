//! The seam between our code and whatever runs a network: a batch of floats in, named tensors out.

/// A batch of input tensors, NCHW, `f32`, contiguous. Reused from call to call, so that its memory settles.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// `n * c * h * w` floats.
    pub data: Vec<f32>,
    /// `[n, c, h, w]`.
    pub shape: [usize; 4],
}

impl Batch {
    /// Makes room for a batch of this shape; contents are unspecified until written.
    pub fn reshape(&mut self, shape: [usize; 4]) {
        self.shape = shape;
        self.data.resize(shape.iter().product(), 0.0);
    }

    /// The floats of item `index`.
    pub fn item_mut(&mut self, index: usize) -> &mut [f32] {
        let each: usize = self.shape[1..].iter().product();
        &mut self.data[index * each..(index + 1) * each]
    }
}

/// One named output.
#[derive(Clone, Debug, Default)]
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
#[derive(Debug, thiserror::Error)]
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

/// A loaded network, used by one thread at a time.
pub trait Session: Send {
    /// Runs one batch. `outputs` is overwritten; its vectors are reused.
    fn run(&mut self, input: &Batch, outputs: &mut Outputs) -> Result<(), InferenceError>;
}
