//! Whether something moves where nobody is known to be: a coarse comparison of two pictures' brightness.
//!
//! A grid of cells, each the mean of sixteen samples, is compared with the grid of an earlier picture. That costs some ten
//! thousand reads a frame, a thousandth of a detector. Sensor noise averages out; a light that changes everything at once
//! is taken for motion, which costs one look and misses nothing.

use crate::scene::BBox;

/// Cells across and down.
const CELLS: (usize, usize) = (40, 24);
/// Samples a cell, in each direction.
const SAMPLES: usize = 4;
/// A cell whose mean changed by this much, of 255, has moved. Noise of an ordinary camera stays below 3.
const MOVED: i16 = 10;
/// This many cells must move: one alone is a flicker.
const CELLS_MOVED: usize = 2;

/// The brightness plane of a picture.
#[derive(Clone, Copy, Debug)]
pub struct Luma<'a> {
    /// Its bytes.
    pub bytes: &'a [u8],
    /// Bytes from one row to the next.
    pub stride: usize,
    /// Bytes from one pixel to the next.
    pub step: usize,
    /// Width and height in pixels.
    pub size: (usize, usize),
}

/// A picture remembered, coarsely.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glimpse(Vec<i16>);

impl Glimpse {
    /// Takes one; pictures smaller than the grid give a glimpse of nothing, which always counts as changed.
    pub fn of(luma: Luma<'_>) -> Self {
        let (w, h) = luma.size;
        let (cell_w, cell_h) = (w / CELLS.0, h / CELLS.1);
        if cell_w < SAMPLES || cell_h < SAMPLES {
            return Self(Vec::new());
        }
        let mut cells = Vec::with_capacity(CELLS.0 * CELLS.1);
        for down in 0..CELLS.1 {
            for across in 0..CELLS.0 {
                cells.push(mean(luma, (across * cell_w, down * cell_h), (cell_w / SAMPLES, cell_h / SAMPLES)));
            }
        }
        Self(cells)
    }

    /// Whether something changed since `earlier` outside the boxes of faces already known, in pixels of a `size` picture.
    pub fn moved_since(&self, earlier: &Self, known: &[BBox], size: (usize, usize)) -> bool {
        if self.0.is_empty() || self.0.len() != earlier.0.len() {
            return true;
        }
        let (cell_w, cell_h) = ((size.0 / CELLS.0) as f32, (size.1 / CELLS.1) as f32);
        let covered = |at: usize| {
            let (x, y) = ((at % CELLS.0) as f32 * cell_w, (at / CELLS.0) as f32 * cell_h);
            known.iter().any(|b| x < b.right() && x + cell_w > b.x && y < b.bottom() && y + cell_h > b.y)
        };
        let cells = self.0.iter().zip(&earlier.0).enumerate();
        let moved = cells.filter(|(at, (now, then))| (*now - *then).abs() >= MOVED && !covered(*at));
        moved.take(CELLS_MOVED).count() == CELLS_MOVED
    }
}

/// Mean of a cell's samples.
fn mean(luma: Luma<'_>, (x, y): (usize, usize), (dx, dy): (usize, usize)) -> i16 {
    let mut sum = 0_u32;
    for row in 0..SAMPLES {
        let from = (y + row * dy) * luma.stride + x * luma.step;
        for column in 0..SAMPLES {
            sum += u32::from(luma.bytes.get(from + column * dx * luma.step).copied().unwrap_or(0));
        }
    }
    (sum / (SAMPLES * SAMPLES) as u32) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: (usize, usize) = (320, 192);

    /// A grey picture with noise of ±2 and a bright square of 40 pixels.
    fn picture(seed: u64, square: Option<(usize, usize)>) -> Vec<u8> {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut bytes: Vec<u8> = (0..SIZE.0 * SIZE.1).map(|_| 98 + random.u8(0..5)).collect();
        for (x, y) in square.into_iter().flat_map(|(x, y)| (0..1600).map(move |n| (x + n % 40, y + n / 40))) {
            bytes[y * SIZE.0 + x] = 200;
        }
        bytes
    }

    fn glimpse(bytes: &[u8]) -> Glimpse {
        Glimpse::of(Luma { bytes, stride: SIZE.0, step: 1, size: SIZE })
    }

    #[test]
    fn noise_is_not_motion_and_somebody_new_is() {
        let (empty, later) = (glimpse(&picture(1, None)), glimpse(&picture(2, None)));
        assert!(!later.moved_since(&empty, &[], SIZE));
        let somebody = glimpse(&picture(3, Some((100, 60))));
        assert!(somebody.moved_since(&empty, &[], SIZE));
    }

    #[test]
    fn what_moves_where_a_face_is_known_is_that_face() {
        let (here, there) = (glimpse(&picture(1, Some((100, 60)))), glimpse(&picture(2, Some((104, 62)))));
        assert!(there.moved_since(&here, &[], SIZE));
        assert!(!there.moved_since(&here, &[BBox::new(95.0, 55.0, 55.0, 55.0)], SIZE));
    }

    #[test]
    fn pictures_too_small_to_tell_always_count_as_changed() {
        let tiny = Glimpse::of(Luma { bytes: &[0; 64], stride: 8, step: 1, size: (8, 8) });
        assert!(tiny.moved_since(&tiny, &[], (8, 8)));
    }
}
