//! Where frames pass on their way to the graph: once a second one of them is looked at, and what it shows is judged. Costs a
//! few thousand reads a second and camera, on the decoder's thread; never waits.

use std::sync::{Arc, Mutex, TryLockError};
use std::time::Instant;

use super::picture::{LOOK_EVERY, Look, PictureJudge};
use super::{CameraReports, FrameSink, Offer, PictureLimits};
use crate::scene::Frame;
use crate::vision::PictureFigures;

/// A sink that judges what it passes on.
pub(super) struct Watched {
    sink: Arc<dyn FrameSink>,
    reports: Arc<dyn CameraReports>,
    judge: Mutex<(PictureJudge, Option<Instant>)>,
}

impl Watched {
    pub(super) fn new(sink: Arc<dyn FrameSink>, reports: Arc<dyn CameraReports>, limits: PictureLimits) -> Self {
        Self { sink, reports, judge: Mutex::new((PictureJudge::new(limits), None)) }
    }

    fn judge(&self, frame: &Frame) {
        // One thread offers at a time; should two overlap during a reconnection, one of them looks.
        let mut judge = match self.judge.try_lock() {
            Ok(judge) => judge,
            Err(TryLockError::Poisoned(judge)) => judge.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        let (at, (judge, looked)) = (frame.captured.arrived, &mut *judge);
        if looked.is_some_and(|looked| at.saturating_duration_since(looked) < LOOK_EVERY) {
            return;
        }
        *looked = Some(at);
        let Some(figures) = PictureFigures::of(&frame.pixels) else { return };
        let look = Look { at, size: frame.size(), pts: frame.captured.pts, figures: &figures };
        if let Some((state, evidence)) = judge.look(&look) {
            self.reports.picture(&frame.camera, state, evidence);
        }
    }
}

impl FrameSink for Watched {
    fn offer(&self, frame: Frame) -> Offer {
        self.judge(&frame);
        self.sink.offer(frame)
    }
}
