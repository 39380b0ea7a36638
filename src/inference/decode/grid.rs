//! The cells of a detector's grid, in the order networks list them: row by row from the top left.

use crate::memory::Size;

/// One level of a detector: cells of `stride` × `stride` pixels, and the names of its outputs.
#[derive(Clone, Debug)]
pub(super) struct Level<const OUTPUTS: usize> {
    pub(super) stride: u32,
    pub(super) names: [String; OUTPUTS],
}

/// Columns and rows of a grid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Grid {
    pub(super) columns: usize,
    pub(super) rows: usize,
    pub(super) stride: f32,
}

impl Grid {
    /// The grid over an input; a cell that would reach past the edge is left out.
    pub(super) fn over(input: Size, stride: u32) -> Self {
        let cells = |pixels: u32| (pixels / stride.max(1)) as usize;
        Self::of(cells(input.w), cells(input.h), stride)
    }

    /// The grid over an input; a cell that reaches past the edge counts.
    pub(super) fn covering(input: Size, stride: u32) -> Self {
        let cells = |pixels: u32| pixels.div_ceil(stride.max(1)) as usize;
        Self::of(cells(input.w), cells(input.h), stride)
    }

    fn of(columns: usize, rows: usize, stride: u32) -> Self {
        Self { columns, rows, stride: stride as f32 }
    }

    /// How many cells.
    pub(super) fn cells(self) -> usize {
        self.columns * self.rows
    }

    /// Column and row of cell `index`.
    pub(super) fn cell(self, index: usize) -> (f32, f32) {
        ((index % self.columns) as f32, (index / self.columns) as f32)
    }
}
