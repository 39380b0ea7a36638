//! A world of moving shapes, for tests and demonstrations without a camera or GStreamer: bright squares and discs drift
//! over a dim slope. Everything follows from the seed and the frame number, so any frame can be drawn alone, and
//! [`SyntheticWorld::shapes_at`] says what must be found on it. Next: [`super::synthetic_camera`], which plays it.

use std::ops::Range;

use super::Pace;
use crate::memory::{ColorMatrix, ColorRange, HostPlanes, PixelFormat, Pixels, PixelsError};
use crate::scene::{BBox, Size};

/// Brightest luma of the slope behind the shapes; whatever is brighter is a shape.
pub const BACKGROUND_MAX: u8 = 96;
/// Luma of shape 0; each further shape is [`SHAPE_STEP`] brighter, so that its luma names it.
pub const SHAPE_LUMA: u8 = 120;
/// Distance in luma between two shapes; survives a lossy encoder.
pub const SHAPE_STEP: u8 = 12;
/// More shapes would run out of luma below white (235).
pub const MAX_SHAPES: usize = 10;

/// What a synthetic camera shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntheticSpec {
    /// Picture size in pixels.
    pub size: Size,
    /// Frames a second, at least 1.
    pub fps: u32,
    /// How many frames it shows; `None` for no end.
    pub frames: Option<u64>,
    /// How many shapes move, at most [`MAX_SHAPES`].
    pub shapes: usize,
    /// During which frames the shapes are there.
    pub present: Range<u64>,
    /// Decides places, sizes and speeds.
    pub seed: u64,
    /// Paced like a camera, or as fast as the sink takes frames.
    pub pace: Pace,
}

impl Default for SyntheticSpec {
    fn default() -> Self {
        Self {
            size: Size::new(640, 360),
            fps: 30,
            frames: None,
            shapes: 1,
            present: 0..u64::MAX,
            seed: 1,
            pace: Pace::Realtime,
        }
    }
}

/// One shape on one frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shape {
    /// Which one, from 0.
    pub index: usize,
    /// Where it is, in pixels.
    pub bbox: BBox,
    /// Its luma.
    pub luma: u8,
}

/// The seeded world: ask for any frame by number.
#[derive(Clone, Debug)]
pub struct SyntheticWorld {
    spec: SyntheticSpec,
    movers: Vec<Mover>,
    background: Vec<u8>,
}

/// A shape's start, speed and side, in whole pixels, so that every machine draws the same.
#[derive(Clone, Copy, Debug)]
struct Mover {
    side: u32,
    start: (u32, u32),
    speed: (u32, u32),
    round: bool,
}

impl SyntheticWorld {
    /// The world of `spec`; its shapes are a tenth to a quarter of the picture's shorter side.
    pub fn new(spec: SyntheticSpec) -> Self {
        let mut noise = fastrand::Rng::with_seed(spec.seed);
        let short = spec.size.w.min(spec.size.h);
        let mut mover = |_| Mover {
            side: noise.u32(short / 10..=short / 4).max(1),
            start: (noise.u32(0..spec.size.w.max(1)), noise.u32(0..spec.size.h.max(1))),
            speed: (noise.u32(1..=4), noise.u32(1..=3)),
            round: noise.bool(),
        };
        let movers = (0..spec.shapes.min(MAX_SHAPES)).map(&mut mover).collect();
        let background = slope(spec.size);
        Self { spec, movers, background }
    }

    /// What it was made from.
    pub fn spec(&self) -> &SyntheticSpec {
        &self.spec
    }

    /// The shapes on one frame, in drawing order: a later one covers an earlier one.
    pub fn shapes_at(&self, frame: u64) -> Vec<Shape> {
        if !self.spec.present.contains(&frame) {
            return Vec::new();
        }
        let shape = |(index, mover): (usize, &Mover)| {
            let (x, y) = mover.place(frame, self.spec.size);
            let side = mover.side as f32;
            Shape {
                index,
                bbox: BBox { x: x as f32, y: y as f32, w: side, h: side },
                luma: SHAPE_LUMA + SHAPE_STEP * index as u8,
            }
        };
        self.movers.iter().enumerate().map(shape).collect()
    }

