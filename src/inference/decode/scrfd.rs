//! SCRFD: from each anchor at a cell's corner, the distances to the four sides and the offsets of five points, in strides.
//! Formula: Guo et al., "Sample and Computation Redistribution for Efficient Face Detection", 2021.

use super::{
    DecodeError, Proposal,
    grid::{Grid, Level},
    proposal::five,
    wiring::{numbers, per_stride},
};
use crate::{
    inference::{Outputs, manifest},
    memory::Size,
    scene::{BBox, Point},
};

/// The head, its output names spelled out.
#[derive(Clone, Debug)]
pub(super) struct Scrfd {
    /// Names: scores, distances, points (unused without).
    levels: Vec<Level<3>>,
    with_points: bool,
    anchors: usize,
    threshold: f32,
}

impl Scrfd {
    pub(super) fn new(said: &manifest::Scrfd) -> Self {
        let points = said.kps.as_ref().unwrap_or(&said.bbox);
        let names = [&said.scores, &said.bbox, points].map(|n| per_stride(n, &said.strides));
        let level = |(at, &stride): (usize, &u32)| Level { stride, names: names.each_ref().map(|n| n[at].clone()) };
        Self {
            levels: said.strides.iter().enumerate().map(level).collect(),
            with_points: said.kps.is_some(),
            anchors: said.anchors.max(1),
            threshold: said.score_threshold,
        }
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
            let count = grid.cells() * self.anchors;
            let read = |name: usize, each: usize| numbers(outputs, &level.names[name], item, count * each);
            let (scores, boxes) = (read(0, 1)?, read(1, 4)?);
            let points = if self.with_points { Some(read(2, 10)?) } else { None };
            for (at, &score) in scores.iter().enumerate() {
                if score > self.threshold {
                    let points = points.map(|p| &p[10 * at..]);
                    found.extend(face(grid, at / self.anchors, score, &boxes[4 * at..], points));
                }
            }
        }
        Ok(())
    }
}

fn face(grid: Grid, cell: usize, score: f32, sides: &[f32], points: Option<&[f32]>) -> Option<Proposal> {
    let ((column, row), s) = (grid.cell(cell), grid.stride);
    let (x, y) = (column * s, row * s);
    let bbox = BBox::from_corners(x - sides[0] * s, y - sides[1] * s, x + sides[2] * s, y + sides[3] * s);
    let points = points.map(|p| five(p, |px, py| Point::new(x + px * s, y + py * s)));
    Proposal::face(bbox, points, score)
}
