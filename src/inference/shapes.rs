//! Fake models that answer from the pixels themselves: for a synthetic camera's bright shapes, without any network.
//!
//! A shape's luma names it, so a fake "face" has an identity that survives movement: detection, embedding and liveness of the
//! whole graph can be tested in milliseconds. Nothing here is ever used on real footage.

use std::sync::Arc;

use super::{FaceClassifier, FaceDetector, FaceEmbedder, InferenceError, LivenessJudge, Look};
use crate::memory::Pixels;
use crate::scene::{Attributes, BBox, Embedding, FaceObservation, Finding, Point, Space};

/// The name under which a pipeline asks for these fakes in place of a model.
pub const SHAPES: &str = "shapes";
/// Luma from which a pixel belongs to a shape; synthetic backgrounds stay below 97.
const SHAPE_FROM: u8 = 108;
/// Luma of the first shape, and the step to the next.
const FIRST: u8 = 120;
const STEP: u8 = 12;
/// Distinguishable shapes.
const KINDS: usize = 10;
/// Every so many pixels are looked at; shapes are far larger.
const GRID: usize = 2;
/// Fewer looked-at pixels than this are noise.
const LEAST: u32 = 12;

/// Which shape a luma belongs to.
fn kind(luma: u8) -> Option<usize> {
    (luma >= SHAPE_FROM)
        .then(|| (usize::from(luma.saturating_sub(FIRST - STEP / 2)) / usize::from(STEP)).min(KINDS - 1))
}

/// Finds bright shapes.
#[derive(Clone, Copy, Debug, Default)]
pub struct ShapeDetector;

#[derive(Clone, Copy)]
struct Extent {
    left: usize,
    top: usize,
    right: usize,
    bottom: usize,
    count: u32,
}

impl Extent {
    const NONE: Self = Self { left: usize::MAX, top: usize::MAX, right: 0, bottom: 0, count: 0 };

    fn add(&mut self, x: usize, y: usize) {
        (self.left, self.top) = (self.left.min(x), self.top.min(y));
        (self.right, self.bottom) = (self.right.max(x + GRID), self.bottom.max(y + GRID));
        self.count += 1;
    }

    /// The extent as a face, with five points where a face of that box would have them.
    fn face(self) -> FaceObservation {
        let (x, y) = (self.left as f32, self.top as f32);
        let (w, h) = ((self.right - self.left) as f32, (self.bottom - self.top) as f32);
        let places = [(0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8)];
        let landmarks = places.map(|(dx, dy)| Point::new(x + dx * w, y + dy * h));
        FaceObservation::detected(BBox::new(x, y, w, h), Some(landmarks), 0.95)
    }
}

impl FaceDetector for ShapeDetector {
    fn detect(&mut self, frames: &[&Pixels], found: &mut Vec<Vec<FaceObservation>>) -> Result<(), InferenceError> {
        found.clear();
        found.extend(frames.iter().map(|pixels| shapes(pixels)));
        Ok(())
    }
}

fn shapes(pixels: &Pixels) -> Vec<FaceObservation> {
    let ((luma, stride), size) = (pixels.plane(0), pixels.size());
    let mut extents = [Extent::NONE; KINDS];
    for y in (0..size.h as usize).step_by(GRID) {
        let row = &luma[y * stride..][..size.w as usize];
        for (x, luma) in row.iter().enumerate().step_by(GRID) {
            if let Some(kind) = kind(*luma) {
                extents[kind].add(x, y);
            }
        }
    }
    extents.into_iter().filter(|e| e.count >= LEAST).map(Extent::face).collect()
}

/// Embeds a shape as the axis its luma names: different shapes are orthogonal, the same shape is identical.
#[derive(Clone, Debug)]
pub struct ShapeEmbedder {
    space: Space,
}

impl Default for ShapeEmbedder {
    fn default() -> Self {
        Self { space: Arc::from(SHAPES) }
    }
}

/// Luma in the middle of a face's box.
fn middle(look: &Look<'_>) -> Option<u8> {
    let ((luma, stride), center) = (look.pixels.plane(0), look.face.bbox.center());
    luma.get(center.y.max(0.0) as usize * stride + center.x.max(0.0) as usize).copied()
}

impl FaceEmbedder for ShapeEmbedder {
    fn embed(&mut self, looks: &[Look<'_>]) -> Result<Vec<Option<Embedding>>, InferenceError> {
        let one = |look: &Look<'_>| {
            let kind = kind(middle(look)?)?;
            let values = (0..KINDS).map(|i| f32::from(u8::from(i == kind))).collect();
            Some(Embedding { space: Arc::clone(&self.space), values })
        };
        Ok(looks.iter().map(one).collect())
    }
}

/// Calls even shapes live and odd ones pictures.
#[derive(Clone, Copy, Debug, Default)]
pub struct ShapeJudge;

impl LivenessJudge for ShapeJudge {
    fn judge(&mut self, looks: &[Look<'_>]) -> Result<Vec<Option<f32>>, InferenceError> {
        let one = |look: &Look<'_>| kind(middle(look)?).map(|kind| if kind % 2 == 0 { 0.95 } else { 0.05 });
        Ok(looks.iter().map(one).collect())
    }
}

/// Calls a shape ten years older than the one before it.
#[derive(Clone, Copy, Debug, Default)]
pub struct ShapeDescriber;

impl FaceClassifier for ShapeDescriber {
    fn classify(&mut self, looks: &[Look<'_>]) -> Result<Vec<Attributes>, InferenceError> {
        let years = |look: &Look<'_>| kind(middle(look)?).map(|kind| 10.0 * (kind + 1) as f32);
        let known = |years| Finding::Known { value: years, confidence: 1.0 };
        let one =
            |look: &Look<'_>| Attributes { age: years(look).map_or(Finding::Unsure, known), ..Attributes::default() };
        Ok(looks.iter().map(one).collect())
    }
}
