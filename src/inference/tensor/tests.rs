//! Both passes against the definition, written out pixel by pixel in double precision, with vectors on and off.

use super::{Anchor, Border, Placement, Rect, Resizer, TensorFormat, color::ToRgb, warp};
use crate::memory::{ColorMatrix, ColorRange, HostPlanes, PixelFormat, Pixels, Size};
use crate::{inference::manifest::Channels, vision::Affine};

/// How far a value may be from the definition, in levels of 0 to 255: half a level of rounding, and rows are
/// blended in steps of 1/256.
const LEVELS: f64 = 1.1;

/// Pictures of odd and even sizes, with padding after each row that must never be read as picture.
fn picture(format: PixelFormat, size: Size, seed: u64) -> Pixels {
    let mut random = fastrand::Rng::with_seed(seed);
    let planes: [Vec<u8>; 3] = [0, 1, 2].map(|p| {
        let (row, rows) = format.plane_extent(p, size);
        let wanted = if p < format.planes() { (row + 5) * (rows - 1) + row } else { 0 };
        // smooth enough that chroma does not saturate, rough enough to tell neighbours apart
        (0..wanted).map(|_| random.u8(90..170)).collect()
    });
    let strides = [0, 1, 2].map(|p| format.plane_extent(p, size).0 + 5);
    let owner = Box::new(HostPlanes::from(planes));
    Pixels::new(format, size, strides, ColorMatrix::Bt709, ColorRange::Limited, owner).unwrap()
}

/// Bilinear in one plane, border by the caller's rule.
fn sample(at: &dyn Fn(i64, i64) -> f64, x: f64, y: f64) -> f64 {
    let (left, top) = (x.floor(), y.floor());
    let (fx, fy, l, t) = (x - left, y - top, left as i64, top as i64);
    let upper = at(l, t) * (1.0 - fx) + at(l + 1, t) * fx;
    let lower = at(l, t + 1) * (1.0 - fx) + at(l + 1, t + 1) * fx;
    upper * (1.0 - fy) + lower * fy
}

/// Red, green, blue at a position of the picture, pixel centres at whole numbers.
fn colour(pixels: &Pixels, x: f64, y: f64, border: Border) -> [f64; 3] {
    let (w, h) = (i64::from(pixels.size().w), i64::from(pixels.size().h));
    let plane = |plane: usize, step: usize, skip: usize, half: i64, outside: f64| {
        move |x: i64, y: i64| {
            let (w, h) = ((w + half - 1) / half, (h + half - 1) / half);
            let (bytes, stride) = pixels.plane(plane);
            let inside = (0..w).contains(&x) && (0..h).contains(&y);
            let (x, y) = (x.clamp(0, w - 1) as usize, y.clamp(0, h - 1) as usize);
            let value = f64::from(bytes[y * stride + x * step + skip]);
            if inside || border == Border::Replicate { value } else { outside }
        }
    };
    let (cx, cy) = (x / 2.0 - 0.25, y / 2.0 - 0.25);
    let yuv = match pixels.format() {
        PixelFormat::Rgb => return [0, 1, 2].map(|c| sample(&plane(0, 3, c, 1, 0.0), x, y)),
        PixelFormat::Nv12 => [sample(&plane(1, 2, 0, 2, 128.0), cx, cy), sample(&plane(1, 2, 1, 2, 128.0), cx, cy)],
        PixelFormat::I420 => [sample(&plane(1, 1, 0, 2, 128.0), cx, cy), sample(&plane(2, 1, 0, 2, 128.0), cx, cy)],
    };
    let luma = sample(&plane(0, 1, 0, 1, 16.0), x, y);
    let rgb = ToRgb::of(pixels, 1.0).pixel(luma as f32, yuv[0] as f32, yuv[1] as f32);
    rgb.map(f64::from)
}