    /// Draws one frame as I420.
    pub fn draw(&self, frame: u64) -> Result<Pixels, PixelsError> {
        let size = self.spec.size;
        let mut luma = self.background.clone();
        if self.spec.present.contains(&frame) {
            for (index, mover) in self.movers.iter().enumerate() {
                let level = SHAPE_LUMA + SHAPE_STEP * index as u8;
                mover.paint(&mut luma, size, mover.place(frame, size), level);
            }
        }
        let (half, rows) = PixelFormat::I420.plane_extent(1, size);
        let grey = vec![128; half * rows];
        Pixels::new(
            PixelFormat::I420,
            size,
            [size.w as usize, half, half],
            ColorMatrix::Bt601,
            ColorRange::Limited,
            Box::new(HostPlanes::from([luma, grey.clone(), grey])),
        )
    }
}

impl Mover {
    /// Upper left corner at a frame: to and fro between the edges.
    fn place(&self, frame: u64, size: Size) -> (u32, u32) {
        let bounce = |start: u32, speed: u32, room: u32| {
            let room = u64::from(room.saturating_sub(self.side)).max(1);
            let way = u64::from(start).wrapping_add(frame.wrapping_mul(u64::from(speed))) % (2 * room);
            way.min(2 * room - way) as u32
        };
        (bounce(self.start.0, self.speed.0, size.w), bounce(self.start.1, self.speed.1, size.h))
    }

    fn paint(&self, luma: &mut [u8], size: Size, (left, top): (u32, u32), level: u8) {
        for y in top..(top + self.side).min(size.h) {
            for x in left..(left + self.side).min(size.w) {
                if !self.round || self.is_inside_disc(x - left, y - top) {
                    luma[y as usize * size.w as usize + x as usize] = level;
                }
            }
        }
    }

    /// Whether a pixel of the square lies in the disc it holds; in half pixels, to stay whole.
    fn is_inside_disc(&self, x: u32, y: u32) -> bool {
        let off = |v: u32| i64::from(2 * v + 1) - i64::from(self.side);
        off(x).pow(2) + off(y).pow(2) <= i64::from(self.side).pow(2)
    }
}

/// Dim at the upper left, [`BACKGROUND_MAX`] at the lower right.
fn slope(size: Size) -> Vec<u8> {
    let (w, h) = (u64::from(size.w), u64::from(size.h));
    let span = u64::from(BACKGROUND_MAX - 16);
    let level = |x: u64, y: u64| (16 + span * (x + y) / (w + h).max(1)) as u8;
    (0..h).flat_map(|y| (0..w).map(move |x| level(x, y))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drawn_is_where_the_world_says() {
        for seed in 0..20 {
            let world = SyntheticWorld::new(SyntheticSpec { seed, ..SyntheticSpec::default() });
            for frame in [0, 1, 77, 10_000] {
                let pixels = world.draw(frame).unwrap();
                let (luma, stride) = pixels.plane(0);
                let shape = world.shapes_at(frame)[0];
                let bright: f32 = luma.iter().map(|&l| f32::from(l == shape.luma)).sum();
                let share = bright / (shape.bbox.w * shape.bbox.h);
                assert!((0.7..=1.0).contains(&share), "seed {seed}, frame {frame}: {share} of the box is bright");
                let middle = (shape.bbox.y + shape.bbox.h / 2.0) as usize * stride
                    + (shape.bbox.x + shape.bbox.w / 2.0) as usize;
                assert_eq!(luma[middle], shape.luma, "seed {seed}, frame {frame}");
            }
        }
    }

    #[test]
    fn shapes_move_and_leave_when_told() {
        let world = SyntheticWorld::new(SyntheticSpec { present: 10..20, shapes: 3, ..SyntheticSpec::default() });
        assert_eq!([9, 10, 19, 20].map(|f| world.shapes_at(f).len()), [0, 3, 3, 0]);
        assert_ne!(world.shapes_at(10), world.shapes_at(11));
        let empty = world.draw(20).unwrap();
        assert!(empty.plane(0).0.iter().all(|&l| l <= BACKGROUND_MAX));
    }

    #[test]
    fn the_smallest_and_oddest_pictures_can_be_drawn() {
        for (w, h) in [(1, 1), (3, 5), (641, 361)] {
            let size = Size::new(w, h);
            let spec = SyntheticSpec { size, shapes: 4, ..SyntheticSpec::default() };
            assert_eq!(SyntheticWorld::new(spec).draw(3).unwrap().size(), size);
        }
    }
}
