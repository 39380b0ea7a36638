//! Many points on a face.

use super::{Sight, faces::Faces, network::unfit, supply::Supply};
use crate::{
    inference::{
        InferenceError, decode,
        manifest::{ModelManifest, Output, Points},
    },
    scene::Point,
};

/// Finds a face's points.
pub struct LandmarkModel {
    faces: Faces,
    said: Points,
}

impl LandmarkModel {
    /// A model from its manifest and its sessions.
    pub fn new(manifest: &ModelManifest, supply: Supply) -> Result<Self, InferenceError> {
        let Output::Points(said) = &manifest.output else {
            return Err(unfit(manifest, &decode::unfit(&manifest.output, "points")));
        };
        let faces = Faces::new(manifest, supply)?;
        Ok(Self { faces, said: said.clone() })
    }

    /// Each face's points in pixels of its frame: `found[i]` belongs to `faces[i]`, and is empty for a face that cannot be
    /// cut out or for which the network answers nonsense. Overwrites `found` and reuses its vectors.
    pub fn points(&mut self, faces: &[Sight], found: &mut Vec<Vec<Point>>) -> Result<(), InferenceError> {
        let Self { faces: network, said } = self;
        found.resize_with(faces.len(), Vec::new);
        network.each(faces, |answer| {
            let points = &mut found[answer.index];
            decode::points(said, answer.outputs, answer.at, answer.rung.size, points)?;
            match answer.cut {
                Some(cut) => points.iter_mut().for_each(|p| *p = cut.point_to_frame(*p)),
                None => points.clear(),
            }
            Ok(())
        })
    }
}
