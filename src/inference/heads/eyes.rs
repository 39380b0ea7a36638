//! Whether eyes are closed: the evidence for a blink.

use super::{Sight, liveness::LivenessModel, supply::Supply};
use crate::memory::Pixels;
use crate::{
    inference::{InferenceError, manifest::ModelManifest},
    scene::{BBox, FaceObservation, Point},
};

/// Outer or inner corner, four lid points, other corner of each eye among 68 points (iBUG numbering).
const EYES: [(usize, [usize; 4], usize); 2] = [(36, [37, 38, 40, 41], 39), (42, [43, 44, 46, 47], 45)];
/// Points that numbering has.
const POINTS: usize = 68;

/// Scores eyes as closed. The manifest's first class must be "closed".
pub struct EyeModel {
    inner: LivenessModel,
    boxes: Vec<FaceObservation>,
}

impl EyeModel {
    /// A model from its manifest and its sessions.
    pub fn new(manifest: &ModelManifest, supply: Supply) -> Result<Self, InferenceError> {
        let inner = LivenessModel::new(manifest, supply)?;
        Ok(Self { inner, boxes: Vec::new() })
    }

    /// The probability, 0 to 1, that each eye is closed. Boxes as [`eye_boxes`] makes them. `None` for an eye outside the
    /// picture. Overwrites `scores`.
    pub fn closed(&mut self, eyes: &[(&Pixels, BBox)], scores: &mut Vec<Option<f32>>) -> Result<(), InferenceError> {
        self.boxes.clear();
        self.boxes.extend(eyes.iter().map(|&(_, bbox)| FaceObservation::detected(bbox, None, 1.0)));
        let sights: Vec<Sight> = eyes.iter().map(|e| e.0).zip(&self.boxes).collect();
        self.inner.score(&sights, scores)
    }
}

/// Squares about both eyes of 68 points: as wide as the corners are apart, centred on the lids. The model's manifest says
/// by how much to grow them. `None` unless there are 68 points.
pub fn eye_boxes(points: &[Point]) -> Option<[BBox; 2]> {
    let points: &[Point; POINTS] = points.try_into().ok()?;
    Some(EYES.map(|(from, lids, to)| {
        let side = (points[to].x - points[from].x).hypot(points[to].y - points[from].y);
        let mean = |axis: fn(&Point) -> f32| lids.iter().map(|&lid| axis(&points[lid])).sum::<f32>() / 4.0;
        BBox::new(mean(|p| p.x) - side / 2.0, mean(|p| p.y) - side / 2.0, side, side)
    }))
}
