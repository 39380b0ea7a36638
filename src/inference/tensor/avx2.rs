//! The inner loops on AVX2, eight pixels at a time. Same arithmetic as their portable twins, which finish what is left.
#![allow(
    unsafe_code,
    reason = "vector loads, gathers and stores; every address is bounded by an assertion or a clamp nearby"
)]
#![allow(clippy::cast_ptr_alignment, reason = "all loads and stores used here are the unaligned ones")]

use std::{
    arch::x86_64::{
        __m256, __m256i, _MM_FROUND_NO_EXC, _MM_FROUND_TO_NEAREST_INT, _mm256_add_epi32, _mm256_add_ps,
        _mm256_and_si256, _mm256_cvtepi32_ps, _mm256_cvttps_epi32, _mm256_floor_ps, _mm256_fmadd_ps,
        _mm256_i32gather_epi32, _mm256_loadu_ps, _mm256_loadu_si256, _mm256_max_epi32, _mm256_max_ps, _mm256_min_epi32,
        _mm256_min_ps, _mm256_mul_ps, _mm256_mullo_epi32, _mm256_round_ps, _mm256_set1_epi32, _mm256_set1_ps,
        _mm256_setr_ps, _mm256_srli_epi32, _mm256_srlv_epi32, _mm256_storeu_ps, _mm256_sub_ps,
    },
    marker::PhantomData,
};

use super::{
    axis::Axis,
    color::{GRAY, ToRgb},
    format::Finish,
    item::RowOut,
    rows::{self, FIXED, RgbRow, YuvRow},
    vectors,
    warp::{Crop, Plane, Source},
};

/// Pixels a block.
const BLOCK: usize = 8;

/// Red, green, blue of one block.
type Block = [__m256; 3];

/// Where the blocks of a row start. The last one overlaps the one before rather than leave a rest: a pixel written twice
/// costs less than one written alone.
fn blocks(length: usize) -> impl Iterator<Item = usize> {
    (0..covered(length)).step_by(BLOCK).map(move |x| x.min(length - BLOCK))
}

/// How many pixels the blocks of a row cover: all, or none of a row shorter than one block.
fn covered(length: usize) -> usize {
    if length < BLOCK { 0 } else { length }
}

/// See [`rows::blend`]. Call only if [`vectors::available`].
pub(super) fn blend(near: &[u8], far: &[u8], weight: u16, out: &mut [u16]) {
    #[target_feature(enable = "avx2")]
    fn wide(near: &[u8], far: &[u8], weight: u16, out: &mut [u16]) {
        rows::mix(near, far, weight, out);
    }
    debug_assert!(vectors::available());
    // SAFETY: the caller has checked that the CPU has AVX2.
    unsafe { wide(near, far, weight, out) }
}

/// See [`rows::blend_woven`]. Call only if [`vectors::available`].
pub(super) fn blend_woven(u: [&[u8]; 2], v: [&[u8]; 2], weight: u16, out: &mut [u16]) {
    #[target_feature(enable = "avx2")]
    fn wide(u: [&[u8]; 2], v: [&[u8]; 2], weight: u16, out: &mut [u16]) {
        rows::weave(u, v, weight, out);
    }
    debug_assert!(vectors::available());
    // SAFETY: the caller has checked that the CPU has AVX2.
    unsafe { wide(u, v, weight, out) }
}

/// Writes the row, unless it is shorter than a block; says how many pixels that was. Call only if [`vectors::available`].
pub(super) fn yuv_row(row: &YuvRow, out: &mut RowOut) -> usize {
    assert!(row.luma.len() > row.columns.luma.span && row.chroma.len() >= 2 * (row.columns.chroma.span + 1));
    let dense = row.columns.luma.step == Some(2) && row.columns.chroma.step == Some(1);
    // SAFETY: the caller has checked for AVX2 and FMA; the rows are long enough for every index, asserted above.
    unsafe { if dense { yuv_blocks::<true>(row, out) } else { yuv_blocks::<false>(row, out) } }
}

/// Writes the row, unless it is shorter than a block; says how many pixels that was. Call only if [`vectors::available`].
pub(super) fn rgb_row(row: &RgbRow, out: &mut RowOut) -> usize {
    assert!(row.packed.len() >= 3 * (row.columns.span + 1));
    // SAFETY: the caller has checked for AVX2 and FMA; the row is long enough for every index, asserted above.
    unsafe { rgb_blocks(row, out) }
}

