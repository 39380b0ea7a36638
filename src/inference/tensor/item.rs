//! One item of a batch, seen as up to three planes named by colour rather than by position.

use super::format::Finish;
use crate::{inference::manifest::Channels, memory::Size};

/// The planes of one item. Gray uses `red` alone and leaves the others empty.
pub(super) struct Item<'a> {
    planes: [&'a mut [f32]; 3],
    width: usize,
    gray: bool,
}

/// One row of output, or part of it.
pub(super) struct RowOut<'a> {
    pub(super) planes: [&'a mut [f32]; 3],
    pub(super) gray: bool,
}

impl<'a> Item<'a> {
    /// Splits `floats` (channels × height × width); a slice of the wrong length would be cut short, so callers assert it.
    pub(super) fn new(floats: &'a mut [f32], size: Size, channels: Channels) -> Self {
        let each = size.w as usize * size.h as usize;
        let (first, rest) = floats.split_at_mut(each.min(floats.len()));
        let (second, third) = rest.split_at_mut(each.min(rest.len()));
        let planes = match channels {
            Channels::Rgb => [first, second, third],
            Channels::Bgr => [third, second, first],
            Channels::Gray => [first, &mut [], &mut []],
        };
        Self { planes, width: size.w as usize, gray: channels == Channels::Gray }
    }

    /// `count` pixels of row `y` from column `x` on.
    pub(super) fn row(&mut self, x: usize, y: usize, count: usize) -> RowOut<'_> {
        let start = y * self.width + x;
        let gray = self.gray;
        let planes = self
            .planes
            .each_mut()
            .map(|plane| if plane.is_empty() { &mut [][..] } else { &mut plane[start..start + count] });
        RowOut { planes, gray }
    }
}

impl RowOut<'_> {
    /// Pixels in this piece of row.
    pub(super) fn len(&self) -> usize {
        self.planes[0].len()
    }

    /// The same grey everywhere.
    pub(super) fn flood(&mut self, grey: f32, finish: &Finish) {
        for (c, plane) in self.planes.iter_mut().enumerate() {
            plane.fill(grey * finish.scale[c] + finish.bias[c]);
        }
    }
}
