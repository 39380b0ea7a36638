//! Cameras at the door: asking, waited for, let in and not yet measured, refused. Next:
//! [`admission`](super::admission), who comes in.

use std::collections::BTreeMap;

use super::names::{CameraName, Elapsed};
use super::plan::Verdict;
use super::policy::Water;
use super::reading::{Asking, Reading};

/// An admitted camera counts by what it announced until it is measured, at most this long.
const ANNOUNCED_MS: f64 = 3_000.0;

/// Cameras between asking and being measured.
#[derive(Clone, Debug, Default)]
pub(super) struct Door {
    pub(super) arrivals: Vec<Arrival>,
    /// The camera that room is made for, and since when.
    pub(super) waiting: Option<(Asking, Elapsed)>,
    pub(super) refused: BTreeMap<CameraName, (Elapsed, Verdict)>,
    /// At that moment a camera of so many bytes was not worth the room.
    pub(super) unworthy: Option<(Elapsed, u64)>,
}

#[derive(Clone, Debug)]
pub(super) struct Arrival {
    pub(super) asking: Asking,
    pub(super) at: Elapsed,
    pub(super) measured_fps: f64,
}

impl Door {
    pub(super) fn learn(&mut self, now: Elapsed, reading: &Reading) {
        self.arrivals.retain(|arrival| now.ms_since(arrival.at) < ANNOUNCED_MS);
        for arrival in &mut self.arrivals {
            let measured = reading.cameras.iter().find(|camera| camera.camera == arrival.asking.camera);
            arrival.measured_fps = measured.map_or(0.0, |camera| camera.offered_fps);
        }
        let asks = |name: &CameraName| reading.asking.iter().any(|asking| &asking.camera == name);
        self.refused.retain(|name, _| asks(name));
        self.waiting = self.waiting.take().filter(|(asking, _)| asks(&asking.camera));
    }

    /// Frames a second of cameras let in but not yet measured, and of the one room is made for.
    pub(super) fn frames(&self) -> f64 {
        self.arriving() + self.waiting.as_ref().map_or(0.0, |(asking, _)| asking.fps)
    }

    fn arriving(&self) -> f64 {
        self.arrivals.iter().map(|arrival| (arrival.asking.fps - arrival.measured_fps).max(0.0)).sum()
    }

    /// Whether cameras let in have not sent what they announced, and may yet: it often is less.
    pub(super) fn expects(&self) -> bool {
        self.arriving() >= 1.0
    }

    /// Bytes of the same.
    pub(super) fn bytes(&self) -> f64 {
        let waiting = self.waiting.as_ref().map_or(0, |(asking, _)| asking.bytes);
        (self.arriving_bytes() + waiting) as f64
    }

    /// Whether anybody waits or has just come in.
    pub(super) fn is_busy(&self) -> bool {
        self.waiting.is_some() || self.expects()
    }

    /// Share of memory to be left free beside the camera room is made for: cameras are let in up to what a step down aims at,
    /// so room is made from there on and not only from the high water.
    pub(super) fn reserve(&self, water: &Water) -> f64 {
        if self.waiting.is_some() { water.memory_high - water.memory_target } else { 0.0 }
    }

    /// Bytes of cameras let in but not yet measured.
    pub(super) fn arriving_bytes(&self) -> u64 {
        let unmeasured = self.arrivals.iter().filter(|arrival| arrival.measured_fps <= 0.0);
        unmeasured.map(|arrival| arrival.asking.bytes).sum()
    }
}