/// Writes a crop's row from column `start` on, unless it is shorter than a block; says how many pixels. Call only if [`vectors::available`].
pub(super) fn warp_row(crop: &Crop, y: usize, start: usize, out: &mut RowOut) -> usize {
    let planes = match &crop.source {
        Source::Yuv(planes, _) | Source::Rgb(planes) => planes,
    };
    // gathers use 32-bit offsets and read four bytes at a time, even from the smallest plane
    let fits = |p: &Plane| i32::try_from(p.bytes.len()).is_ok() && p.width >= 4 && p.height >= 2;
    if !planes.iter().all(fits) {
        return 0;
    }
    // SAFETY: the caller has checked for AVX2 and FMA; `taps` clamps every offset to the plane, checked large enough above.
    unsafe { warp_blocks(crop, y, start, out) }
}

#[target_feature(enable = "avx2,fma")]
unsafe fn yuv_blocks<const DENSE: bool>(row: &YuvRow, out: &mut RowOut) -> usize {
    let (luma, chroma) = (row.luma.as_ptr(), row.chroma.as_ptr());
    let mut pen = Pen::new(row.finish, out);
    for x in blocks(pen.length) {
        let (luma_at, luma_weight) = column(&row.columns.luma, x);
        let (chroma_at, chroma_weight) = column(&row.columns.chroma, x);
        // SAFETY: an index is at most span - 1; one and two samples further still exist (asserted by the caller). With an
        // even step the block's pairs lie side by side, the last one where the gather would have found it.
        let (pairs, near, far) = unsafe {
            if DENSE {
                let near = chroma.add(2 * x).cast();
                (load(luma.add(2 * x).cast()), load(near), load(near.add(1)))
            } else {
                let near = chroma.cast::<i32>();
                (
                    _mm256_i32gather_epi32::<2>(luma.cast(), luma_at),
                    _mm256_i32gather_epi32::<4>(near, chroma_at),
                    _mm256_i32gather_epi32::<4>(near.add(1), chroma_at),
                )
            }
        };
        let y = lerp(low16(pairs), high16(pairs), luma_weight);
        let u = lerp(low16(near), low16(far), chroma_weight);
        let v = lerp(high16(near), high16(far), chroma_weight);
        pen.write(to_rgb(row.color, y, u, v), x);
    }
    covered(pen.length)
}

#[target_feature(enable = "avx2,fma")]
unsafe fn rgb_blocks(row: &RgbRow, out: &mut RowOut) -> usize {
    let base = row.packed.as_ptr();
    let unit = _mm256_set1_ps(1.0 / FIXED);
    let mut pen = Pen::new(row.finish, out);
    for x in blocks(pen.length) {
        let (at, weight) = column(row.columns, x);
        let at = _mm256_add_epi32(at, _mm256_add_epi32(at, at));
        // SAFETY: an index is at most span - 1, so 3·index + 5 is inside the row (asserted by the caller).
        let [rg, br, gb] = unsafe { [0, 2, 4].map(|skip| _mm256_i32gather_epi32::<2>(base.add(skip).cast(), at)) };
        let r = lerp(low16(rg), high16(br), weight);
        let g = lerp(high16(rg), low16(gb), weight);
        let b = lerp(low16(br), high16(gb), weight);
        pen.write([r, g, b].map(|c| _mm256_mul_ps(c, unit)), x);
    }
    covered(pen.length)
}

#[target_feature(enable = "avx2,fma")]
unsafe fn warp_blocks(crop: &Crop, y: usize, start: usize, out: &mut RowOut) -> usize {
    let [[a, b, c], [d, e, f]] = crop.map;
    let (row_x, row_y) = (_mm256_set1_ps(b * y as f32 + c), _mm256_set1_ps(e * y as f32 + f));
    let ramp = _mm256_setr_ps(0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0);
    let mut pen = Pen::new(&crop.finish, out);
    for x in blocks(pen.length) {
        let at = _mm256_add_ps(ramp, _mm256_set1_ps((start + x) as f32));
        let sx = _mm256_fmadd_ps(_mm256_set1_ps(a), at, row_x);
        let sy = _mm256_fmadd_ps(_mm256_set1_ps(d), at, row_y);
        // SAFETY: the planes were checked by the caller.
        let rgb = unsafe { fetch(&crop.source, sx, sy) };
        pen.write(rgb, x);
    }
    covered(pen.length)
}

