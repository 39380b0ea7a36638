//! An upright rectangle of a picture into one item of a batch: letterboxed frames and liveness crops.
//!
//! Luma and chroma are each interpolated at their own resolution, straight from their planes, and meet only in the output
//! pixel. On an RGB picture the result is OpenCV's `resize(INTER_LINEAR)` to within one level.

use super::{
    Placement, Rect, TensorFormat,
    axis::{Axis, Stretch},
    color::ToRgb,
    format::Finish,
    item::Item,
    rows::{self, Columns, FIXED, RgbRow, YuvRow},
};
use crate::memory::{PixelFormat, Pixels, Size};

/// How many tables are kept: one per frame size and target met lately. A table costs some 10 µs to make again.
const PLANS_KEPT: usize = 8;

/// The interpolation tables and the row buffers of one worker. Holds no pixels between calls.
#[derive(Debug, Default)]
pub struct Resizer {
    /// Most recently used first.
    plans: Vec<Plan>,
    luma: Vec<u16>,
    chroma: Vec<u16>,
}

/// The tables of one placement on one kind of picture.
#[derive(Debug, Default)]
struct Plan {
    made_for: Option<(Placement, Size)>,
    columns: Columns,
    luma_rows: Axis,
    chroma_rows: Axis,
}

impl Resizer {
    /// Fills `item` (channels × `input.h` × `input.w`): the placed part of the picture where `placement` says, `pad`
    /// (a grey of 0 to 255) around it. Parts of `placement` outside the picture or the item are cut off.
    pub fn fill(
        &mut self,
        pixels: &Pixels,
        placement: &Placement,
        format: &TensorFormat,
        pad: f32,
        input: Size,
        item: &mut [f32],
    ) {
        let wanted = format.channels.count() * input.area() as usize;
        assert_eq!(item.len(), wanted, "an item of {:?} at {input:?} holds {wanted} floats", format.channels);
        let picture = pixels.size().area() > 0;
        let placed = Placement {
            source: placement.source.within(pixels.size()),
            target: if picture { cut(placement.target, input) } else { Rect::default() },
        };
        let finish = format.finish();
        let mut out = Item::new(item, input, format.channels);
        surround(&mut out, placed.target, input, pad, &finish);
        if placed.target.w == 0 || placed.target.h == 0 {
            return;
        }
        self.prepare(placed, pixels.size());
        match pixels.format() {
            PixelFormat::Rgb => self.rgb(pixels, placed, &finish, &mut out),
            PixelFormat::Nv12 | PixelFormat::I420 => self.yuv(pixels, placed, &finish, &mut out),
        }
    }

    /// Brings the plan for this placement to the front, making it if it is new.
    fn prepare(&mut self, placed: Placement, frame: Size) {
        let known = self.plans.iter().position(|p| p.made_for == Some((placed, frame)));
        let slot = known.unwrap_or_else(|| {
            if self.plans.len() < PLANS_KEPT {
                self.plans.push(Plan::default());
            }
            self.plans.len() - 1
        });
        self.plans[..=slot].rotate_right(1);
        if known.is_none() {
            self.plans[0].rebuild(placed, frame);
        }
    }

    fn yuv(&mut self, pixels: &Pixels, placed: Placement, finish: &Finish, out: &mut Item) {
        let Self { plans, luma, chroma } = self;
        let Some(plan) = plans.first() else { return };
        let color = ToRgb::of(pixels, FIXED);
        for y in 0..placed.target.h as usize {
            let (near, far, weight) = plan.luma_rows.pair(y);
            let at = |row| span(pixels, 0, row, &plan.columns.luma, 1);
            rows::blend(at(near), at(far), weight, 1, luma);
            blend_chroma(pixels, plan, y, chroma);
            let row = YuvRow { luma, chroma, columns: &plan.columns, color: &color, finish };
            row.write(&mut out.row(placed.target.x as usize, placed.target.y as usize + y, placed.target.w as usize));
        }
    }

    fn rgb(&mut self, pixels: &Pixels, placed: Placement, finish: &Finish, out: &mut Item) {
        let Self { plans, luma: packed, .. } = self;
        let Some(plan) = plans.first() else { return };
        let columns = &plan.columns.luma;
        for y in 0..placed.target.h as usize {
            let (near, far, weight) = plan.luma_rows.pair(y);
            let at = |row| span(pixels, 0, row, columns, 3);
            rows::blend(at(near), at(far), weight, 3, packed);
            let row = RgbRow { packed, columns, finish };
            row.write(&mut out.row(placed.target.x as usize, placed.target.y as usize + y, placed.target.w as usize));
        }
    }
}

impl Plan {
    fn rebuild(&mut self, placed: Placement, frame: Size) {
        let (source, target) = (placed.source, placed.target);
        let across = Stretch { from: source.x, length: source.w, to: target.w };
        let down = Stretch { from: source.y, length: source.h, to: target.h };
        let (w, h) = (frame.w as usize, frame.h as usize);
        self.columns.luma.rebuild(across, w, false);
        self.columns.chroma.rebuild(across, w.div_ceil(2), true);
        self.luma_rows.rebuild(down, h, false);
        self.chroma_rows.rebuild(down, h.div_ceil(2), true);
        self.made_for = Some((placed, frame));
    }
}

fn blend_chroma(pixels: &Pixels, plan: &Plan, y: usize, out: &mut Vec<u16>) {
    let (near, far, weight) = plan.chroma_rows.pair(y);
    let columns = &plan.columns.chroma;
    if pixels.format() == PixelFormat::Nv12 {
        let at = |row| span(pixels, 1, row, columns, 2);
        return rows::blend(at(near), at(far), weight, 2, out);
    }
    let at = |plane, row| span(pixels, plane, row, columns, 1);
    rows::blend_woven([at(1, near), at(1, far)], [at(2, near), at(2, far)], weight, out);
}

/// The bytes of one plane row that the columns need; `lanes` bytes a sample.
fn span<'a>(pixels: &'a Pixels, plane: usize, row: usize, columns: &Axis, lanes: usize) -> &'a [u8] {
    let (bytes, stride) = pixels.plane(plane);
    let start = row * stride + columns.first * lanes;
    &bytes[start..start + columns.span * lanes]
}

/// The part of `target` inside the item.
fn cut(target: Rect, input: Size) -> Rect {
    let (x, y) = (target.x.min(input.w), target.y.min(input.h));
    Rect { x, y, w: target.w.min(input.w - x), h: target.h.min(input.h - y) }
}

/// Writes the padding around the picture, and only there.
fn surround(out: &mut Item, inner: Rect, input: Size, pad: f32, finish: &Finish) {
    let (left, right) = (inner.x as usize, (inner.x + inner.w) as usize);
    let (top, bottom) = (inner.y as usize, (inner.y + inner.h) as usize);
    let width = input.w as usize;
    for y in 0..input.h as usize {
        if y < top || y >= bottom {
            out.row(0, y, width).flood(pad, finish);
            continue;
        }
        out.row(0, y, left).flood(pad, finish);
        out.row(right, y, width - right).flood(pad, finish);
    }
}
