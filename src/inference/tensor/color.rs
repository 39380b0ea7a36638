//! Luma and chroma to red, green and blue: three weighted sums whose weights follow from the standard and the range.

use crate::memory::{ColorMatrix, ColorRange, Pixels};

/// Luma weights of red and blue, ITU-R BT.601-7 §2.5.1.
const BT601: (f64, f64) = (0.299, 0.114);
/// Luma weights of red and blue, ITU-R BT.709-6 §3.2.
const BT709: (f64, f64) = (0.2126, 0.0722);
/// Neutral chroma, 0 to 255.
pub(super) const NEUTRAL: f32 = 128.0;
/// Grey from red, green, blue, as OpenCV's `COLOR_RGB2GRAY`.
pub(super) const GRAY: [f32; 3] = [0.299, 0.587, 0.114];

/// `r = y·Y + rv·V + offset[0]`, `g = y·Y + gu·U + gv·V + offset[1]`, `b = y·Y + bu·U + offset[2]`; results need clamping
/// to 0..255.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct ToRgb {
    pub(super) y: f32,
    pub(super) rv: f32,
    pub(super) gu: f32,
    pub(super) gv: f32,
    pub(super) bu: f32,
    pub(super) offset: [f32; 3],
}

impl ToRgb {
    /// The weights for a picture whose samples arrive multiplied by `gain` (fixed-point rows).
    pub(super) fn of(pixels: &Pixels, gain: f32) -> Self {
        let (kr, kb) = match pixels.matrix() {
            ColorMatrix::Bt601 => BT601,
            ColorMatrix::Bt709 => BT709,
        };
        let (black, luma, chroma) = match pixels.range() {
            ColorRange::Limited => (16.0, 255.0 / 219.0, 255.0 / 224.0),
            ColorRange::Full => (0.0, 1.0, 1.0),
        };
        let kg = 1.0 - kr - kb;
        let (rv, bu) = (2.0 * (1.0 - kr) * chroma, 2.0 * (1.0 - kb) * chroma);
        let (gu, gv) = (-bu * kb / kg, -rv * kr / kg);
        let lift = -black * luma;
        let mid = f64::from(NEUTRAL);
        let per = |weight: f64| (weight / f64::from(gain)) as f32;
        Self {
            y: per(luma),
            rv: per(rv),
            gu: per(gu),
            gv: per(gv),
            bu: per(bu),
            offset: [lift - rv * mid, lift - (gu + gv) * mid, lift - bu * mid].map(|o| o as f32),
        }
    }

    /// One pixel, clamped.
    pub(super) fn pixel(&self, y: f32, u: f32, v: f32) -> [f32; 3] {
        let r = self.y * y + self.rv * v + self.offset[0];
        let g = self.y * y + self.gu * u + self.gv * v + self.offset[1];
        let b = self.y * y + self.bu * u + self.offset[2];
        [r, g, b].map(|c| c.clamp(0.0, 255.0))
    }
}

/// The luma sample that shows as a grey of `value`.
pub(super) fn luma_of_grey(range: ColorRange, value: f32) -> f32 {
    match range {
        ColorRange::Limited => 16.0 + value * 219.0 / 255.0,
        ColorRange::Full => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::{HostPlanes, PixelFormat, Size};

    fn picture(matrix: ColorMatrix, range: ColorRange) -> Pixels {
        let planes = HostPlanes::from([vec![0; 4], vec![0; 2]]);
        Pixels::new(PixelFormat::Nv12, Size::new(2, 2), [2, 2, 0], matrix, range, Box::new(planes)).unwrap()
    }

    #[test]
    fn video_white_black_and_red_come_out_as_the_standard_says() {
        let weights = ToRgb::of(&picture(ColorMatrix::Bt601, ColorRange::Limited), 1.0);
        for (yuv, rgb) in [
            ([235.0, 128.0, 128.0], [255.0, 255.0, 255.0]),
            ([16.0, 128.0, 128.0], [0.0, 0.0, 0.0]),
            ([81.5, 90.2, 240.0], [255.0, 0.0, 0.0]), // BT.601 red
        ] {
            let found = weights.pixel(yuv[0], yuv[1], yuv[2]);
            for (a, b) in found.iter().zip(rgb) {
                assert!((a - b).abs() < 1.0, "{yuv:?} became {found:?}");
            }
        }
    }

    #[test]
    fn full_range_709_keeps_a_grey_grey_and_gain_cancels() {
        let weights = ToRgb::of(&picture(ColorMatrix::Bt709, ColorRange::Full), 256.0);
        let found = weights.pixel(100.0 * 256.0, 128.0 * 256.0, 128.0 * 256.0);
        assert!(found.iter().all(|c| (c - 100.0).abs() < 1e-3), "{found:?}");
    }
}
