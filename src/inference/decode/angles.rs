//! Where a head points: three angles, each a mean over bins. Formula: Ruiz et al., "Fine-Grained Head Pose Estimation Without
//! Keypoints" (HopeNet), 2018.

use super::{
    DecodeError,
    classes::{mean, settle},
    wiring::numbers,
};
use crate::inference::{Outputs, manifest::Bins};

/// A head's direction in degrees; zero looks into the camera.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Angles {
    /// Left and right.
    pub yaw: f32,
    /// Up and down.
    pub pitch: f32,
    /// Tilt.
    pub roll: f32,
}

/// The angles of one item; `None` when the numbers are not finite.
pub fn angles(
    said: &Bins,
    outputs: &Outputs,
    item: usize,
    scratch: &mut Vec<f32>,
) -> Result<Option<Angles>, DecodeError> {
    let mut degrees = [0.0; 3];
    for (angle, name) in degrees.iter_mut().zip([&said.yaw, &said.pitch, &said.roll]) {
        let values = numbers(outputs, name, item, said.bins)?;
        if !settle(values, said.logits, scratch) {
            return Ok(None);
        }
        let Some(bin) = mean(scratch, |bin| bin as f32) else {
            return Ok(None);
        };
        *angle = bin * said.degrees_per_bin + said.offset;
    }
    let [yaw, pitch, roll] = degrees;
    Ok(Some(Angles { yaw, pitch, roll }))
}
