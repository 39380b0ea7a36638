//! Many points on a face.

use super::{Sight, faces::Faces, network::unfit};
use crate::{
    inference::{
        InferenceError, Session, decode,
        manifest::{ModelManifest, Output, Points, Variant},
    },
    scene::Point,
};

/// Finds a face's points.
pub struct LandmarkModel {
    faces: Faces,
    said: Points,
}

impl LandmarkModel {
    /// A model from its manifest, the variant in use and a session of that variant.
    pub fn new(manifest: &ModelManifest, variant: &Variant, session: Box<dyn Session>) -> Result<Self, InferenceError> {
        let Output::Points(said) = &manifest.output else {
            return Err(unfit(manifest, decode::unfit(&manifest.output, "points")));
        };
        let faces = Faces::new(manifest, variant, session)?;
        Ok(Self {
            faces,
            said: said.clone(),
        })
    }

    /// Each face's points in pixels of its frame: `found[i]` belongs to `faces[i]`, and is empty for a face that cannot be
    /// cut out or for which the network answers nonsense. Overwrites `found` and reuses its vectors.
    pub fn points(&mut self, faces: &[Sight], found: &mut Vec<Vec<Point>>) -> Result<(), InferenceError> {
        let Self { faces: network, said } = self;
        let size = network.size();
        found.resize_with(faces.len(), Vec::new);
        let mut slots = found.iter_mut();
        network.each(faces, |cut, outputs, at| {
            let Some(points) = slots.next() else { return Ok(()) };
            decode::points(said, outputs, at, size, points)?;
            match cut {
                Some(cut) => points.iter_mut().for_each(|p| *p = cut.point_to_frame(*p)),
                None => points.clear(),
            }
            Ok(())
        })
    }
}
