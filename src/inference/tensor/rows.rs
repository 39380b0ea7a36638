//! The inner loops of a resize, one output row at a time: blend two source rows, then pick, convert and normalise.
//!
//! Blended rows are 16-bit fixed point, sample × 256, and one neutral sample longer than needed, so that "this one and the
//! next" always exists. Rows go in blocks of eight where the CPU has vectors for it, else one by one.

#[cfg(target_arch = "x86_64")]
use super::{avx2, vectors};
use super::{axis::Axis, color::GRAY, color::ToRgb, format::Finish, item::RowOut};

/// Blended rows hold samples times this.
pub(super) const FIXED: f32 = 256.0;

/// Where in the source rows each output column looks.
#[derive(Clone, Debug, Default)]
pub(super) struct Columns {
    pub(super) luma: Axis,
    pub(super) chroma: Axis,
}

/// Two blended rows, luma and interleaved U V, on their way to one row of output.
pub(super) struct YuvRow<'a> {
    pub(super) luma: &'a [u16],
    pub(super) chroma: &'a [u16],
    pub(super) columns: &'a Columns,
    pub(super) color: &'a ToRgb,
    pub(super) finish: &'a Finish,
}

/// One blended row of packed red, green, blue on its way to one row of output.
pub(super) struct RgbRow<'a> {
    pub(super) packed: &'a [u16],
    pub(super) columns: &'a Axis,
    pub(super) finish: &'a Finish,
}

/// `near·(256 − weight) + far·weight`, sample by sample, then `lanes` more to read past the end.
pub(super) fn blend(near: &[u8], far: &[u8], weight: u16, lanes: usize, out: &mut Vec<u16>) {
    out.resize(near.len() + lanes, 0);
    #[cfg(target_arch = "x86_64")]
    if vectors::available() {
        return avx2::blend(near, far, weight, out);
    }
    mix(near, far, weight, out);
}

/// The same for separate U and V rows, woven together.
pub(super) fn blend_woven(u: [&[u8]; 2], v: [&[u8]; 2], weight: u16, out: &mut Vec<u16>) {
    out.resize(2 * (u[0].len() + 1), 0);
    #[cfg(target_arch = "x86_64")]
    if vectors::available() {
        return avx2::blend_woven(u, v, weight, out);
    }
    weave(u, v, weight, out);
}

#[inline(always)]
#[allow(clippy::inline_always, reason = "must be compiled again inside the function that enables AVX2")]
pub(super) fn weave(u: [&[u8]; 2], v: [&[u8]; 2], weight: u16, out: &mut [u16]) {
    // One length for all, known to the loop: else it is done sample by sample.
    let count = u[0].len().min(u[1].len()).min(v[0].len()).min(v[1].len()).min(out.len() / 2);
    let (u, v, out) = (u.map(|row| &row[..count]), v.map(|row| &row[..count]), &mut out[..2 * count]);
    for x in 0..count {
        out[2 * x] = between(u[0][x], u[1][x], weight);
        out[2 * x + 1] = between(v[0][x], v[1][x], weight);
    }
}

#[inline(always)]
#[allow(clippy::inline_always, reason = "must be compiled again inside the function that enables AVX2")]
pub(super) fn mix(near: &[u8], far: &[u8], weight: u16, out: &mut [u16]) {
    for ((o, &a), &b) in out.iter_mut().zip(near).zip(far) {
        *o = between(a, b, weight);
    }
}

#[inline(always)]
#[allow(clippy::inline_always, reason = "the body of the loop above")]
fn between(a: u8, b: u8, weight: u16) -> u16 {
    // at most 255 · 256, which fits
    u16::from(a) * (256 - weight) + u16::from(b) * weight
}

impl YuvRow<'_> {
    /// Writes the row.
    pub(super) fn write(&self, out: &mut RowOut) {
        #[cfg(target_arch = "x86_64")]
        let done = if vectors::available() { avx2::yuv_row(self, out) } else { 0 };
        #[cfg(not(target_arch = "x86_64"))]
        let done = 0;
        for x in done..out.len() {
            out.set(x, self.pixel(x), self.finish);
        }
    }

    fn pixel(&self, x: usize) -> [f32; 3] {
        let (i, w) = (self.columns.luma.index[x] as usize, self.columns.luma.weight[x]);
        let y = lerp(self.luma[i], self.luma[i + 1], w);
        let (i, w) = (2 * self.columns.chroma.index[x] as usize, self.columns.chroma.weight[x]);
        let u = lerp(self.chroma[i], self.chroma[i + 2], w);
        let v = lerp(self.chroma[i + 1], self.chroma[i + 3], w);
        self.color.pixel(y, u, v)
    }
}

impl RgbRow<'_> {
    /// Writes the row.
    pub(super) fn write(&self, out: &mut RowOut) {
        #[cfg(target_arch = "x86_64")]
        let done = if vectors::available() { avx2::rgb_row(self, out) } else { 0 };
        #[cfg(not(target_arch = "x86_64"))]
        let done = 0;
        for x in done..out.len() {
            out.set(x, self.pixel(x), self.finish);
        }
    }

    fn pixel(&self, x: usize) -> [f32; 3] {
        let (i, w) = (3 * self.columns.index[x] as usize, self.columns.weight[x]);
        [0, 1, 2].map(|c| lerp(self.packed[i + c], self.packed[i + c + 3], w) / FIXED)
    }
}

impl RowOut<'_> {
    /// Rounds one pixel (red, green, blue, 0 to 255) to whole levels, normalises and stores it. Networks were trained on
    /// pictures of whole levels, and some (liveness above all) answer differently to what lies between.
    pub(super) fn set(&mut self, x: usize, rgb: [f32; 3], finish: &Finish) {
        let rgb = rgb.map(f32::round_ties_even);
        if self.gray {
            let grey: f32 = rgb.iter().zip(GRAY).map(|(c, share)| c * share).sum();
            self.planes[0][x] = grey.round_ties_even() * finish.scale[0] + finish.bias[0];
            return;
        }
        for (c, plane) in self.planes.iter_mut().enumerate() {
            plane[x] = rgb[c] * finish.scale[c] + finish.bias[c];
        }
    }
}

fn lerp(a: u16, b: u16, weight: f32) -> f32 {
    let (a, b) = (f32::from(a), f32::from(b));
    a + (b - a) * weight
}
