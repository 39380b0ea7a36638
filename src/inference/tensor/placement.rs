//! Where a picture lands in a tensor, and the way back from tensor to frame coordinates.

use crate::{
    memory::Size,
    scene::{BBox, Point},
};

/// A rectangle of whole pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rect {
    /// Left edge.
    pub x: u32,
    /// Top edge.
    pub y: u32,
    /// Width.
    pub w: u32,
    /// Height.
    pub h: u32,
}

/// Where the picture sits when its shape differs from the tensor's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Anchor {
    /// In the top-left corner; padding right or below.
    #[default]
    TopLeft,
    /// In the middle; padding on both sides.
    Center,
}

/// Which part of the frame goes to which part of the tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Placement {
    /// In frame pixels.
    pub source: Rect,
    /// In tensor pixels.
    pub target: Rect,
}

impl Rect {
    /// All of a picture.
    pub const fn whole(size: Size) -> Self {
        Self { x: 0, y: 0, w: size.w, h: size.h }
    }

    /// The part of this rectangle that lies inside `size`; at least one pixel of a non-empty picture.
    #[must_use]
    pub fn within(self, size: Size) -> Self {
        let (x, y) = (self.x.min(size.w.saturating_sub(1)), self.y.min(size.h.saturating_sub(1)));
        Self { x, y, w: self.w.clamp(1, (size.w - x).max(1)), h: self.h.clamp(1, (size.h - y).max(1)) }
    }
}

impl Placement {
    /// The whole frame, its shape kept, as large as fits.
    pub fn letterbox(frame: Size, input: Size, anchor: Anchor) -> Self {
        let ratio = (f64::from(input.w) / f64::from(frame.w)).min(f64::from(input.h) / f64::from(frame.h));
        let fitted = |length: u32, limit: u32| ((f64::from(length) * ratio).round_ties_even() as u32).clamp(1, limit);
        let (w, h) = (fitted(frame.w, input.w), fitted(frame.h, input.h));
        let (x, y) = match anchor {
            Anchor::TopLeft => (0, 0),
            Anchor::Center => ((input.w - w) / 2, (input.h - h) / 2),
        };
        Self { source: Rect::whole(frame), target: Rect { x, y, w, h } }
    }

    /// A part of the frame, pulled to fill the tensor.
    pub fn stretch(source: Rect, input: Size) -> Self {
        Self { source, target: Rect::whole(input) }
    }

    /// Frame pixels per tensor pixel, in x and y.
    pub fn scale(&self) -> (f32, f32) {
        let per = |frame: u32, tensor: u32| frame as f32 / tensor.max(1) as f32;
        (per(self.source.w, self.target.w), per(self.source.h, self.target.h))
    }

    /// A tensor position in frame pixels.
    pub fn point_to_frame(&self, p: Point) -> Point {
        let (sx, sy) = self.scale();
        Point::new(
            (p.x - self.target.x as f32) * sx + self.source.x as f32,
            (p.y - self.target.y as f32) * sy + self.source.y as f32,
        )
    }

    /// A box in tensor pixels as a box in frame pixels.
    pub fn box_to_frame(&self, b: BBox) -> BBox {
        let (sx, sy) = self.scale();
        let corner = self.point_to_frame(Point::new(b.x, b.y));
        BBox::new(corner.x, corner.y, b.w * sx, b.h * sy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hd_frame_keeps_its_shape_and_points_find_the_way_back() {
        let placed = Placement::letterbox(Size::new(1280, 720), Size::new(640, 384), Anchor::TopLeft);
        assert_eq!(placed.target, Rect { x: 0, y: 0, w: 640, h: 360 });
        assert_eq!(placed.point_to_frame(Point::new(320.0, 180.0)), Point::new(640.0, 360.0));
        let centred = Placement::letterbox(Size::new(1280, 720), Size::new(640, 384), Anchor::Center);
        assert_eq!(centred.point_to_frame(Point::new(0.0, 12.0)), Point::new(0.0, 0.0));
    }

    #[test]
    fn a_rectangle_is_cut_to_the_picture_and_never_empty() {
        let cut = Rect { x: 90, y: 500, w: 50, h: 9 }.within(Size::new(100, 80));
        assert_eq!(cut, Rect { x: 90, y: 79, w: 10, h: 1 });
    }
}
