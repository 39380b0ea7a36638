//! Whether a live camera keeps its promises: three deadlines, one after the other. Pure; [`super::live`] reads the clock.
//!
//! GStreamer's own time-outs cover connecting and replies only: a sender that keeps its socket open and falls silent goes
//! unnoticed for 25 s. So frames are timed here.

use std::time::{Duration, Instant};

use super::Limits;

/// Where an attempt is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing came yet.
    Connecting,
    /// The camera has started its stream; no picture yet.
    Connected,
    /// Pictures come.
    Live,
}

/// The running deadline of one attempt.
#[derive(Debug)]
pub(super) struct Health {
    limits: Limits,
    phase: Phase,
    since: Instant,
}

impl Health {
    /// An attempt that begins at `now`.
    pub(super) fn new(limits: Limits, now: Instant) -> Self {
        Self { limits, phase: Phase::Connecting, since: now }
    }

    /// Where the attempt is.
    pub(super) fn phase(&self) -> Phase {
        self.phase
    }

    /// The stream was started.
    pub(super) fn connected(&mut self, now: Instant) {
        if self.phase == Phase::Connecting {
            (self.phase, self.since) = (Phase::Connected, now);
        }
    }

    /// A picture came at `at`.
    pub(super) fn frame(&mut self, at: Instant) {
        self.phase = Phase::Live;
        self.since = self.since.max(at);
    }

    /// When patience ends.
    pub(super) fn deadline(&self) -> Instant {
        self.since + self.limit()
    }

    /// What did not come in time, and the limit that passed.
    pub(super) fn overdue(&self, now: Instant) -> Option<(&'static str, Duration)> {
        let missing = match self.phase {
            Phase::Connecting => "an answer",
            Phase::Connected => "the first frame",
            Phase::Live => "another frame",
        };
        (now >= self.deadline()).then(|| (missing, self.limit()))
    }

    fn limit(&self) -> Duration {
        match self.phase {
            Phase::Connecting => self.limits.connect,
            Phase::Connected => self.limits.first_frame,
            Phase::Live => self.limits.stall,
        }
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "an Instant can only be had from the clock; nothing here waits")]
mod tests {
    use super::*;

    #[test]
    fn each_phase_has_its_own_patience() {
        let limits = Limits::default();
        let start = Instant::now();
        let ms = |ms| start + Duration::from_millis(ms);
        let mut health = Health::new(limits, start);
        assert_eq!(health.overdue(ms(4_999)), None);
        assert_eq!(health.overdue(ms(5_000)), Some(("an answer", limits.connect)));
        health.connected(ms(1_000));
        assert_eq!(health.overdue(ms(10_999)), None);
        assert_eq!(health.overdue(ms(11_000)).map(|o| o.0), Some("the first frame"));
        health.frame(ms(2_000));
        health.connected(ms(9_000));
        assert_eq!(health.overdue(ms(5_000)).map(|o| o.0), Some("another frame"), "connecting again changes nothing");
    }
}
