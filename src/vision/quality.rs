//! How well a face can be recognised on this frame: size, pose, sharpness and the detector's own opinion.
//!
//! `recognize` asks again when a track's quality rises; the gallery refuses poor photos. Each part runs 0 (useless) to
//! 1 (as good as needed); the whole is their geometric mean, so that one useless part spoils it.

use crate::{
    memory::{ColorRange, PixelFormat, Pixels},
    scene::{BBox, FaceObservation, Landmarks5, Point},
};

/// Side of a face below which nothing can be recognised, in pixels.
const TOO_SMALL: f32 = 16.0;
/// Side from which more pixels no longer help, in pixels: what recognisers crop to (112 and 150).
const FULL_SIZE: f32 = 112.0;
/// Nose off the line between eyes and mouth by this share of the eye distance: about 60° of yaw, where embeddings fail.
const TURNED_AWAY: f32 = 0.5;
/// Where a frontal nose is on the way from eyes to mouth: 0.49 in ArcFace's template, 0.49 to 0.62 by YuNet on eight people.
const LEVEL_NOSE: f32 = 0.53;
/// How far it may stray before the face looks at the floor or the ceiling.
const TILTED_AWAY: f32 = 0.45;
/// Pose credit when no landmarks are known: neither praise nor blame.
const POSE_UNKNOWN: f32 = 0.5;
/// Variance of the Laplacian at which sharpness is one half, in squared 8-bit luma steps. Measured: sharp photos 500 to 1200,
/// small compressed video 35 to 130; photos blurred by a Gaussian of 1 % of the face's width 90 to 120, of 2 % 12 to 20, of
/// 4 % below 4.
const HALF_SHARP: f32 = 80.0;
/// Video luma spans 219 steps where photos span 255: stretches variance to the latter.
const VIDEO_STRETCH: f32 = (255.0 / 219.0) * (255.0 / 219.0);
/// Side of the grid sharpness is measured on: larger faces are averaged down to it, so that resolution and cost cancel out.
const GRID: usize = 64;

/// How good a look at a face is; every part 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Quality {
    /// Geometric mean of the others.
    pub overall: f32,
    /// Pixels on the face.
    pub size: f32,
    /// How frontal it is, by the five points; roll does not count, since alignment takes it out.
    pub pose: f32,
    /// How sharp the picture is there.
    pub sharpness: f32,
    /// The detector's score.
    pub score: f32,
}

impl Quality {
    /// What [`overall`](Self::overall) could be at most, without looking at the picture: sharpness taken as perfect.
    pub fn at_best(face: &FaceObservation) -> f32 {
        let (size, pose, score) = Self::of_the_box(face);
        (size * pose * score).sqrt().sqrt()
    }

    /// Size, pose and score: all that the detection itself tells.
    fn of_the_box(face: &FaceObservation) -> (f32, f32, f32) {
        let size = ((face.bbox.w.min(face.bbox.h) - TOO_SMALL) / (FULL_SIZE - TOO_SMALL)).clamp(0.0, 1.0);
        let pose = face.landmarks.as_ref().map_or(POSE_UNKNOWN, frontal);
        (size, pose, face.score.clamp(0.0, 1.0))
    }

    /// Measures one face. Reads only the luma of its box.
    pub fn of(face: &FaceObservation, pixels: &Pixels) -> Self {
        let (size, pose, score) = Self::of_the_box(face);
        let variance = laplacian_variance(pixels, face.bbox);
        let sharpness = variance / (variance + HALF_SHARP);
        let overall = (size * pose * sharpness * score).sqrt().sqrt();
        Self { overall, size, pose, sharpness, score }
    }
}

/// How frontal a face is, 1 to 0, by where its nose lies between eyes and mouth.
fn frontal(points: &Landmarks5) -> f32 {
    let [right_eye, left_eye, nose, right_mouth, left_mouth] = *points;
    let (eyes, mouth) = (midpoint(right_eye, left_eye), midpoint(right_mouth, left_mouth));
    let across = minus(left_eye, right_eye);
    let width = length(across);
    if width < 1.0 {
        return 0.0;
    }
    let down = Point::new(-across.y / width, across.x / width);
    let right = Point::new(across.x / width, across.y / width);
    let (to_nose, to_mouth) = (minus(nose, eyes), minus(mouth, eyes));
    let height = along(to_mouth, down);
    if height < 1.0 {
        return 0.0;
    }
    let share = along(to_nose, down) / height;
    // Where the line from eyes to mouth runs at the nose's height; a tilted mouth does not count as a turned head.
    let middle = along(to_mouth, right) * share;
    let yaw = (along(to_nose, right) - middle).abs() / width;
    let pitch = (share - LEVEL_NOSE).abs();
    (1.0 - yaw / TURNED_AWAY).clamp(0.0, 1.0) * (1.0 - pitch / TILTED_AWAY).clamp(0.0, 1.0)
}

fn midpoint(a: Point, b: Point) -> Point {
    Point::new(f32::midpoint(a.x, b.x), f32::midpoint(a.y, b.y))
}

fn minus(a: Point, b: Point) -> Point {
    Point::new(a.x - b.x, a.y - b.y)
}

fn length(p: Point) -> f32 {
    p.x.hypot(p.y)
}

fn along(p: Point, direction: Point) -> f32 {
    p.x * direction.x + p.y * direction.y
}

