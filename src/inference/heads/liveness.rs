//! How likely one class is: "live" for anti-spoofing networks, "synthetic" for deepfake probes.

use super::{Sight, faces::Faces, network::unfit, supply::Supply};
use crate::inference::{
    InferenceError, decode,
    manifest::{ModelManifest, Output, Softmax},
};

/// Scores faces for one class of a classifier.
pub struct LivenessModel {
    faces: Faces,
    said: Softmax,
    class: usize,
    chances: Vec<f32>,
}

impl LivenessModel {
    /// A model from its manifest and its sessions. The class scored is the manifest's
    /// `live_index`, or the first.
    pub fn new(manifest: &ModelManifest, supply: Supply) -> Result<Self, InferenceError> {
        let Output::Softmax(said) = &manifest.output else {
            return Err(unfit(manifest, &decode::unfit(&manifest.output, "probabilities")));
        };
        let class = said.live_index.unwrap_or(0);
        if class >= said.classes.len() {
            let count = said.classes.len();
            return Err(unfit(manifest, &format!("live_index is {class}, but [output] names {count} classes")));
        }
        Ok(Self { faces: Faces::new(manifest, supply)?, said: said.clone(), class, chances: Vec::new() })
    }

    /// The probability, 0 to 1, that each face is of the class, in order. `None` for a face that cannot be cut out or for
    /// which the network answers nonsense. Overwrites `scores`.
    pub fn score(&mut self, faces: &[Sight], scores: &mut Vec<Option<f32>>) -> Result<(), InferenceError> {
        let Self { faces: network, said, class, chances } = self;
        scores.clear();
        network.each(faces, |answer| {
            let sound = decode::probabilities(said, answer.outputs, answer.at, chances)? && answer.cut.is_some();
            scores.push(sound.then(|| chances[*class]));
            Ok(())
        })
    }
}
