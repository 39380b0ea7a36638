//! From a face on a frame to the upright crop a network was trained on.
//!
//! An [`Affine`] maps pixels of the crop to pixels of the frame, which is the direction a sampler needs. Coordinates count
//! pixel centres from 0, as OpenCV's `warpAffine` does. Next: `inference`, which samples crops straight from the planes.

use crate::scene::{BBox, Landmarks5, Point, Size};

/// Where ArcFace's networks expect the five points in a 112 × 112 crop, in pixels (InsightFace's `arcface_dst`).
pub const ARCFACE_TEMPLATE: Landmarks5 = [
    Point::new(38.2946, 51.6963),
    Point::new(73.5318, 51.5014),
    Point::new(56.0252, 71.7366),
    Point::new(41.5493, 92.3655),
    Point::new(70.7299, 92.2041),
];
/// Side of the crop [`ARCFACE_TEMPLATE`] is given for, in pixels.
const ARCFACE_SIDE: f32 = 112.0;
/// Where dlib's face chips put the centres of the right and left eye, as fractions of the unpadded chip: the means of its
/// 68-point template over each eye.
const DLIB_EYES: [Point; 2] = [Point::new(0.2273, 0.2214), Point::new(0.7528, 0.2212)];
/// Points closer together than this, in pixels², carry no direction or scale.
const SPREAD_FLOOR: f64 = 1e-6;

/// A crop cannot be placed: all points fall together, or one is not finite.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the face's points fall together or are not finite, so they give no direction")]
pub struct Degenerate;

/// `[[a, b, tx], [c, d, ty]]`: maps `(x, y)` to `(a x + b y + tx, c x + d y + ty)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Affine(pub [[f32; 3]; 2]);

impl Affine {
    /// Where a point goes.
    pub fn apply(&self, p: Point) -> Point {
        let [[a, b, tx], [c, d, ty]] = self.0;
        Point::new(a * p.x + b * p.y + tx, c * p.x + d * p.y + ty)
    }

    /// The map that leads back; `None` if this one squeezes the plane into a line.
    pub fn inverse(&self) -> Option<Self> {
        let [[a, b, tx], [c, d, ty]] = self.0.map(|row| row.map(f64::from));
        let det = a * d - b * c;
        if !det.is_normal() {
            return None;
        }
        let (ia, ib, ic, id) = (d / det, -b / det, -c / det, a / det);
        let rows = [[ia, ib, -(ia * tx + ib * ty)], [ic, id, -(ic * tx + id * ty)]];
        Some(Self(rows.map(|row| row.map(|v| v as f32))))
    }

    /// Source pixels per output pixel: above 1 the crop shrinks the face, and a sampler should average.
    pub fn scale(&self) -> f32 {
        let [[a, b, _], [c, d, _]] = self.0;
        (a * d - b * c).abs().sqrt()
    }

    /// The turn, scaling and shift (no mirror, no shear) that brings `from` closest to `onto` in least squares: Umeyama,
    /// "Least-squares estimation of transformation parameters between two point patterns", PAMI 13(4), 1991. In the plane
    /// it has a closed form: with points as complex numbers about their means, `Σ conj(p) q / Σ |p|²`.
    pub fn similarity(from: &[Point], onto: &[Point]) -> Result<Self, Degenerate> {
        let (p_mean, q_mean) = (mean(from), mean(onto));
        let (mut real, mut imaginary, mut spread) = (0.0, 0.0, 0.0);
        for (p, q) in from.iter().zip(onto) {
            let (px, py) = (f64::from(p.x) - p_mean.0, f64::from(p.y) - p_mean.1);
            let (qx, qy) = (f64::from(q.x) - q_mean.0, f64::from(q.y) - q_mean.1);
            real += px * qx + py * qy;
            imaginary += px * qy - py * qx;
            spread += px * px + py * py;
        }
        let (a, b) = (real / spread, imaginary / spread);
        let usable = spread > SPREAD_FLOOR && a.is_finite() && b.is_finite() && a.hypot(b) > 0.0;
        if !usable {
            return Err(Degenerate);
        }
        let (tx, ty) = (q_mean.0 - a * p_mean.0 + b * p_mean.1, q_mean.1 - b * p_mean.0 - a * p_mean.1);
        Ok(Self([[a as f32, -b as f32, tx as f32], [b as f32, a as f32, ty as f32]]))
    }
}