/// Variance of the 4-neighbour Laplacian over the box's luma, in squared 8-bit steps; 0 where there is too little picture.
/// (Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy", ICPR 2000.)
fn laplacian_variance(pixels: &Pixels, bbox: BBox) -> f32 {
    let grid = Grid::read(pixels, bbox.clipped(pixels.size()));
    let (mut sum, mut squares, mut n) = (0.0, 0.0, 0.0);
    for y in 1..grid.rows.saturating_sub(1) {
        for x in 1..grid.cols.saturating_sub(1) {
            let around = grid.at(x - 1, y) + grid.at(x + 1, y) + grid.at(x, y - 1) + grid.at(x, y + 1);
            let edge = around - 4.0 * grid.at(x, y);
            sum += edge;
            squares += edge * edge;
            n += 1.0;
        }
    }
    let stretch = if pixels.range() == ColorRange::Limited { VIDEO_STRETCH } else { 1.0 };
    if n < 1.0 { 0.0 } else { stretch * (squares / n - (sum / n).powi(2)).max(0.0) }
}

/// Luma of a box, averaged down by a whole number so that its shorter side has [`GRID`] to twice that many cells.
struct Grid {
    cols: usize,
    rows: usize,
    cells: Vec<f32>,
}

impl Grid {
    fn read(pixels: &Pixels, inside: BBox) -> Self {
        let (x, y, w, h) = (inside.x as usize, inside.y as usize, inside.w as usize, inside.h as usize);
        let step = (w.min(h) / GRID).max(1);
        let (cols, rows) = (w / step, h / step);
        let mut cells = vec![0.0; cols * rows];
        for row in 0..rows * step {
            let line = &mut cells[row / step * cols..][..cols];
            add_line(pixels, x, y + row, step, line);
        }
        let share = 1.0 / (step * step) as f32;
        for cell in &mut cells {
            *cell *= share;
        }
        Self { cols, rows, cells }
    }

    fn at(&self, x: usize, y: usize) -> f32 {
        self.cells[y * self.cols + x]
    }
}

/// Adds the luma of one picture row, `step` pixels to a cell. Planar pictures carry luma; RGB is weighted by BT.601.
fn add_line(pixels: &Pixels, x: usize, y: usize, step: usize, cells: &mut [f32]) {
    let (bytes, stride) = pixels.plane(0);
    let each = if pixels.format() == PixelFormat::Rgb { 3 } else { 1 };
    let line = &bytes[y * stride + x * each..][..cells.len() * step * each];
    for (cell, run) in cells.iter_mut().zip(line.chunks_exact(step * each)) {
        *cell += match each {
            1 => run.iter().map(|&v| u32::from(v)).sum::<u32>() as f32,
            _ => run.chunks_exact(3).map(rgb_luma).sum(),
        };
    }
}

fn rgb_luma(rgb: &[u8]) -> f32 {
    0.299 * f32::from(rgb[0]) + 0.587 * f32::from(rgb[1]) + 0.114 * f32::from(rgb[2])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{scene::Size, vision::ARCFACE_TEMPLATE};

    const BOX: BBox = BBox::new(40.0, 30.0, 128.0, 150.0);

    /// A grey picture with a soft checkerboard; `blur` widens its edges, in pixels.
    fn picture(blur: f32) -> Pixels {
        let luma = |x: u32, y: u32| {
            let wave = |v: u32| ((v as f32 / 12.0).sin() / blur).tanh();
            (128.0 + 100.0 * wave(x) * wave(y)) as u8
        };
        let bytes = (0..240 * 320).flat_map(|i| [luma(i % 320, i / 320); 3]).collect();
        Pixels::rgb(Size::new(320, 240), bytes).unwrap()
    }

    fn face(shift_nose: f32) -> FaceObservation {
        let mut points = ARCFACE_TEMPLATE.map(|p| Point::new(p.x + 48.0, p.y + 40.0));
        points[2].x += shift_nose;
        FaceObservation::detected(BOX, Some(points), 0.9)
    }

    #[test]
    fn sharp_frontal_faces_beat_blurred_turned_and_small_ones() {
        let sharp = Quality::of(&face(0.0), &picture(0.1));
        assert!(sharp.overall > 0.8, "{sharp:?}");
        let blurred = Quality::of(&face(0.0), &picture(1.5));
        assert!(blurred.sharpness < 0.3 && blurred.overall < sharp.overall, "{blurred:?}");
        let turned = Quality::of(&face(14.0), &picture(0.1));
        assert!(turned.pose < 0.3 && turned.overall < sharp.overall, "{turned:?}");
        let mut small = face(0.0);
        small.bbox = BBox::new(60.0, 60.0, 30.0, 30.0);
        let small = Quality::of(&small, &picture(0.1));
        assert!(small.size < 0.2 && small.overall < sharp.overall, "{small:?}");
    }

    #[test]
    fn roll_does_not_count_against_a_face() {
        let turn = |p: Point| Point::new(0.8 * p.x - 0.6 * p.y, 0.6 * p.x + 0.8 * p.y);
        let straight = frontal(&ARCFACE_TEMPLATE);
        assert!((frontal(&ARCFACE_TEMPLATE.map(turn)) - straight).abs() < 1e-3 && straight > 0.9);
    }

    #[test]
    fn boxes_outside_the_picture_have_no_sharpness() {
        for outside in [BBox::new(-90.0, 0.0, 50.0, 50.0), BBox::new(318.0, 238.0, 90.0, 90.0), BBox::default()] {
            assert!(laplacian_variance(&picture(0.1), outside) < f32::EPSILON);
        }
        assert!(laplacian_variance(&picture(0.1), BBox::new(-50.0, -50.0, 900.0, 900.0)) > 0.0);
    }
}