fn resized(pixels: &Pixels, placed: &Placement, x: u32, y: u32) -> [f64; 3] {
    let (s, t) = (placed.source, placed.target);
    let along = |x: u32, from: u32, length: u32, to: u32| {
        let at = (f64::from(x) + 0.5) * f64::from(length) / f64::from(to) - 0.5;
        f64::from(from) + at.clamp(0.0, f64::from(length - 1))
    };
    colour(pixels, along(x, s.x, s.w, t.w), along(y, s.y, s.h, t.h), Border::Replicate)
}

const FORMATS: [PixelFormat; 3] = [PixelFormat::Nv12, PixelFormat::I420, PixelFormat::Rgb];

/// Runs a check with the vector loops and again without.
fn both_ways(check: impl Fn()) {
    check();
    super::vectors::without(check);
}

fn assert_resize(pixels: &Pixels, placed: &Placement, input: Size) {
    let format = TensorFormat { channels: Channels::Bgr, mean: [10.0, 20.0, 30.0], scale: [0.5, 0.25, 0.2] };
    let mut item = vec![f32::NAN; 3 * input.area() as usize];
    Resizer::default().fill(pixels, placed, &format, 114.0, input, &mut item);
    let t = placed.target;
    for (at, value) in item.iter().enumerate() {
        let (plane, rest) = (at / input.area() as usize, at as u32 % input.area() as u32);
        let (x, y) = (rest % input.w, rest / input.w);
        let inside = (t.x..t.x + t.w).contains(&x) && (t.y..t.y + t.h).contains(&y);
        let wanted = if inside { resized(pixels, placed, x - t.x, y - t.y)[2 - plane] } else { 114.0 };
        let found = f64::from(value / format.scale[plane] + format.mean[plane]);
        assert!(
            (found - wanted).abs() < LEVELS,
            "{pixels:?} {placed:?} plane {plane} at {x},{y}: {found} for {wanted}"
        );
    }
}

#[test]
fn every_format_and_ratio_resizes_as_defined() {
    let input = Size::new(64, 48);
    for (format, size) in FORMATS.into_iter().flat_map(|f| {
        // exact halves, thirds, enlarging, odd sizes
        [(128, 72), (192, 108), (40, 31), (101, 67), (3, 2), (1, 1)].map(|(w, h)| (f, Size::new(w, h)))
    }) {
        let pixels = picture(format, size, u64::from(size.w));
        for anchor in [Anchor::TopLeft, Anchor::Center] {
            let placed = Placement::letterbox(size, input, anchor);
            both_ways(|| assert_resize(&pixels, &placed, input));
        }
    }
}

#[test]
fn a_crop_is_stretched_without_looking_outside_itself() {
    for format in FORMATS {
        let pixels = picture(format, Size::new(90, 70), 3);
        if format == PixelFormat::Rgb {
            let placed = Placement::stretch(Rect { x: 13, y: 7, w: 41, h: 55 }, Size::new(32, 32));
            both_ways(|| assert_resize(&pixels, &placed, Size::new(32, 32)));
        }
        let placed = Placement::stretch(Rect { x: 60, y: 40, w: 30, h: 30 }, Size::new(33, 17));
        both_ways(|| assert_resize(&pixels, &placed, Size::new(33, 17)));
    }
}

#[test]
fn one_resizer_serves_many_sizes_in_turn() {
    let input = Size::new(32, 32);
    let format = TensorFormat::raw(Channels::Rgb);
    let mut shared = Resizer::default();
    for round in 0..3 {
        for size in (20..32).map(|w| Size::new(w, 24)) {
            let pixels = picture(PixelFormat::Nv12, size, round);
            let placed = Placement::letterbox(size, input, Anchor::TopLeft);
            let (mut one, mut other) = (vec![0.0; 3 * 1024], vec![1.0; 3 * 1024]);
            shared.fill(&pixels, &placed, &format, 0.0, input, &mut one);
            Resizer::default().fill(&pixels, &placed, &format, 0.0, input, &mut other);
            assert_eq!(one, other, "frame of {size:?}");
        }
    }
}

