//! Networks that answer with one number a class: probabilities, and the mean they stand for.

use super::{DecodeError, wiring::numbers};
use crate::inference::{
    Outputs,
    manifest::{Expectation, Softmax},
};

/// One probability a class, in the manifest's order, into `into`. False (and nothing in `into`) when the network's numbers
/// are not finite.
pub fn probabilities(said: &Softmax, outputs: &Outputs, item: usize, into: &mut Vec<f32>) -> Result<bool, DecodeError> {
    let values = numbers(outputs, &said.name, item, said.classes.len())?;
    Ok(settle(values, said.logits, into))
}

/// The mean of the manifest's values, weighted by the network's probabilities. `None` when the numbers are not finite or
/// all zero.
pub fn expectation(
    said: &Expectation,
    outputs: &Outputs,
    item: usize,
    scratch: &mut Vec<f32>,
) -> Result<Option<f32>, DecodeError> {
    let values = numbers(outputs, &said.name, item, said.values.len())?;
    let sound = settle(values, said.logits, scratch);
    Ok(sound.then(|| mean(scratch, |at| said.values[at])).flatten())
}

/// The mean of `value(0)`, `value(1)` … under these probabilities; `None` when they sum to nothing.
pub(super) fn mean(probabilities: &[f32], value: impl Fn(usize) -> f32) -> Option<f32> {
    let whole: f32 = probabilities.iter().sum();
    let weighted: f32 = probabilities.iter().enumerate().map(|(at, p)| p * value(at)).sum();
    let mean = weighted / whole;
    mean.is_finite().then_some(mean)
}

/// Probabilities from logits, or from what should be probabilities already: those are only held to 0..1, since a network
/// with a single class does not sum to 1.
pub(super) fn settle(values: &[f32], logits: bool, into: &mut Vec<f32>) -> bool {
    into.clear();
    if !values.iter().all(|v| v.is_finite()) {
        return false;
    }
    if !logits {
        into.extend(values.iter().map(|v| v.clamp(0.0, 1.0)));
        return true;
    }
    // the largest becomes exp(0) = 1, so the sum is at least 1 and nothing overflows
    let highest = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    into.extend(values.iter().map(|v| (v - highest).exp()));
    let sum: f32 = into.iter().sum();
    for p in into.iter_mut() {
        *p /= sum;
    }
    true
}