#[target_feature(enable = "avx2,fma")]
unsafe fn fetch(source: &Source, sx: __m256, sy: __m256) -> Block {
    // SAFETY: (all) `taps` clamps its offsets to the plane; planes are large enough, checked in `warp_row`.
    match source {
        Source::Rgb([red, _, blue]) => unsafe {
            let taps = taps(red, sx, sy);
            // bytes R G B R' from the red plane's base, B R' G' B' from the blue's
            let (near, far) = (quads(red, &taps), quads(blue, &taps));
            [
                mix_taps(&taps, near, [0, 24]),
                bilinear(&taps, near.map(|q| byte(q, 8)), far.map(|q| byte(q, 16))),
                mix_taps(&taps, far, [0, 24]),
            ]
        },
        Source::Yuv([luma, u, v], color) => unsafe {
            let at = taps(luma, sx, sy);
            let bright = mix_taps(&at, quads(luma, &at), [0, 8]);
            let half = |s| _mm256_fmadd_ps(s, _mm256_set1_ps(0.5), _mm256_set1_ps(-0.25));
            let at = taps(u, half(sx), half(sy));
            let us = quads(u, &at);
            let (u, v) = if u.step == 2 {
                (mix_taps(&at, us, [0, 16]), mix_taps(&at, us, [8, 24]))
            } else {
                (mix_taps(&at, us, [0, 8]), mix_taps(&at, quads(v, &at), [0, 8]))
            };
            to_rgb(color, bright, u, v)
        },
    }
}

/// Byte offsets of the upper and lower left neighbour, and how far the position lies towards right and bottom.
struct Taps {
    upper: __m256i,
    lower: __m256i,
    right: __m256,
    down: __m256,
}

#[target_feature(enable = "avx2,fma")]
fn taps(plane: &Plane, x: __m256, y: __m256) -> Taps {
    let (left, top) = (_mm256_floor_ps(x), _mm256_floor_ps(y));
    let clamp = |v, limit: usize| {
        let v = _mm256_max_epi32(_mm256_cvttps_epi32(v), _mm256_set1_epi32(0));
        _mm256_min_epi32(v, _mm256_set1_epi32(limit as i32))
    };
    // the last four-byte read of a row starts at width - 4 (one byte a sample) or earlier; see `quads`
    let column = _mm256_mullo_epi32(clamp(left, plane.width - 4), _mm256_set1_epi32(plane.step as i32));
    let stride = _mm256_set1_epi32(plane.stride as i32);
    let upper = _mm256_add_epi32(_mm256_mullo_epi32(clamp(top, plane.height - 2), stride), column);
    Taps { upper, lower: _mm256_add_epi32(upper, stride), right: _mm256_sub_ps(x, left), down: _mm256_sub_ps(y, top) }
}

/// Four bytes from each upper and each lower neighbour.
#[target_feature(enable = "avx2,fma")]
unsafe fn quads(plane: &Plane, taps: &Taps) -> [__m256i; 2] {
    let base = plane.bytes.as_ptr().cast();
    // SAFETY: offsets are at most (height - 1)·stride + (width - 4)·step, and a row holds at least (width - 1)·step + 1
    // bytes from any plane's own base: 3·step + 1 ≥ 4 bytes remain.
    unsafe { [taps.upper, taps.lower].map(|at| _mm256_i32gather_epi32::<1>(base, at)) }
}

/// Bilinear where both neighbours of a row sit in the same four bytes, at these bit positions.
#[target_feature(enable = "avx2,fma")]
fn mix_taps(taps: &Taps, quads: [__m256i; 2], bits: [i32; 2]) -> __m256 {
    bilinear(taps, quads.map(|q| byte(q, bits[0])), quads.map(|q| byte(q, bits[1])))
}

#[target_feature(enable = "avx2,fma")]
fn bilinear(taps: &Taps, left: [__m256; 2], right: [__m256; 2]) -> __m256 {
    let upper = lerp(left[0], right[0], taps.right);
    let lower = lerp(left[1], right[1], taps.right);
    lerp(upper, lower, taps.down)
}

