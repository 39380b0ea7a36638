//! How time passes for one camera: by its own frames, so that a file played faster than life has the same visits.

use std::time::{Duration, Instant};

use crate::scene::{Capture, TimeSource};

/// Time since a camera's first frame.
#[derive(Debug)]
pub(crate) struct StreamClock {
    now: Duration,
    last: Capture,
}

impl StreamClock {
    /// Starts with the first frame.
    pub(crate) fn starting(first: &Capture) -> Self {
        Self { now: Duration::ZERO, last: *first }
    }

    /// Moves on to this frame. A file's time is its presentation time; where that jumps back (a clip played in a loop),
    /// and for everything live, it is the time of arrival. Never runs backwards.
    pub(crate) fn frame(&mut self, captured: &Capture) {
        self.now += played(&self.last, captured)
            .unwrap_or_else(|| captured.arrived.saturating_duration_since(self.last.arrived));
        self.last = *captured;
    }

    /// Time of the newest frame.
    pub(crate) fn now(&self) -> Duration {
        self.now
    }

    /// How long no frame has come.
    pub(crate) fn silence(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.last.arrived)
    }
}

/// Time played between two frames of a file.
fn played(from: &Capture, to: &Capture) -> Option<Duration> {
    if to.source != TimeSource::FilePosition {
        return None;
    }
    to.pts?.checked_sub(from.pts?)
}
