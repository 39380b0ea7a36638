//! Along one axis: which source samples make each output sample, and in what proportion.
//!
//! Half-pixel centres with clamping at the edges, the convention of OpenCV's `resize(INTER_LINEAR)`. Chroma planes of half
//! size are sampled at the same place of the picture; their samples are taken to sit in the middle of the luma pair.

/// For every output position: the first of two neighbouring samples, and the weight of the second.
#[derive(Clone, Debug, Default)]
pub(super) struct Axis {
    /// Relative to `first`.
    pub(super) index: Vec<i32>,
    /// Weight of the sample after `index`, 0 to 1 (exclusive).
    pub(super) weight: Vec<f32>,
    /// First sample of the plane that is needed.
    pub(super) first: usize,
    /// How many samples from there on are needed.
    pub(super) span: usize,
    /// The distance between neighbouring indices, if it never changes: then blocks load without gathering.
    pub(super) step: Option<usize>,
}

/// A stretch of picture, in full-size pixels, that becomes `to` output samples.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    pub(super) from: u32,
    pub(super) length: u32,
    pub(super) to: u32,
}

impl Axis {
    /// Fills the table for a plane of `samples` along this axis. `halved` planes hold one sample for two pixels.
    pub(super) fn rebuild(&mut self, stretch: Stretch, samples: usize, halved: bool) {
        self.index.clear();
        self.weight.clear();
        let last = samples.saturating_sub(1) as f64;
        for x in 0..stretch.to {
            let at = position(stretch, x, halved).clamp(0.0, last);
            let whole = at.floor();
            self.index.push(whole as i32);
            self.weight.push((at - whole) as f32);
        }
        self.rebase(samples);
    }

    fn rebase(&mut self, samples: usize) {
        let first = self.index.first().copied().unwrap_or(0);
        let end = self.index.last().map_or(0, |&i| (i as usize + 2).min(samples));
        self.first = first as usize;
        self.span = end - self.first;
        for index in &mut self.index {
            *index -= first;
        }
        let step = self.index.get(1).copied().unwrap_or(1);
        let even = self.index.iter().zip(0..).all(|(&index, x): (&i32, i32)| index == step * x);
        self.step = even.then_some(step as usize);
    }

    /// The two samples of output position `at`, as plane positions, and the second's weight in 1/256.
    pub(super) fn pair(&self, at: usize) -> (usize, usize, u16) {
        let near = self.first + self.index[at] as usize;
        let weight = (self.weight[at] * 256.0).round() as u16;
        let far = if weight == 0 { near } else { near + 1 };
        (near, far, weight)
    }
}

/// Where output `x` falls, in samples of the plane.
fn position(stretch: Stretch, x: u32, halved: bool) -> f64 {
    let (from, length) = (f64::from(stretch.from), f64::from(stretch.length));
    let pixel = from + (f64::from(x) + 0.5) * length / f64::from(stretch.to) - 0.5;
    let inside = pixel.clamp(from, from + length - 1.0);
    if halved { inside / 2.0 - 0.25 } else { inside }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(from: u32, length: u32, to: u32, samples: usize, halved: bool) -> Axis {
        let mut axis = Axis::default();
        axis.rebuild(Stretch { from, length, to }, samples, halved);
        axis
    }

    #[test]
    fn halving_takes_the_mean_of_each_pair_and_chroma_one_to_one() {
        let luma = axis(0, 8, 4, 8, false);
        assert_eq!((luma.index, luma.weight, luma.step), (vec![0, 2, 4, 6], vec![0.5; 4], Some(2)));
        let chroma = axis(0, 8, 4, 4, true);
        assert_eq!((chroma.index, chroma.weight, chroma.step), (vec![0, 1, 2, 3], vec![0.0; 4], Some(1)));
    }

    #[test]
    fn a_crop_never_looks_outside_itself_and_the_last_pair_exists() {
        let crop = axis(10, 5, 13, 100, false);
        assert_eq!((crop.first, crop.index[0], crop.weight[0]), (10, 0, 0.0));
        assert_eq!((crop.index[12], crop.weight[12]), (4, 0.0));
        let whole = axis(0, 5, 13, 5, false);
        assert_eq!((whole.first, whole.span), (0, 5));
        for x in 0..13 {
            assert!(whole.pair(x).1 < 5);
        }
    }
}
