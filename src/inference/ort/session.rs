//! One session: a batch goes in as a view of our floats, outputs come out into vectors that are reused. Runs are cut or
//! padded to fixed sizes; values that are not finite are refused, because everything after would quietly go wrong.

use std::sync::Arc;

use ort::{
    session::{RunOptions, Session as Graph, SessionOutputs},
    value::TensorRef,
};

use super::{graphs::Graphs, opener::Larger, words::run_error};
use crate::inference::{Batch, Bucketing, InferenceError, OutputTensor, Outputs, Portion, Session, portions};
use crate::memory::return_freed_memory;

/// An infinite or undefined `f32` has all of these bits.
const EXPONENT: u32 = 0x7f80_0000;

/// A model variant, ready to run on one thread at a time.
pub struct OrtSession {
    graphs: Graphs,
    /// How graphs for larger batches are opened, where each has its own.
    larger: Option<Larger>,
    /// The model, for errors.
    model: Arc<str>,
    device: String,
    shape: Shape,
    /// The largest batch run since memory was last given back: its pool keeps what that took.
    grown: usize,
    /// Dropped last.
    _settled: Settled,
}

/// A graph's drop frees its weights into the C library's hands; this one's gives them back to the system.
struct Settled;

/// In which shapes a session runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// Channels, height and width of one item.
    pub(super) item: [usize; 3],
    /// What happens to batches that are no bucket.
    pub(super) bucketing: Bucketing,
    /// Largest bucket.
    pub(super) largest: usize,
}

impl OrtSession {
    pub(super) fn new(graphs: Graphs, larger: Option<Larger>, model: String, device: String, shape: Shape) -> Self {
        Self { graphs, larger, model: model.into(), device, shape, grown: 1, _settled: Settled }
    }

    /// Waits until there is a graph for every batch size it is fitted to.
    pub fn wait_until_whole(&mut self) {
        self.graphs.wait();
    }

    /// Runs the batch and looks at nothing: what the runtime alone costs, for `flyball models bench` to compare with.
    pub fn run_bare(&mut self, input: &Batch) -> Result<(), InferenceError> {
        self.run_all(input, |_, _| Ok(()))
    }

    /// Runs the batch portion by portion; `read` gets what came out of each.
    fn run_all(
        &mut self,
        input: &Batch,
        mut read: impl FnMut(&SessionOutputs<'_>, &Portion) -> Result<(), InferenceError>,
    ) -> Result<(), InferenceError> {
        let largest = self.shape.largest.min(self.graphs.largest());
        for portion in portions(input.len(), self.shape.bucketing, largest) {
            self.grown = self.grown.max(portion.run_as);
            let (floats, shape) = self.floats(input, &portion)?;
            let fail = |error: ort::Error| run_error(&self.model, portion.run_as, &error);
            let view = TensorRef::from_array_view((shape, floats)).map_err(fail)?;
            let run = |graph: &mut Graph| read(&graph.run(ort::inputs![view]).map_err(fail)?, &portion);
            self.graphs.with(portion.run_as, run).unwrap_or(Ok(()))?; // portions come in sizes that have a graph
        }
        Ok(())
    }

    /// The floats of a portion, and the shape in which they are run.
    fn floats<'a>(&self, input: &'a Batch, portion: &Portion) -> Result<(&'a [f32], [usize; 4]), InferenceError> {
        let each = input.each();
        let from = portion.items.start * each;
        let floats = input.data.get(from..from + portion.run_as * each).ok_or_else(|| InferenceError::Run {
            model: self.model.to_string(),
            problem: format!("the batch holds {} floats, too few for {:?}", input.data.len(), input.shape),
        })?;
        Ok((floats, [portion.run_as, input.shape[1], input.shape[2], input.shape[3]]))
    }

    /// Runs one item of zeros and has the graph's memory pool give back what that did not need.
    fn shrink(&mut self) -> Result<(), ort::Error> {
        let mut options = RunOptions::new()?;
        options.set("memory.enable_memory_arena_shrinkage", arena(&self.device))?;
        let [c, h, w] = self.shape.item;
        let zeros = vec![0.0_f32; c * h * w];
        let view = TensorRef::from_array_view(([1, c, h, w], &zeros[..]))?;
        let run = |graph: &mut Graph| graph.run_with_options(ort::inputs![view], &options).map(drop);
        self.graphs.with(1, run).unwrap_or(Ok(()))
    }
}

impl Session for OrtSession {
    fn run(&mut self, input: &Batch, outputs: &mut Outputs) -> Result<(), InferenceError> {
        for output in outputs.iter_mut() {
            output.data.clear();
            output.shape.clear();
        }
        let model = Arc::clone(&self.model);
        self.run_all(input, |results, portion| collect(&model, results, portion, outputs))
    }

    fn fit(&mut self, largest: usize) -> Result<(), InferenceError> {
        if let (Graphs::Each(each), Some(larger)) = (&mut self.graphs, &self.larger) {
            if each.fit(largest.min(self.shape.largest), |slots| larger.clone().open(slots)) {
                return_freed_memory();
            }
        } else if self.grown > largest {
            self.shrink().map_err(|error| run_error(&self.model, 1, &error))?;
            self.grown = 1;
            return_freed_memory();
        }
        Ok(())
    }

    fn device(&self) -> String {
        self.device.clone()
    }
}

/// The runtime's name for the memory of `cuda:1` or `cpu`.
fn arena(device: &str) -> String {
    device.strip_prefix("cuda:").map_or_else(|| "cpu:0".to_owned(), |number| format!("gpu:{number}"))
}

impl Drop for Settled {
    fn drop(&mut self) {
        return_freed_memory();
    }
}

/// Copies the portion's items out of the network's outputs.
fn collect(
    model: &str,
    results: &SessionOutputs<'_>,
    portion: &Portion,
    outputs: &mut Outputs,
) -> Result<(), InferenceError> {
    outputs.resize_with(results.len(), OutputTensor::default);
    for ((name, value), output) in results.iter().zip(outputs.iter_mut()) {
        let (shape, values) = value.try_extract_tensor::<f32>().map_err(|e| run_error(model, portion.run_as, &e))?;
        let values = values.get(..values.len() / portion.run_as * portion.items.len()).unwrap_or(values);
        if !all_finite(values) {
            let problem =
                format!("output {name} holds values that are not finite; check the file with `flyball models verify`");
            return Err(InferenceError::Run { model: model.into(), problem });
        }
        append(output, name, shape, values, portion.items.len());
    }
    Ok(())
}

/// Adds `items` more items to an output.
fn append(output: &mut OutputTensor, name: &str, shape: &[i64], values: &[f32], items: usize) {
    if output.shape.is_empty() {
        if output.name != name {
            name.clone_into(&mut output.name);
        }
        output.shape.extend(shape.iter().map(|&d| usize::try_from(d).unwrap_or(0)));
        output.shape[0] = 0; // a rank of 0 was refused when the file was loaded
    }
    output.shape[0] += items;
    output.data.extend_from_slice(values);
}

/// Whether no value is infinite or undefined. Looks at bits, so that the compiler can take eight at a time.
fn all_finite(values: &[f32]) -> bool {
    !values.iter().fold(false, |bad, v| bad | (v.to_bits() & EXPONENT == EXPONENT))
}
