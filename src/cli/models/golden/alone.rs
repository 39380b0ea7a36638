//! The network alone, on numbers that both programs can make: no picture is cut or resized between them, and so this holds also
//! for networks that a single level of a single pixel unsettles. Their makers are `questions.alone` in `models/prepare` and
//! `made_up` here. What a network says of pictures is compared in `faces`.

use serde_json::Value;

use super::{Agreement, farthest, numbers};
use crate::inference::{Batch, InferenceError, Outputs, Session, manifest::Model};

/// Largest difference between two programs that run the same file.
const SAME: f32 = 0.02;
/// Knuth's multiplicative hash (The Art of Computer Programming, vol. 3, section 6.4): spreads numbers, the same everywhere.
const HASH: u32 = 2_654_435_761;

/// How far the outputs are from the recorded ones; `None` when none are recorded.
pub(super) fn agreement(
    golden: &Value,
    model: &Model,
    session: &mut dyn Session,
) -> Result<Option<Agreement>, InferenceError> {
    let Some(wanted) = golden["alone"]["outputs"].as_object() else { return Ok(None) };
    let (width, height) = (model.manifest.input.size.w as usize, model.manifest.input.size.h as usize);
    let mut outputs = Outputs::new();
    session.run(&made_up([1, 3, height, width]), &mut outputs)?;
    let difference = |(name, wanted): (&String, &Value)| {
        let found = outputs.iter().find(|output| output.name == *name);
        let wanted = numbers(wanted);
        let found = found.map(|output| output.data.as_slice()).filter(|found| found.len() == wanted.len());
        found.map_or(f32::INFINITY, |found| farthest(found.iter().zip(wanted).map(|(a, b)| (a - b).abs())))
    };
    let worst = farthest(wanted.iter().map(difference));
    Ok(Some(Agreement {
        found: format!("the network alone differs by {worst:.4}"),
        expected: format!("at most {SAME}"),
        fits: worst <= SAME,
    }))
}

fn made_up(shape: [usize; 4]) -> Batch {
    let mut batch = Batch::default();
    batch.reshape(shape);
    for (at, value) in (0_u32..).zip(&mut batch.data) {
        *value = (f64::from(at.wrapping_mul(HASH)) / 4_294_967_296.0 * 4.0 - 2.0) as f32;
    }
    batch
}
