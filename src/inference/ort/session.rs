//! One session: a batch goes in as a view of our floats, outputs come out into vectors that are reused. Runs are cut or
//! padded to fixed sizes; values that are not finite are refused, because everything after would quietly go wrong.

use ort::{
    session::{RunOptions, Session as Graph, SessionOutputs},
    value::TensorRef,
};

use super::words::run_error;
use crate::inference::{Batch, Bucketing, InferenceError, OutputTensor, Outputs, Portion, Session, portions};
use crate::memory::return_freed_memory;

/// An infinite or undefined `f32` has all of these bits.
const EXPONENT: u32 = 0x7f80_0000;

/// A model variant, ready to run on one thread at a time.
pub struct OrtSession {
    /// `None` only while it is being dropped. Its drop frees the weights, but into the C library's hands.
    graph: Option<Graph>,
    /// The model, for errors.
    model: String,
    device: String,
    shape: Shape,
}

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
    pub(super) fn new(graph: Graph, model: String, device: String, shape: Shape) -> Self {
        Self { graph: Some(graph), model, device, shape }
    }

    /// Runs the batch and looks at nothing: what the runtime alone costs, for `flyball models bench` to compare with.
    pub fn run_bare(&mut self, input: &Batch) -> Result<(), InferenceError> {
        let Some(graph) = &mut self.graph else {
            return Ok(());
        };
        let fail = |error: ort::Error| run_error(&self.model, input.len(), &error);
        let floats = &input.data[..input.len() * input.each()];
        let view = TensorRef::from_array_view((input.shape, floats)).map_err(fail)?;
        graph.run(ort::inputs![view]).map_err(fail)?;
        Ok(())
    }

    /// Runs one portion of the batch and adds its items to the outputs.
    fn run_portion(&mut self, input: &Batch, portion: &Portion, outputs: &mut Outputs) -> Result<(), InferenceError> {
        let Some(graph) = &mut self.graph else {
            return Ok(());
        };
        let each = input.each();
        let from = portion.items.start * each;
        let shape = [portion.run_as, input.shape[1], input.shape[2], input.shape[3]];
        let floats = input.data.get(from..from + portion.run_as * each).ok_or_else(|| InferenceError::Run {
            model: self.model.clone(),
            problem: format!("the batch holds {} floats, too few for {:?}", input.data.len(), input.shape),
        })?;
        let fail = |error: ort::Error| run_error(&self.model, portion.run_as, &error);
        let view = TensorRef::from_array_view((shape, floats)).map_err(fail)?;
        let results = graph.run(ort::inputs![view]).map_err(fail)?;
        collect(&self.model, &results, portion, outputs)
    }
}

impl Session for OrtSession {
    fn run(&mut self, input: &Batch, outputs: &mut Outputs) -> Result<(), InferenceError> {
        for output in outputs.iter_mut() {
            output.data.clear();
            output.shape.clear();
        }
        for portion in portions(input.len(), self.shape.bucketing, self.shape.largest) {
            self.run_portion(input, &portion, outputs)?;
        }
        Ok(())
    }

    fn shrink(&mut self) -> Result<(), InferenceError> {
        let Some(graph) = &mut self.graph else {
            return Ok(());
        };
        let fail = |error: ort::Error| run_error(&self.model, 1, &error);
        let [c, h, w] = self.shape.item;
        let shape = [1, c, h, w];
        let zeros = vec![0.0_f32; shape.iter().product()];
        let mut options = RunOptions::new().map_err(fail)?;
        let arena = if self.device.starts_with("cuda") { "gpu:0" } else { "cpu:0" };
        options.set("memory.enable_memory_arena_shrinkage", arena).map_err(fail)?;
        let view = TensorRef::from_array_view((shape, &zeros[..])).map_err(fail)?;
        graph.run_with_options(ort::inputs![view], &options).map_err(fail)?;
        return_freed_memory();
        Ok(())
    }

    fn device(&self) -> String {
        self.device.clone()
    }
}

impl Drop for OrtSession {
    fn drop(&mut self) {
        drop(self.graph.take());
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
