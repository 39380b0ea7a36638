//! What a whole picture looks like, in a few numbers: cheap, because it looks at a few thousand places only.
//!
//! `media` judges by them whether a camera shows anything worth watching. Places lie on a fixed grid, so that two pictures
//! of one camera can be compared sample by sample.

use crate::memory::{PixelFormat, Pixels};

/// Samples across and down: 2 304 places, whatever the picture's size.
const COLUMNS: usize = 64;
const ROWS: usize = 36;
/// Neighbours looked at from each place, for sharpness and noise.
const RUN: usize = 8;
/// Luma from which a place counts as burnt out; video white is 235.
const BURNT: u8 = 234;
/// Chroma below which a place is the deep green of planes that were never written: U = V = 0.
const GREEN: u8 = 40;
/// Mean step between neighbours from which a block of the picture is noise. Uniform noise makes 85, the busiest real
/// textures stay below 40.
const NOISE: u32 = 60;

/// A picture in a few numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct PictureFigures {
    /// Mean luma, 0 to 255.
    pub mean: f32,
    /// Share of places that are burnt out.
    pub burnt: f32,
    /// Share of places that are deep green, or noise.
    pub garbage: f32,
    /// Mean square of the step between neighbouring pixels, as a share of the picture's own variance: blur spreads an edge
    /// over many small steps, whose squares are less; light changes both alike.
    pub sharpness: f32,
    /// Luma at each place.
    samples: Vec<u8>,
}

impl PictureFigures {
    /// Looks at a picture. `None` for one that is too small, or not from a decoder.
    pub fn of(pixels: &Pixels) -> Option<Self> {
        let size = pixels.size();
        let (w, h) = (size.w as usize, size.h as usize);
        if pixels.format() == PixelFormat::Rgb || w < COLUMNS + RUN || h < ROWS {
            return None;
        }
        let (luma, stride) = pixels.plane(0);
        let (mut samples, mut energy, mut noisy) = (Vec::with_capacity(COLUMNS * ROWS), 0.0_f32, 0_usize);
        for row in 0..ROWS {
            let line = &luma[place(row, ROWS, h) * stride..][..w];
            let (mut steps, mut squares) = (0_u32, 0_u32);
            for column in 0..COLUMNS {
                let x = place(column, COLUMNS, w - RUN);
                samples.push(line[x]);
                for pair in line[x..=x + RUN].windows(2).take(RUN) {
                    let step = u32::from(pair[0].abs_diff(pair[1]));
                    (steps, squares) = (steps + step, squares + step * step);
                }
            }
            let count = COLUMNS * RUN;
            noisy += if steps / count as u32 >= NOISE { COLUMNS } else { 0 };
            energy += squares as f32 / (count * ROWS) as f32;
        }
        let count = samples.len() as f32;
        let mean = samples.iter().map(|luma| f32::from(*luma)).sum::<f32>() / count;
        let variance = samples.iter().map(|luma| (f32::from(*luma) - mean).powi(2)).sum::<f32>() / count;
        let burnt = samples.iter().filter(|luma| **luma >= BURNT).count() as f32 / count;
        let garbage = green_share(pixels).max(noisy as f32 / count);
        Some(Self { mean, burnt, garbage, sharpness: energy / variance.max(1.0), samples })
    }

    /// Whether not one place differs.
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.samples == other.samples
    }

    /// How alike two scenes are, whatever their light: correlation of the places, -1 to 1. Flat pictures are like nothing.
    pub fn likeness(&self, other: &Self) -> f32 {
        let pairs = || self.samples.iter().zip(&other.samples);
        let (mut both, mut own, mut others) = (0.0_f32, 0.0_f32, 0.0_f32);
        for (a, b) in pairs() {
            let (a, b) = (f32::from(*a) - self.mean, f32::from(*b) - other.mean);
            both += a * b;
            own += a * a;
            others += b * b;
        }
        if own * others > 0.0 { both / (own.sqrt() * others.sqrt()) } else { 0.0 }
    }
}

/// The pixel of the `index`th of `count` places along `length` pixels.
fn place(index: usize, count: usize, length: usize) -> usize {
    (2 * index + 1) * length / (2 * count)
}