fn mean(points: &[Point]) -> (f64, f64) {
    let n = points.len().max(1) as f64;
    let sum = |axis: fn(&Point) -> f32| points.iter().map(|p| f64::from(axis(p))).sum::<f64>();
    (sum(|p| p.x) / n, sum(|p| p.y) / n)
}

/// The crop of `side` × `side` pixels that ArcFace's networks expect: maps crop pixels to frame pixels.
///
/// The fit minimises the error in the crop, not in the frame, as the reference implementations do; the two differ for faces
/// turned away.
pub fn arcface_chip(points: &Landmarks5, side: u32) -> Result<Affine, Degenerate> {
    let scale = side as f32 / ARCFACE_SIDE;
    let template = ARCFACE_TEMPLATE.map(|p| Point::new(p.x * scale, p.y * scale));
    Affine::similarity(points, &template)?.inverse().ok_or(Degenerate)
}

/// dlib's face chip of `side` × `side` pixels with `pad` of the chip added on each side (0.25 for its recogniser, 0.2 for
/// age and gender), placed by the two eye centres: maps crop pixels to frame pixels.
pub fn dlib_chip(points: &Landmarks5, side: u32, pad: f32) -> Result<Affine, Degenerate> {
    let place = |v: f32| (pad + v) / (2.0 * pad + 1.0) * side as f32;
    let eyes = DLIB_EYES.map(|p| Point::new(place(p.x), place(p.y)));
    Affine::similarity(&eyes, &points[..2])
}

/// A rectangle of whole pixels inside a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CropRect {
    /// First column.
    pub x: u32,
    /// First row.
    pub y: u32,
    /// Size, at least 1 × 1.
    pub size: Size,
}

impl CropRect {
    /// Maps the pixels of a `side` × `side` crop to frame pixels by the half-pixel rule of OpenCV's `resize`.
    pub fn sampled(&self, side: u32) -> Affine {
        let axis = |first: u32, length: u32| {
            let scale = length as f32 / side.max(1) as f32;
            (scale, first as f32 + 0.5 * scale - 0.5)
        };
        let ((sx, tx), (sy, ty)) = (axis(self.x, self.size.w), axis(self.y, self.size.h));
        Affine([[sx, 0.0, tx], [0.0, sy, ty]])
    }
}

/// The box grown to `scale` times its size about its centre, then shifted (and, if it must, shrunk) to lie inside the
/// frame: the crop rule of Silent-Face's anti-spoofing networks. The aspect of the box is kept. `None` if box or frame is
/// empty.
pub fn scaled_crop(bbox: BBox, frame: Size, scale: f64) -> Option<CropRect> {
    let (last_x, last_y) = (f64::from(frame.w.checked_sub(1)?), f64::from(frame.h.checked_sub(1)?));
    let sound = [bbox.x, bbox.y, bbox.w, bbox.h].iter().all(|v| v.is_finite()) && scale.is_finite();
    if !sound || bbox.w <= 0.0 || bbox.h <= 0.0 || scale <= 0.0 {
        return None;
    }
    let [left, top, w, h] = [bbox.x, bbox.y, bbox.w, bbox.h].map(f64::from);
    let scale = scale.min(last_x / w).min(last_y / h);
    let (left, right) = slid(left + w / 2.0, w * scale, last_x);
    let (top, bottom) = slid(top + h / 2.0, h * scale, last_y);
    let (x, y) = (left as u32, top as u32);
    let size = Size::new(right as u32 + 1 - x, bottom as u32 + 1 - y);
    Some(CropRect { x, y, size })
}

