//! What the stages ask of models, whichever network answers: where are faces, who is it, is it alive, how old, eyes open or
//! closed, what else is on the picture.
//!
//! The real answers come from the heads over an ONNX Runtime session, the fakes from arithmetic on the pixels.

use super::{
    InferenceError,
    heads::{
        AttributeModel, ContentModel, Detector, Embedder, EyeModel, LandmarkModel, LivenessModel, PoseModel, Sight,
        eye_boxes,
    },
};
use crate::memory::Pixels;
use crate::scene::{Attributes, Embedding, FaceObservation, Finding, Flag, HeadPose};

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

/// Describes faces.
pub trait FaceClassifier: Send {
    /// What is asked of each look, in order; `Unsure` for a face that cannot be cut out, `NotAsked` for what is not asked.
    fn classify(&mut self, looks: &[Look<'_>]) -> Result<Vec<Attributes>, InferenceError>;
}

/// Watches eyes.
pub trait EyeWatcher: Send {
    /// Probability, 0 to 1, that both eyes of each look are closed, in order; `None` where no eyes can be found.
    fn closed(&mut self, looks: &[Look<'_>]) -> Result<Vec<Option<f32>>, InferenceError>;
}

/// Sees what else is on pictures.
pub trait ContentWatcher: Send {
    /// Fills `found[i]` with what is on `frames[i]`, best first, in pixels of that frame.
    fn look(&mut self, frames: &[&Pixels], found: &mut Vec<Vec<Flag>>) -> Result<(), InferenceError>;

    /// What it can see, in the model's words.
    fn classes(&self) -> Vec<String>;
}

/// The models that describe a face; what is absent is not asked.
#[derive(Default)]
pub struct Describers {
    /// Age in years.
    pub age: Option<AttributeModel>,
    /// Probability of "female".
    pub gender: Option<AttributeModel>,
    /// Where the head points.
    pub pose: Option<PoseModel>,
}

/// Two models in a row: 68 points say where the eyes are, the other whether they are closed.
pub struct Eyes {
    landmarks: LandmarkModel,
    eyes: EyeModel,
}

impl Eyes {
    /// Eyes found by one model and judged by the other.
    pub fn new(landmarks: LandmarkModel, eyes: EyeModel) -> Self {
        Self { landmarks, eyes }
    }
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

impl FaceClassifier for Describers {
    fn classify(&mut self, looks: &[Look<'_>]) -> Result<Vec<Attributes>, InferenceError> {
        let sights = sights(looks);
        let (mut found, mut numbers) = (vec![Attributes::default(); looks.len()], Vec::new());
        if let Some(age) = &mut self.age {
            age.answer(&sights, &mut numbers)?;
            found.iter_mut().zip(&numbers).for_each(|(face, age)| face.age = *age);
        }
        if let Some(gender) = &mut self.gender {
            gender.answer(&sights, &mut numbers)?;
            found.iter_mut().zip(&numbers).for_each(|(face, female)| face.female = *female);
        }
        if let Some(pose) = &mut self.pose {
            let mut angles = Vec::new();
            pose.angles(&sights, &mut angles)?;
            for (face, angles) in found.iter_mut().zip(angles) {
                let known = |a: super::decode::Angles| HeadPose { yaw: a.yaw, pitch: a.pitch, roll: a.roll };
                face.pose = angles.map_or(Finding::Unsure, |a| Finding::Known { value: known(a), confidence: 1.0 });
            }
        }
        Ok(found)
    }
}

impl EyeWatcher for Eyes {
    fn closed(&mut self, looks: &[Look<'_>]) -> Result<Vec<Option<f32>>, InferenceError> {
        let (mut points, mut scores) = (Vec::new(), Vec::new());
        self.landmarks.points(&sights(looks), &mut points)?;
        let (mut whose, mut boxes) = (Vec::new(), Vec::new());
        for (look, (at, points)) in looks.iter().zip(points.iter().enumerate()) {
            for eye in eye_boxes(points).into_iter().flatten() {
                whose.push(at);
                boxes.push((look.pixels, eye));
            }
        }
        self.eyes.closed(&boxes, &mut scores)?;
        let mut closed = vec![None; looks.len()];
        for (at, score) in whose.into_iter().zip(scores) {
            // A blink closes both eyes: the more open one decides.
            closed[at] = score.map(|score| closed[at].map_or(score, |other: f32| other.min(score))).or(closed[at]);
        }
        Ok(closed)
    }
}

impl ContentWatcher for ContentModel {
    fn look(&mut self, frames: &[&Pixels], found: &mut Vec<Vec<Flag>>) -> Result<(), InferenceError> {
        let mut seen = Vec::new();
        Self::look(self, frames, &mut seen)?;
        let classes = Self::classes(self);
        let flag =
            |s: super::heads::Sighting| Flag { label: classes[s.class].as_str().into(), bbox: s.bbox, score: s.score };
        *found = seen.into_iter().map(|all| all.into_iter().map(flag).collect()).collect();
        Ok(())
    }

    fn classes(&self) -> Vec<String> {
        Self::classes(self).to_vec()
    }
}
