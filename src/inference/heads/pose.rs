//! Where a head points.

use super::{Sight, faces::Faces, network::unfit};
use crate::inference::{
    InferenceError, Session,
    decode::{self, Angles},
    manifest::{Bins, ModelManifest, Output, Variant},
};

/// Measures yaw, pitch and roll.
pub struct PoseModel {
    faces: Faces,
    said: Bins,
    scratch: Vec<f32>,
}

impl PoseModel {
    /// A model from its manifest, the variant in use and a session of that variant.
    pub fn new(manifest: &ModelManifest, variant: &Variant, session: Box<dyn Session>) -> Result<Self, InferenceError> {
        let Output::Bins(said) = &manifest.output else {
            return Err(unfit(manifest, decode::unfit(&manifest.output, "angles")));
        };
        Ok(Self {
            faces: Faces::new(manifest, variant, session)?,
            said: said.clone(),
            scratch: Vec::new(),
        })
    }

    /// Each head's angles in degrees, in order. `None` for a face that cannot be cut out or for which the network answers
    /// nonsense. Overwrites `found`.
    pub fn angles(&mut self, faces: &[Sight], found: &mut Vec<Option<Angles>>) -> Result<(), InferenceError> {
        let Self {
            faces: network,
            said,
            scratch,
        } = self;
        found.clear();
        network.each(faces, |cut, outputs, at| {
            let angles = decode::angles(said, outputs, at, scratch)?;
            found.push(angles.filter(|_| cut.is_some()));
            Ok(())
        })
    }
}
