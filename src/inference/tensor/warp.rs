//! A turned rectangle of a picture into one item of a batch: aligned faces, straight from the planes.
//!
//! Bilinear, like OpenCV's `warpAffine(INTER_LINEAR)` but without its rounding of coordinates to 1/32 pixel. Pixels whose
//! neighbours all lie well inside the frame go eight at a time; those at the edge one by one, with the border's rule.

use std::ops::Range;

use super::{
    Border, TensorFormat,
    color::{NEUTRAL, ToRgb, luma_of_grey},
    format::Finish,
    item::{Item, RowOut},
};
#[cfg(target_arch = "x86_64")]
use super::{avx2, vectors};
use crate::{
    memory::{PixelFormat, Pixels, Size},
    vision::Affine,
};

/// Distance from the right and bottom edge within which pixels are read one by one: vectors read up to 6 bytes ahead.
const MARGIN: f32 = 9.0;

/// One plane of samples; neighbours along x are `step` bytes apart.
#[derive(Clone, Copy)]
pub(super) struct Plane<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) stride: usize,
    pub(super) step: usize,
    pub(super) width: usize,
    pub(super) height: usize,
    outside: Option<f32>,
}

/// The planes a crop is read from.
pub(super) enum Source<'a> {
    /// Luma, U, V.
    Yuv([Plane<'a>; 3], ToRgb),
    /// Red, green, blue.
    Rgb([Plane<'a>; 3]),
}

/// Everything one crop needs.
pub(super) struct Crop<'a> {
    pub(super) source: Source<'a>,
    pub(super) map: [[f32; 3]; 2],
    pub(super) finish: Finish,
    frame: Size,
}

/// Fills `item` (channels × `size.h` × `size.w`) with the part of the picture that `map` (crop pixels to frame
/// pixels) points at. A map that is not finite (landmarks of nonsense) gives black.
pub fn warp(pixels: &Pixels, map: &Affine, border: Border, format: &TensorFormat, size: Size, item: &mut [f32]) {
    let wanted = format.channels.count() * size.area() as usize;
    assert_eq!(item.len(), wanted, "an item of {:?} at {size:?} holds {wanted} floats", format.channels);
    let finish = format.finish();
    let mut out = Item::new(item, size, format.channels);
    let sound = map.0.iter().flatten().all(|m| m.is_finite()) && pixels.size().area() > 0;
    let crop = sound.then(|| Crop::new(pixels, map, border, finish));
    for y in 0..size.h as usize {
        match &crop {
            Some(crop) => crop.row(y, size.w as usize, &mut out),
            None => out.row(0, y, size.w as usize).flood(0.0, &finish),
        }
    }
}

impl<'a> Crop<'a> {
    fn new(pixels: &'a Pixels, map: &Affine, border: Border, finish: Finish) -> Self {
        Self { source: Source::of(pixels, border), map: map.0, finish, frame: pixels.size() }
    }

    fn row(&self, y: usize, width: usize, out: &mut Item) {
        let inner = self.interior(y, width);
        let done = inner.start + self.blocks(y, inner.clone(), &mut out.row(inner.start, y, inner.len()));
        let mut row = out.row(0, y, width);
        for x in (0..inner.start).chain(done..width) {
            row.set(x, self.pixel(x, y), &self.finish);
        }
    }

    /// As many pixels of `inner` as vectors take, from its start.
    #[cfg(target_arch = "x86_64")]
    fn blocks(&self, y: usize, inner: Range<usize>, out: &mut RowOut) -> usize {
        if vectors::available() { avx2::warp_row(self, y, inner.start, out) } else { 0 }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn blocks(&self, _y: usize, _inner: Range<usize>, _out: &mut RowOut) -> usize {
        0
    }

    /// The columns of row `y` whose source lies well inside the frame.
    fn interior(&self, y: usize, width: usize) -> Range<usize> {
        let [[a, b, c], [d, e, f]] = self.map;
        let y = y as f32;
        let (from, to) = crossing(a, b * y + c, self.frame.w as f32 - MARGIN);
        let (from2, to2) = crossing(d, e * y + f, self.frame.h as f32 - MARGIN);
        let start = (from.max(from2).ceil().max(0.0) as usize).min(width);
        let end = (to.min(to2).floor().max(-1.0) + 1.0) as usize;
        start..end.clamp(start, width)
    }

    fn pixel(&self, x: usize, y: usize) -> [f32; 3] {
        let [[a, b, c], [d, e, f]] = self.map;
        let (x, y) = (x as f32, y as f32);
        let (sx, sy) = (a * x + (b * y + c), d * x + (e * y + f));
        match &self.source {
            Source::Rgb(planes) => planes.each_ref().map(|plane| plane.sample(sx, sy)),
            Source::Yuv([luma, u, v], color) => {
                let (cx, cy) = (sx * 0.5 - 0.25, sy * 0.5 - 0.25);
                color.pixel(luma.sample(sx, sy), u.sample(cx, cy), v.sample(cx, cy))
            }
        }
    }
}

impl<'a> Source<'a> {
    fn of(pixels: &'a Pixels, border: Border) -> Self {
        let grey = match border {
            Border::Constant(value) => Some(value),
            Border::Replicate => None,
        };
        let (w, h) = (pixels.size().w as usize, pixels.size().h as usize);
        let plane = |index, skip: usize, step, half: bool, outside| {
            let (bytes, stride) = pixels.plane(index);
            let (width, height) = if half { (w.div_ceil(2), h.div_ceil(2)) } else { (w, h) };
            Plane { bytes: &bytes[skip..], stride, step, width, height, outside }
        };
        let luma = || plane(0, 0, 1, false, grey.map(|g| luma_of_grey(pixels.range(), g)));
        let neutral = grey.map(|_| NEUTRAL);
        let color = ToRgb::of(pixels, 1.0);
        match pixels.format() {
            PixelFormat::Rgb => Self::Rgb([0, 1, 2].map(|c| plane(0, c, 3, false, grey))),
            PixelFormat::Nv12 => {
                Self::Yuv([luma(), plane(1, 0, 2, true, neutral), plane(1, 1, 2, true, neutral)], color)
            }
            PixelFormat::I420 => {
                Self::Yuv([luma(), plane(1, 0, 1, true, neutral), plane(2, 0, 1, true, neutral)], color)
            }
        }
    }
}

impl Plane<'_> {
    /// Bilinear between the four neighbours of a position.
    fn sample(&self, x: f32, y: f32) -> f32 {
        // beyond one pixel outside, everything is border: clamping there changes nothing and keeps integers small
        let (x, y) = (x.clamp(-2.0, self.width as f32 + 1.0), y.clamp(-2.0, self.height as f32 + 1.0));
        let (left, top) = (x.floor(), y.floor());
        let (fx, fy) = (x - left, y - top);
        let (left, top) = (left as i32, top as i32);
        let upper = self.at(left, top) * (1.0 - fx) + self.at(left + 1, top) * fx;
        let lower = self.at(left, top + 1) * (1.0 - fx) + self.at(left + 1, top + 1) * fx;
        upper * (1.0 - fy) + lower * fy
    }

    fn at(&self, x: i32, y: i32) -> f32 {
        let (right, bottom) = (self.width as i32 - 1, self.height as i32 - 1);
        let inside = (0..=right).contains(&x) && (0..=bottom).contains(&y);
        if let (false, Some(border)) = (inside, self.outside) {
            return border;
        }
        let (x, y) = (x.clamp(0, right) as usize, y.clamp(0, bottom) as usize);
        f32::from(self.bytes[y * self.stride + x * self.step])
    }
}

/// The `t` for which `slope·t + start` lies in 1..=`limit`, as an interval (empty when it ends before it starts).
fn crossing(slope: f32, start: f32, limit: f32) -> (f32, f32) {
    const EMPTY: (f32, f32) = (1.0, -1.0);
    if limit < 1.0 {
        return EMPTY;
    }
    if slope == 0.0 {
        let inside = (1.0..=limit).contains(&start);
        return if inside { (0.0, f32::INFINITY) } else { EMPTY };
    }
    let (one, other) = ((1.0 - start) / slope, (limit - start) / slope);
    (one.min(other), one.max(other))
}