/// The share of places whose chroma was never written.
fn green_share(pixels: &Pixels) -> f32 {
    let (row, rows) = pixels.format().plane_extent(1, pixels.size());
    let (chroma, stride) = pixels.plane(1);
    let is_interleaved = pixels.format() == PixelFormat::Nv12;
    let across = if is_interleaved { row / 2 } else { row };
    let mut green = 0_u32;
    for y in (0..ROWS).map(|y| place(y, ROWS, rows)) {
        for x in (0..COLUMNS).map(|x| place(x, COLUMNS, across)) {
            let (u, v) = if is_interleaved {
                (chroma[y * stride + 2 * x], chroma[y * stride + 2 * x + 1])
            } else {
                let (second, second_stride) = pixels.plane(2);
                (chroma[y * stride + x], second[y * second_stride + x])
            };
            green += u32::from(u < GREEN && v < GREEN);
        }
    }
    green as f32 / (COLUMNS * ROWS) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::{ColorMatrix, ColorRange, HostPlanes, Size};

    const SIZE: Size = Size { w: 640, h: 360 };

    /// An I420 picture whose luma is `luma(x, y)` and whose chroma is `chroma`.
    fn picture(luma: impl Fn(usize, usize) -> u8, chroma: u8) -> PictureFigures {
        let y = (0..360).flat_map(|y| (0..640).map(move |x| (x, y))).map(|(x, y)| luma(x, y)).collect();
        let planes = HostPlanes::from([y, vec![chroma; 320 * 180], vec![chroma; 320 * 180]]);
        let (matrix, range) = (ColorMatrix::default(), ColorRange::Limited);
        let pixels = Pixels::new(PixelFormat::I420, SIZE, [640, 320, 320], matrix, range, Box::new(planes)).unwrap();
        PictureFigures::of(&pixels).unwrap()
    }

    /// Stripes of 20 pixels, softened over `blur` pixels.
    fn stripes(blur: usize) -> PictureFigures {
        let level = |x: usize| if x % 40 < 20 { 180.0 } else { 60.0 };
        let mean = move |x: usize, _| ((0..=blur).map(|d| level(x + d)).sum::<f32>() / (blur + 1) as f32) as u8;
        picture(mean, 128)
    }

    #[test]
    fn black_burnt_green_and_noise_are_told_apart() {
        assert!(picture(|_, _| 16, 128).mean < 17.0);
        let burnt = picture(|x, _| if x < 500 { 235 } else { 120 }, 128);
        assert!((burnt.burnt - 0.78).abs() < 0.02, "{}", burnt.burnt);
        assert!(picture(|_, _| 80, 0).garbage > 0.99);
        let mut rng = fastrand::Rng::with_seed(7);
        let noise: Vec<u8> = (0..640 * 360).map(|_| rng.u8(..)).collect();
        assert!(picture(|x, y| noise[y * 640 + x], 128).garbage > 0.9);
        assert!(stripes(0).garbage < 0.01);
    }

    #[test]
    fn blur_takes_sharpness_and_light_does_not() {
        let (sharp, soft) = (stripes(0), stripes(16));
        let dim = picture(|x, _| if x % 40 < 20 { 90 } else { 30 }, 128);
        assert!(soft.sharpness < 0.8 * sharp.sharpness, "{} of {}", soft.sharpness, sharp.sharpness);
        assert!((dim.sharpness / sharp.sharpness - 1.0).abs() < 0.05);
    }

    #[test]
    fn the_same_scene_in_other_light_is_alike_and_another_scene_is_not() {
        let scene = picture(|x, y| ((x / 3 + y / 2) % 256) as u8, 128);
        let dimmer = picture(|x, y| ((x / 3 + y / 2) % 256) as u8 / 2 + 16, 128);
        let other = picture(|x, y| ((640 - x) / 4 + (y % 97)) as u8, 128);
        assert!(scene.likeness(&dimmer) > 0.99 && scene.likeness(&other) < 0.3);
        assert!(scene.is_same_as(&scene.clone()) && !scene.is_same_as(&dimmer));
        assert!(scene.likeness(&picture(|_, _| 90, 128)).abs() < 0.01, "a covered lens is like nothing");
    }
}
