//! What the stages ask of models, whichever network answers: where are faces, who is it, is it alive.
//!
//! The real answers come from the heads over an ONNX Runtime session, the fakes from arithmetic on the pixels.

use super::{
    InferenceError,
    heads::{Detector, Embedder, LivenessModel, Sight},
};
use crate::memory::Pixels;
use crate::scene::{Embedding, FaceObservation};

/// One face to look at closely: the picture it is on, and where.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    /// The picture.
    pub pixels: &'a Pixels,
    /// The face on it.
    pub face: &'a FaceObservation,
}

/// Finds faces.
pub trait FaceDetector: Send {
    /// Fills `found[i]` with the faces on `frames[i]`, in pixels of that frame. `found` is resized and overwritten.
    fn detect(&mut self, frames: &[&Pixels], found: &mut Vec<Vec<FaceObservation>>) -> Result<(), InferenceError>;
}

/// Turns faces into vectors.
pub trait FaceEmbedder: Send {
    /// One embedding a look, in order; `None` for a face that cannot be aligned (no landmarks, or degenerate ones).
    fn embed(&mut self, looks: &[Look<'_>]) -> Result<Vec<Option<Embedding>>, InferenceError>;
}

/// Judges whether faces are alive.
pub trait LivenessJudge: Send {
    /// Probability of "live" per look, 0 to 1, in order; `None` for a face that cannot be judged (too small, off the edge).
    fn judge(&mut self, looks: &[Look<'_>]) -> Result<Vec<Option<f32>>, InferenceError>;
}

fn sights<'a>(looks: &[Look<'a>]) -> Vec<Sight<'a>> {
    looks.iter().map(|look| (look.pixels, look.face)).collect()
}

impl FaceDetector for Detector {
    fn detect(&mut self, frames: &[&Pixels], found: &mut Vec<Vec<FaceObservation>>) -> Result<(), InferenceError> {
        Self::detect(self, frames, found)
    }
}

impl FaceEmbedder for Embedder {
    fn embed(&mut self, looks: &[Look<'_>]) -> Result<Vec<Option<Embedding>>, InferenceError> {
        let mut made = Vec::with_capacity(looks.len());
        Self::embed(self, &sights(looks), &mut made)?;
        Ok(made)
    }
}

impl LivenessJudge for LivenessModel {
    fn judge(&mut self, looks: &[Look<'_>]) -> Result<Vec<Option<f32>>, InferenceError> {
        let mut scores = Vec::with_capacity(looks.len());
        self.score(&sights(looks), &mut scores)?;
        Ok(scores)
    }
}