#[target_feature(enable = "avx2,fma")]
fn to_rgb(c: &ToRgb, y: __m256, u: __m256, v: __m256) -> Block {
    let weigh = |weight, of, plus| _mm256_fmadd_ps(_mm256_set1_ps(weight), of, plus);
    let base = |channel: usize| weigh(c.y, y, _mm256_set1_ps(c.offset[channel]));
    let mixed = [weigh(c.rv, v, base(0)), weigh(c.gu, u, weigh(c.gv, v, base(1))), weigh(c.bu, u, base(2))];
    mixed.map(|v| _mm256_min_ps(_mm256_max_ps(v, _mm256_set1_ps(0.0)), _mm256_set1_ps(255.0)))
}

/// Writes blocks of one row: what stays the same along it, in registers.
struct Pen<'a> {
    planes: [*mut f32; 3],
    length: usize,
    scale: Block,
    bias: Block,
    gray: bool,
    _row: PhantomData<&'a mut f32>,
}

impl<'a> Pen<'a> {
    #[target_feature(enable = "avx2,fma")]
    fn new(finish: &Finish, out: &'a mut RowOut) -> Self {
        let length = out.len();
        assert!(out.gray || out.planes.iter().all(|plane| plane.len() == length));
        Self {
            planes: out.planes.each_mut().map(|plane| plane.as_mut_ptr()),
            length,
            scale: finish.scale.map(|s| _mm256_set1_ps(s)),
            bias: finish.bias.map(|b| _mm256_set1_ps(b)),
            gray: out.gray,
            _row: PhantomData,
        }
    }

    /// Rounds a block to whole levels (see `RowOut::set`), normalises it and writes it to column `x` of each plane.
    #[target_feature(enable = "avx2,fma")]
    fn write(&mut self, rgb: Block, x: usize) {
        debug_assert!(x + BLOCK <= self.length);
        let [r, g, b] = rgb.map(|v| whole(v));
        if self.gray {
            let weigh = |weight, of, plus| _mm256_fmadd_ps(_mm256_set1_ps(weight), of, plus);
            let grey = weigh(GRAY[1], g, _mm256_mul_ps(_mm256_set1_ps(GRAY[2]), b));
            return self.put::<0>(whole(weigh(GRAY[0], r, grey)), x);
        }
        self.put::<0>(r, x);
        self.put::<1>(g, x);
        self.put::<2>(b, x);
    }

    #[target_feature(enable = "avx2,fma")]
    fn put<const C: usize>(&mut self, value: __m256, x: usize) {
        let done = _mm256_fmadd_ps(self.scale[C], value, self.bias[C]);
        // SAFETY: `blocks` ends every block within the row, whose planes are all `length` long (asserted by `new`).
        unsafe { _mm256_storeu_ps(self.planes[C].add(x), done) }
    }
}

/// The nearest whole numbers.
#[target_feature(enable = "avx2,fma")]
fn whole(v: __m256) -> __m256 {
    _mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(v)
}

/// Indices and weights of the block at `x`.
#[target_feature(enable = "avx2,fma")]
fn column(axis: &Axis, x: usize) -> (__m256i, __m256) {
    let (index, weight) = (&axis.index[x..x + BLOCK], &axis.weight[x..x + BLOCK]);
    // SAFETY: the slices just taken are one block long.
    unsafe { (load(index.as_ptr()), _mm256_loadu_ps(weight.as_ptr())) }
}

#[target_feature(enable = "avx2,fma")]
unsafe fn load(from: *const i32) -> __m256i {
    // SAFETY: the caller vouches for 32 readable bytes.
    unsafe { _mm256_loadu_si256(from.cast()) }
}

#[target_feature(enable = "avx2,fma")]
fn lerp(a: __m256, b: __m256, t: __m256) -> __m256 {
    _mm256_fmadd_ps(_mm256_sub_ps(b, a), t, a)
}

#[target_feature(enable = "avx2,fma")]
fn low16(pairs: __m256i) -> __m256 {
    _mm256_cvtepi32_ps(_mm256_and_si256(pairs, _mm256_set1_epi32(0xffff)))
}

#[target_feature(enable = "avx2,fma")]
fn high16(pairs: __m256i) -> __m256 {
    _mm256_cvtepi32_ps(_mm256_srli_epi32::<16>(pairs))
}

/// One byte of each lane, counted in bits from the lowest.
#[target_feature(enable = "avx2,fma")]
fn byte(quads: __m256i, bits: i32) -> __m256 {
    let shifted = _mm256_srlv_epi32(quads, _mm256_set1_epi32(bits));
    _mm256_cvtepi32_ps(_mm256_and_si256(shifted, _mm256_set1_epi32(0xff)))
}
