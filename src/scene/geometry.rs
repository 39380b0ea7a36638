//! Sizes, points and boxes in pixels of the displayed frame: origin top left, x right, y down.

use serde::{Deserialize, Serialize};

pub use crate::memory::Size;

/// A position in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Pixels from the left edge.
    pub x: f32,
    /// Pixels from the top edge.
    pub y: f32,
}

impl Point {
    /// A point from its coordinates.
    pub const fn new(x: f32, y: f32) -> Self {
        Self { x, y }
    }
}

/// Right eye (left in the picture), left eye, nose tip, right and left mouth corner: YuNet's and ArcFace's order.
pub type Landmarks5 = [Point; 5];

/// An axis-aligned box: top-left corner, width and height, in pixels. May reach outside the frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BBox {
    /// Left edge.
    pub x: f32,
    /// Top edge.
    pub y: f32,
    /// Width, never negative.
    pub w: f32,
    /// Height, never negative.
    pub h: f32,
}

impl BBox {
    /// A box from its corner and extent.
    pub const fn new(x: f32, y: f32, w: f32, h: f32) -> Self {
        Self { x, y, w, h }
    }

    /// A box from two corners; crossed corners give an empty box.
    pub fn from_corners(left: f32, top: f32, right: f32, bottom: f32) -> Self {
        Self::new(left, top, (right - left).max(0.0), (bottom - top).max(0.0))
    }

    /// Right edge.
    pub fn right(self) -> f32 {
        self.x + self.w
    }

    /// Bottom edge.
    pub fn bottom(self) -> f32 {
        self.y + self.h
    }

    /// Middle of the box.
    pub fn center(self) -> Point {
        Point::new(self.x + self.w / 2.0, self.y + self.h / 2.0)
    }

    /// Width times height.
    pub fn area(self) -> f32 {
        self.w * self.h
    }

    /// The part inside a frame of the given size.
    pub fn clipped(self, frame: Size) -> Self {
        let (w, h) = (frame.w as f32, frame.h as f32);
        Self::from_corners(
            self.x.clamp(0.0, w),
            self.y.clamp(0.0, h),
            self.right().clamp(0.0, w),
            self.bottom().clamp(0.0, h),
        )
    }

    /// `[x, y, w, h]` as fractions of the frame, clipped to it: what events carry (COCO order).
    pub fn normalised(self, frame: Size) -> [f32; 4] {
        let inside = self.clipped(frame);
        let (w, h) = (frame.w.max(1) as f32, frame.h.max(1) as f32);
        [inside.x / w, inside.y / h, inside.w / w, inside.h / h]
    }
}
