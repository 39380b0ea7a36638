//! Where a head points.

use super::{Sight, faces::Faces, network::unfit, supply::Supply};
use crate::inference::{
    InferenceError,
    decode::{self, Angles},
    manifest::{Bins, ModelManifest, Output},
};

/// Measures yaw, pitch and roll.
pub struct PoseModel {
    faces: Faces,
    said: Bins,
    scratch: Vec<f32>,
}

impl PoseModel {
    /// A model from its manifest and its sessions.
    pub fn new(manifest: &ModelManifest, supply: Supply) -> Result<Self, InferenceError> {
        let Output::Bins(said) = &manifest.output else {
            return Err(unfit(manifest, &decode::unfit(&manifest.output, "angles")));
        };
        Ok(Self { faces: Faces::new(manifest, supply)?, said: said.clone(), scratch: Vec::new() })
    }

    /// Each head's angles in degrees, in order. `None` for a face that cannot be cut out or for which the network answers
    /// nonsense. Overwrites `found`.
    pub fn angles(&mut self, faces: &[Sight], found: &mut Vec<Option<Angles>>) -> Result<(), InferenceError> {
        let Self { faces: network, said, scratch } = self;
        found.clear();
        network.each(faces, |answer| {
            let angles = decode::angles(said, answer.outputs, answer.at, scratch)?;
            found.push(angles.filter(|_| answer.cut.is_some()));
            Ok(())
        })
    }
}