/// A span of `length` about `center`, slid into `0..=last`.
fn slid(center: f64, length: f64, last: f64) -> (f64, f64) {
    let (low, high) = (center - length / 2.0, center + length / 2.0);
    if low < 0.0 {
        (0.0, (high - low).min(last))
    } else if high > last {
        ((low - (high - last)).max(0.0), last)
    } else {
        (low, high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Five points of a tilted face, and the map numpy's SVD form of Umeyama gives for them onto the template.
    const TILTED: Landmarks5 = [
        Point::new(310.2, 188.7),
        Point::new(371.9, 201.4),
        Point::new(330.5, 240.3),
        Point::new(297.8, 262.2),
        Point::new(352.6, 273.1),
    ];
    const NUMPY: [[f32; 3]; 2] = [[0.528_998_5, 0.115_370_69, -146.816_26], [-0.115_370_69, 0.528_998_5, -13.057_639]];

    fn close(a: Point, b: Point, within: f32) -> bool {
        (a.x - b.x).abs() < within && (a.y - b.y).abs() < within
    }

    #[test]
    fn the_arcface_fit_equals_numpys() {
        let Affine(rows) = Affine::similarity(&TILTED, &ARCFACE_TEMPLATE).unwrap();
        for (got, want) in rows.as_flattened().iter().zip(NUMPY.as_flattened()) {
            assert!((got - want).abs() < 1e-4 * want.abs(), "{rows:?}");
        }
        let chip = arcface_chip(&TILTED, 112).unwrap();
        assert!(close(Affine(NUMPY).apply(chip.apply(Point::new(56.0, 71.0))), Point::new(56.0, 71.0), 1e-2));
    }

    #[test]
    fn dlib_eyes_land_where_dlib_puts_them() {
        let chip = dlib_chip(&TILTED, 150, 0.25).unwrap();
        let (right, left) = (Point::new(47.73, 47.14), Point::new(100.28, 47.12));
        assert!(close(chip.apply(right), TILTED[0], 0.01));
        assert!(close(chip.apply(left), TILTED[1], 0.01));
    }

    #[test]
    fn points_without_direction_are_refused() {
        assert_eq!(arcface_chip(&[Point::new(5.0, 5.0); 5], 112), Err(Degenerate));
        assert_eq!(dlib_chip(&[Point::new(f32::NAN, 5.0); 5], 150, 0.25), Err(Degenerate));
    }

    #[test]
    fn scaled_crops_slide_back_into_the_frame() {
        let frame = Size::new(1280, 720);
        let crop = |x, y, w, h| {
            let rect = scaled_crop(BBox::new(x, y, w, h), frame, 2.7).unwrap();
            (rect.x, rect.y, rect.size.w, rect.size.h)
        };
        assert_eq!(crop(600.0, 300.0, 80.0, 100.0), (532, 215, 217, 271));
        assert_eq!(crop(10.0, 20.0, 80.0, 100.0), (0, 0, 217, 271));
        assert_eq!(crop(1200.0, 600.0, 70.0, 90.0), (1090, 476, 190, 244));
        assert_eq!(crop(100.0, 100.0, 500.0, 600.0), (50, 0, 600, 720));
        assert_eq!(scaled_crop(BBox::new(0.0, 0.0, 0.0, 5.0), frame, 2.7), None);
    }

    #[cfg(feature = "checks")]
    mod properties {
        use proptest::prelude::*;

        use super::*;

        proptest! {
            #[test]
            fn a_known_turn_is_found_again(turn in -3f32..3.0, scale in 0.2f32..5.0, x in -500f32..500.0, y in -500f32..500.0) {
                let (sin, cos) = turn.sin_cos();
                let real = Affine([[scale * cos, -scale * sin, x], [scale * sin, scale * cos, y]]);
                let moved = TILTED.map(|p| real.apply(p));
                let found = Affine::similarity(&TILTED, &moved).unwrap();
                prop_assert!((found.scale() / scale - 1.0).abs() < 1e-3);
                for p in TILTED {
                    prop_assert!(close(found.apply(p), real.apply(p), 0.05));
                    prop_assert!(close(found.inverse().unwrap().apply(real.apply(p)), p, 0.05));
                }
            }

            #[test]
            fn crops_stay_inside(x in -200f32..2000.0, y in -200f32..2000.0, w in 0.5f32..2000.0, h in 0.5f32..2000.0,
                                 fw in 1u32..1300, fh in 1u32..800) {
                if let Some(rect) = scaled_crop(BBox::new(x, y, w, h), Size::new(fw, fh), 2.7) {
                    prop_assert!(rect.x + rect.size.w <= fw && rect.y + rect.size.h <= fh);
                    prop_assert!(rect.size.w > 0 && rect.size.h > 0);
                }
            }
        }
    }
}
