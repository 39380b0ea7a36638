//! Points on a face, as pixels of the crop the network saw.

use super::{DecodeError, wiring::numbers};
use crate::{
    inference::{
        Outputs,
        manifest::{PointUnit, Points},
    },
    memory::Size,
    scene::Point,
};

/// The points of one item, in pixels of a crop of `size`, into `into`. False (and nothing in `into`) when one is not finite.
pub fn points(
    said: &Points,
    outputs: &Outputs,
    item: usize,
    size: Size,
    into: &mut Vec<Point>,
) -> Result<bool, DecodeError> {
    into.clear();
    let values = numbers(outputs, &said.name, item, 2 * said.count)?;
    if !values.iter().all(|v| v.is_finite()) {
        return Ok(false);
    }
    let (w, h) = match said.unit {
        PointUnit::Crop => (size.w as f32, size.h as f32),
        PointUnit::Pixels => (1.0, 1.0),
    };
    into.extend(values.chunks_exact(2).map(|p| Point::new(p[0] * w, p[1] * h)));
    Ok(true)
}
