//! How much two boxes have in common, and which of several boxes on the same face to keep.
//!
//! Next: [`assignment`](super::assign), which pairs boxes of two frames.

use crate::scene::BBox;

/// Area two boxes share, in square pixels.
pub fn overlap(a: BBox, b: BBox) -> f32 {
    let w = a.right().min(b.right()) - a.x.max(b.x);
    let h = a.bottom().min(b.bottom()) - a.y.max(b.y);
    w.max(0.0) * h.max(0.0)
}

/// Intersection over union, 0 to 1. Two empty boxes have nothing in common, so they give 0.
pub fn iou(a: BBox, b: BBox) -> f32 {
    let shared = overlap(a, b);
    let union = a.area() + b.area() - shared;
    if union > 0.0 { (shared / union).min(1.0) } else { 0.0 }
}

/// The box with `share` of its own width and height added on each side.
pub fn grown(b: BBox, share: f32) -> BBox {
    let (dx, dy) = (b.w * share, b.h * share);
    BBox::new(b.x - dx, b.y - dy, b.w + 2.0 * dx, b.h + 2.0 * dy)
}

/// Greedy non-maximum suppression: goes from the best score down and keeps a box unless one already kept overlaps it with
/// an IoU above `limit`. Returns indices of the kept boxes, best first; equal scores keep their order. Boxes beyond the
/// shorter of the two slices are ignored.
pub fn nms(boxes: &[BBox], scores: &[f32], limit: f32) -> Vec<usize> {
    let mut order: Vec<usize> = (0..boxes.len().min(scores.len())).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
    let mut kept: Vec<usize> = Vec::new();
    for candidate in order {
        if kept.iter().all(|&k| iou(boxes[k], boxes[candidate]) <= limit) {
            kept.push(candidate);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_covered_squares_share_a_third() {
        let (a, b) = (BBox::new(0.0, 0.0, 10.0, 10.0), BBox::new(5.0, 0.0, 10.0, 10.0));
        assert!((iou(a, b) - 1.0 / 3.0).abs() < 1e-6);
        assert_eq!(grown(a, 0.5), BBox::new(-5.0, -5.0, 20.0, 20.0));
    }

    #[cfg(feature = "checks")]
    mod properties {
        use proptest::prelude::*;

        use super::*;

        fn any_box() -> impl Strategy<Value = BBox> {
            (0f32..100.0, 0f32..100.0, 0f32..40.0, 0f32..40.0).prop_map(|(x, y, w, h)| BBox::new(x, y, w, h))
        }

        /// The textbook form: strike out what the best remaining box covers, again and again.
        fn naive_nms(boxes: &[BBox], scores: &[f32], limit: f32) -> Vec<usize> {
            let mut left: Vec<usize> = (0..boxes.len()).collect();
            let mut kept = Vec::new();
            while !left.is_empty() {
                let mut best = left[0];
                for &i in &left {
                    if scores[i] > scores[best] {
                        best = i;
                    }
                }
                kept.push(best);
                left.retain(|&i| i != best && iou(boxes[i], boxes[best]) <= limit);
            }
            kept
        }

        proptest! {
            #[test]
            fn iou_is_symmetric_bounded_and_one_with_itself(a in any_box(), b in any_box()) {
                let v = iou(a, b);
                prop_assert!((0.0..=1.0).contains(&v));
                prop_assert!((v - iou(b, a)).abs() < f32::EPSILON);
                // Below a few pixels the rounding of far-away edges is no longer small against the box.
                if a.w >= 4.0 && a.h >= 4.0 {
                    prop_assert!((iou(a, a) - 1.0).abs() < 1e-3);
                }
            }

            #[test]
            fn nms_equals_the_textbook_form(
                items in proptest::collection::vec((any_box(), 0u8..20), 0..40),
                limit in 0f32..1.0,
            ) {
                let boxes: Vec<_> = items.iter().map(|i| i.0).collect();
                let scores: Vec<_> = items.iter().map(|i| f32::from(i.1) / 20.0).collect();
                prop_assert_eq!(nms(&boxes, &scores, limit), naive_nms(&boxes, &scores, limit));
            }
        }
    }
}
