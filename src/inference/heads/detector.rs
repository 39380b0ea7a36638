//! Faces on frames.

use super::{boxes::Boxes, supply::Supply};
use crate::{
    inference::{InferenceError, manifest::ModelManifest},
    memory::Pixels,
    scene::FaceObservation,
};

/// Finds faces, with five points where the model has them.
pub struct Detector {
    boxes: Boxes,
}

impl Detector {
    /// A detector from its manifest and its sessions.
    pub fn new(manifest: &ModelManifest, supply: Supply) -> Result<Self, InferenceError> {
        let boxes = Boxes::new(manifest, supply)?;
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
