//! When a camera is worth a look: at once while anything is new, seldom while the same faces stay and nothing else moves.
//!
//! A face that came, went or jumped makes the next few frames be looked at one by one, which is what the tracker needs to
//! believe it. After that a look every `calm` is enough, or every half of it while something moves where no face is known.

use std::time::{Duration, Instant};

use crate::{
    memory::PixelFormat,
    scene::{BBox, FaceObservation, Frame},
    vision::{Glimpse, Luma, iou},
};

/// Looks in a row that must show the same before a camera is calm: the tracker believes a face after three.
const SAME_LOOKS: u32 = 4;
/// Faces scored lower than this come and go without anybody coming or going.
const SURE: f32 = 0.6;
/// A face that overlaps its last place less than this has jumped.
const SAME_PLACE: f32 = 0.4;

/// One camera, as it was at the last look.
#[derive(Debug, Default)]
pub(super) struct Watch {
    last: Option<Look>,
    same: u32,
}

#[derive(Debug)]
struct Look {
    at: Instant,
    glimpse: Glimpse,
    faces: Vec<BBox>,
}

impl Watch {
    /// Whether this frame is worth a look.
    pub(super) fn is_due(&self, frame: &Frame, calm: Duration) -> bool {
        let Some(last) = self.last.as_ref().filter(|_| self.same >= SAME_LOOKS) else { return true };
        let at = frame.captured.at;
        let since = at.saturating_duration_since(last.at);
        // A stream that starts again from its beginning is looked at anew.
        if since >= calm || at < last.at {
            return true;
        }
        let luma = luma(frame);
        since >= calm / 2 && Glimpse::of(luma).moved_since(&last.glimpse, &last.faces, luma.size)
    }

    /// Takes in what a look at `frame` showed.
    pub(super) fn saw(&mut self, frame: &Frame, faces: &[FaceObservation]) {
        let faces: Vec<BBox> = faces.iter().filter(|face| face.score >= SURE).map(|face| face.bbox).collect();
        let same = self.last.as_ref().is_some_and(|last| stay(&last.faces, &faces));
        self.same = if same { self.same.saturating_add(1) } else { 0 };
        self.last = Some(Look { at: frame.captured.at, glimpse: Glimpse::of(luma(frame)), faces });
    }
}

/// Whether as many faces are there as before, each where one was.
fn stay(before: &[BBox], now: &[BBox]) -> bool {
    let was_here = |face: &BBox| before.iter().any(|other| iou(*face, *other) >= SAME_PLACE);
    before.len() == now.len() && now.iter().all(was_here)
}

/// The brightness of a frame; green stands in for it where a picture is RGB.
fn luma(frame: &Frame) -> Luma<'_> {
    let (pixels, size) = (&frame.pixels, frame.pixels.size());
    let (bytes, stride) = pixels.plane(0);
    let size = (size.w as usize, size.h as usize);
    match pixels.format() {
        PixelFormat::Rgb => Luma { bytes: bytes.get(1..).unwrap_or_default(), stride, step: 3, size },
        PixelFormat::Nv12 | PixelFormat::I420 => Luma { bytes, stride, step: 1, size },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::testing::frame;

    const CALM: Duration = Duration::from_millis(240);

    fn face(x: f32) -> FaceObservation {
        FaceObservation::detected(BBox::new(x, 10.0, 40.0, 40.0), None, 0.9)
    }

    /// Frames of a 25 fps camera that were looked at, given the faces each one shows.
    fn looks(faces: impl Fn(u64) -> Vec<FaceObservation>, frames: u64) -> Vec<u64> {
        let (mut watch, mut looks) = (Watch::default(), Vec::new());
        let start = frame("a", 0).captured.at;
        for number in 0..frames {
            let mut frame = frame("a", number);
            frame.captured.at = start + Duration::from_millis(40 * number);
            if watch.is_due(&frame, CALM) {
                watch.saw(&frame, &faces(number));
                looks.push(number);
            }
        }
        looks
    }

    #[test]
    fn the_same_faces_are_looked_at_seldom() {
        let looked = looks(|_| vec![face(10.0)], 30);
        assert_eq!(looked[..5], [0, 1, 2, 3, 4], "until they are believed");
        assert!(looked.len() <= 13, "and then at most every third frame: {looked:?}");
    }

    #[test]
    fn somebody_new_is_found_in_time_and_followed_frame_by_frame() {
        let crowd = |n: u64| if n < 20 { vec![face(10.0)] } else { vec![face(10.0), face(80.0)] };
        let looked = looks(crowd, 40);
        let found = *looked.iter().find(|n| **n >= 20).unwrap();
        assert!(found <= 26, "within `calm`: {looked:?}");
        assert!((found..found + 4).all(|n| looked.contains(&n)), "{looked:?}");
    }
}
