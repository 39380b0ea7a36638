//! Faces on frames.

use super::boxes::Boxes;
use crate::{
    inference::{
        InferenceError, Session,
        manifest::{ModelManifest, Variant},
    },
    memory::Pixels,
    scene::FaceObservation,
};

/// Finds faces, with five points where the model has them.
pub struct Detector {
    boxes: Boxes,
}

impl Detector {
    /// A detector from its manifest, the variant in use and a session of that variant.
    pub fn new(manifest: &ModelManifest, variant: &Variant, session: Box<dyn Session>) -> Result<Self, InferenceError> {
        let boxes = Boxes::new(manifest, variant, session)?;
        Ok(Self { boxes })
    }

    /// The faces of each frame, best first, in that frame's pixels: `found[i]` belongs to `frames[i]`. Overwrites `found`
    /// and reuses its vectors.
    pub fn detect(&mut self, frames: &[&Pixels], found: &mut Vec<Vec<FaceObservation>>) -> Result<(), InferenceError> {
        found.resize_with(frames.len(), Vec::new);
        found.iter_mut().for_each(Vec::clear);
        self.boxes.look(frames, |frame, face| {
            found[frame].push(FaceObservation::detected(face.bbox, face.points, face.score));
        })
    }
}
