//! What a detector proposes, and the choice among proposals of the same face.

use crate::{
    scene::{BBox, Landmarks5, Point},
    vision,
};

/// At most this many proposals, the best, are compared with each other on one picture. A sound network gives tens; a broken
/// one gives one a cell, and comparing 10,000 with each other would take longer than the network.
pub const PROPOSALS_KEPT: usize = 1000;

/// No true box reaches this far from the tensor's corner, in pixels; one that does came from a broken network, and its edges
/// would not survive being added up.
const FARTHEST: f32 = 1e6;

/// A box as a detector proposes it, in pixels of its input tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Proposal {
    /// Where.
    pub bbox: BBox,
    /// The five points, when the network gives them.
    pub points: Option<Landmarks5>,
    /// How sure, 0 to 1.
    pub score: f32,
    /// Which class; 0 where there is only one.
    pub class: usize,
}

impl Proposal {
    /// A face; `None` when its numbers make no sense.
    pub(super) fn face(bbox: BBox, points: Option<Landmarks5>, score: f32) -> Option<Self> {
        Self::of(bbox, points, score, 0)
    }

    /// A thing of some class; `None` when a number is not finite or out of all measure, or the box is empty.
    pub(super) fn of(bbox: BBox, points: Option<Landmarks5>, score: f32, class: usize) -> Option<Self> {
        let near = |v: f32| v.abs() < FARTHEST; // false for NaN
        let sound = [bbox.x, bbox.y, bbox.w, bbox.h].into_iter().all(near) && score.is_finite();
        let solid = bbox.w > 0.0 && bbox.h > 0.0;
        let pointed = points.iter().flatten().all(|p| near(p.x) && near(p.y));
        (sound && solid && pointed).then_some(Self { bbox, points, score: score.clamp(0.0, 1.0), class })
    }
}

/// A box from its middle and its extent.
pub(super) fn around(cx: f32, cy: f32, w: f32, h: f32) -> BBox {
    BBox::new(cx - w / 2.0, cy - h / 2.0, w, h)
}

/// Five points from ten numbers by a rule that places one of them.
pub(super) fn five(numbers: &[f32], place: impl Fn(f32, f32) -> Point) -> Landmarks5 {
    [0, 1, 2, 3, 4].map(|k| place(numbers[2 * k], numbers[2 * k + 1]))
}

/// Greedy non-maximum suppression, in place: best first, and no two of one class that overlap by more than `limit`
/// (intersection over union).
pub fn suppress(found: &mut Vec<Proposal>, limit: f32) {
    found.sort_unstable_by(|a, b| b.score.total_cmp(&a.score));
    found.truncate(PROPOSALS_KEPT);
    let mut kept = 0;
    for at in 0..found.len() {
        let one = found[at];
        let taken = found[..kept].iter().any(|k| k.class == one.class && vision::iou(k.bbox, one.bbox) > limit);
        if !taken {
            found[kept] = one;
            kept += 1;
        }
    }
    found.truncate(kept);
}
