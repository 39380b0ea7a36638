//! What else is on a frame: boxes with a class, for moderation.

use super::{boxes::Boxes, supply::Supply};
use crate::{
    inference::{
        InferenceError,
        manifest::{ModelManifest, Output},
    },
    memory::Pixels,
    scene::BBox,
};

/// Finds things of the manifest's classes.
pub struct ContentModel {
    boxes: Boxes,
    classes: Vec<String>,
}

/// One thing seen on a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sighting {
    /// Where, in pixels of the frame.
    pub bbox: BBox,
    /// Index into [`ContentModel::classes`].
    pub class: usize,
    /// How sure, 0 to 1.
    pub score: f32,
}

impl ContentModel {
    /// A content model from its manifest and its sessions.
    pub fn new(manifest: &ModelManifest, supply: Supply) -> Result<Self, InferenceError> {
        let classes = match &manifest.output {
            Output::Yolov8(said) => said.classes.clone(),
            _ => vec!["face".to_owned()],
        };
        let boxes = Boxes::new(manifest, supply)?;
        Ok(Self { boxes, classes })
    }

    /// Names of the classes, in the network's order.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// What is on each frame, best first: `found[i]` belongs to `frames[i]`. Overwrites `found` and reuses its vectors.
    pub fn look(&mut self, frames: &[&Pixels], found: &mut Vec<Vec<Sighting>>) -> Result<(), InferenceError> {
        found.resize_with(frames.len(), Vec::new);
        found.iter_mut().for_each(Vec::clear);
        self.boxes.look(frames, |frame, seen| {
            found[frame].push(Sighting { bbox: seen.bbox, class: seen.class, score: seen.score });
        })
    }
}
