//! YuNet: per cell a class score, an objectness, a box and five points. Formula: OpenCV's `FaceDetectorYN`.

use super::{
    DecodeError, Proposal,
    grid::{Grid, Level},
    proposal::{around, five},
    wiring::{numbers, per_stride},
};
use crate::{inference::Outputs, inference::manifest, memory::Size, scene::Point};

/// The head, its output names spelled out.
#[derive(Clone, Debug)]
pub(super) struct Yunet {
    /// Names: class, objectness, box, points.
    levels: Vec<Level<4>>,
    threshold: f32,
}

impl Yunet {
    pub(super) fn new(said: &manifest::Yunet) -> Self {
        let names = [&said.cls, &said.obj, &said.bbox, &said.kps].map(|n| per_stride(n, &said.strides));
        let level = |(at, &stride): (usize, &u32)| Level { stride, names: names.each_ref().map(|n| n[at].clone()) };
        Self { levels: said.strides.iter().enumerate().map(level).collect(), threshold: said.score_threshold }
    }

    pub(super) fn unpack(
        &self,
        outputs: &Outputs,
        item: usize,
        input: Size,
        found: &mut Vec<Proposal>,
    ) -> Result<(), DecodeError> {
        for level in &self.levels {
            let grid = Grid::over(input, level.stride);
            let read = |name: usize, each: usize| numbers(outputs, &level.names[name], item, grid.cells() * each);
            let (class, object, boxes, points) = (read(0, 1)?, read(1, 1)?, read(2, 4)?, read(3, 10)?);
            for at in 0..grid.cells() {
                let score = (class[at].clamp(0.0, 1.0) * object[at].clamp(0.0, 1.0)).sqrt();
                if score > self.threshold {
                    found.extend(face(grid, at, score, &boxes[4 * at..], &points[10 * at..]));
                }
            }
        }
        Ok(())
    }
}

fn face(grid: Grid, at: usize, score: f32, b: &[f32], points: &[f32]) -> Option<Proposal> {
    let ((x, y), s) = (grid.cell(at), grid.stride);
    let bbox = around((x + b[0]) * s, (y + b[1]) * s, b[2].exp() * s, b[3].exp() * s);
    let points = five(points, |px, py| Point::new((px + x) * s, (py + y) * s));
    Proposal::face(bbox, Some(points), score)
}
