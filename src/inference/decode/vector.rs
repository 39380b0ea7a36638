//! A face as a vector.

use super::{DecodeError, wiring::numbers};
use crate::inference::{Outputs, manifest::OneEmbedding};

/// Vectors shorter than this have no direction worth comparing.
const SHORTEST: f32 = 1e-6;

/// The vector of one item, of unit length if the manifest says so, into `into`. False (and nothing in `into`) when it is not
/// finite or, where it is to be normalised, has no length.
pub fn embedding(
    said: &OneEmbedding,
    outputs: &Outputs,
    item: usize,
    into: &mut Vec<f32>,
) -> Result<bool, DecodeError> {
    into.clear();
    let values = numbers(outputs, &said.name, item, said.dims)?;
    let length = values.iter().map(|v| v * v).sum::<f32>().sqrt();
    if !length.is_finite() || length < SHORTEST {
        return Ok(false);
    }
    let by = if said.normalise { 1.0 / length } else { 1.0 };
    into.extend(values.iter().map(|v| v * by));
    Ok(true)
}
