//! CenterFace: a heat map whose peaks are faces, with size, offset and points at each cell. Rows come before columns in every
//! pair of channels. Formula: Xu et al., "CenterFace: Joint Face Detection and Alignment Using Face as Point", 2019, and its
//! published post-processing.

use super::{DecodeError, Proposal, grid::Grid, proposal::five, wiring::numbers};
use crate::{
    inference::{Outputs, manifest},
    memory::Size,
    scene::{BBox, Point},
};

/// One item's outputs, each channel a grid.
struct Maps<'a> {
    grid: Grid,
    heat: &'a [f32],
    scale: &'a [f32],
    offset: &'a [f32],
    points: &'a [f32],
}

pub(super) fn unpack(
    said: &manifest::Centerface,
    outputs: &Outputs,
    item: usize,
    input: Size,
    found: &mut Vec<Proposal>,
) -> Result<(), DecodeError> {
    let grid = Grid::over(input, said.stride);
    let read = |name: &str, channels: usize| numbers(outputs, name, item, grid.cells() * channels);
    let maps = Maps {
        grid,
        heat: read(&said.heatmap, 1)?,
        scale: read(&said.scale, 2)?,
        offset: read(&said.offset, 2)?,
        points: read(&said.landmarks, 10)?,
    };
    let hot = (0..grid.cells()).filter(|&at| maps.heat[at] > said.score_threshold);
    found.extend(hot.filter_map(|at| maps.face(at)));
    Ok(())
}

impl Maps<'_> {
    fn face(&self, at: usize) -> Option<Proposal> {
        let (n, s) = (self.grid.cells(), self.grid.stride);
        let (column, row) = self.grid.cell(at);
        let (h, w) = (self.scale[at].exp() * s, self.scale[n + at].exp() * s);
        let top = (row + self.offset[at] + 0.5) * s - h / 2.0;
        let left = (column + self.offset[n + at] + 0.5) * s - w / 2.0;
        let bbox = BBox::new(left, top, w, h);
        let pairs: [f32; 10] = std::array::from_fn(|k| self.points[k * n + at]);
        let points = five(&pairs, |y, x| Point::new(left + x * w, top + y * h));
        Proposal::face(bbox, Some(points), self.heat[at])
    }
}