fn assert_warp(pixels: &Pixels, map: Affine, border: Border, size: Size) {
    let format = TensorFormat::raw(Channels::Rgb);
    let mut item = vec![f32::NAN; 3 * size.area() as usize];
    warp(pixels, &map, border, &format, size, &mut item);
    let [[a, b, c], [d, e, f]] = map.0.map(|row| row.map(f64::from));
    for (at, &found) in item.iter().enumerate() {
        let (plane, rest) = (at / size.area() as usize, at as u32 % size.area() as u32);
        let (x, y) = (f64::from(rest % size.w), f64::from(rest / size.w));
        let wanted = colour(pixels, a * x + b * y + c, d * x + e * y + f, border)[plane];
        assert!(
            (f64::from(found) - wanted).abs() < 0.6,
            "{pixels:?} {map:?} plane {plane} at {x},{y}: {found} for {wanted}"
        );
    }
}

#[test]
#[cfg_attr(not(feature = "checks"), ignore = "long: `make test` runs it")]
fn every_format_warps_as_defined_inside_and_across_the_edge() {
    let maps = [
        [[1.1, -0.3, 14.0], [0.3, 1.1, 2.0]],
        [[0.5, 0.0, 20.5], [0.0, 0.5, 20.25]],
        [[-1.0, 0.0, 60.0], [0.0, -1.0, 60.0]],
        [[2.0, 0.5, -30.0], [-0.5, 2.0, 10.0]],
        [[1.0, 0.0, 5000.0], [0.0, 1.0, -4000.0]],
    ];
    for format in FORMATS {
        for size in [Size::new(91, 77), Size::new(64, 64), Size::new(3, 3), Size::new(8, 1)] {
            let pixels = picture(format, size, 11);
            for (map, border) in maps.into_iter().flat_map(|m| [(m, Border::default()), (m, Border::Replicate)]) {
                both_ways(|| assert_warp(&pixels, Affine(map), border, Size::new(43, 29)));
            }
        }
    }
}

#[test]
fn a_gray_tensor_is_the_weighted_sum_of_the_colours() {
    let size = Size::new(40, 40);
    let pixels = picture(PixelFormat::Nv12, size, 5);
    let placed = Placement::stretch(Rect::whole(size), Size::new(24, 24));
    let input = Size::new(24, 24);
    both_ways(|| {
        let mut resizer = Resizer::default();
        let (mut gray, mut rgb) = (vec![0.0; 576], vec![0.0; 3 * 576]);
        let by = |divisor: f32| TensorFormat { channels: Channels::Gray, mean: [0.0; 3], scale: [1.0 / divisor; 3] };
        resizer.fill(&pixels, &placed, &by(256.0), 0.0, input, &mut gray);
        resizer.fill(&pixels, &placed, &TensorFormat::raw(Channels::Rgb), 0.0, input, &mut rgb);
        for at in 0..576 {
            let sum = 0.299 * rgb[at] + 0.587 * rgb[at + 576] + 0.114 * rgb[at + 1152];
            assert!((gray[at] * 256.0 - sum).abs() < 0.51);
        }
    });
}

#[test]
fn a_map_of_nonsense_gives_black_and_no_panic() {
    let pixels = picture(PixelFormat::Nv12, Size::new(20, 20), 1);
    let mut item = vec![1.0; 3 * 64];
    let format = TensorFormat::raw(Channels::Rgb);
    warp(&pixels, &Affine([[f32::NAN; 3]; 2]), Border::default(), &format, Size::new(8, 8), &mut item);
    assert!(item.iter().all(|&v| v == 0.0));
    warp(
        &pixels,
        &Affine([[1e30, -1e30, 1e38], [1e38, 0.0, 0.0]]),
        Border::Replicate,
        &format,
        Size::new(8, 8),
        &mut item,
    );
    assert!(item.iter().all(|v| v.is_finite()));
}
