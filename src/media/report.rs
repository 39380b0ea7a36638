//! The seam to whoever runs a camera: where its frames go, what is said about it, and how it ended.

use std::time::{Duration, Instant, SystemTime};

use super::{Evidence, MediaError, PictureState};
use crate::scene::{CameraId, Frame};

/// Takes a camera's frames.
pub trait FrameSink: Send + Sync {
    /// Takes one frame, on the decoder's thread. Must not block for a live camera or a file at real-time pace: a full
    /// sink throws away and counts, itself. For [`super::Pace::Fast`] it may block, but must answer [`Offer::Closed`]
    /// soon after the graph is told to stop.
    fn offer(&self, frame: Frame) -> Offer;
}

/// What became of an offered frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// It was taken (or thrown away and counted by the sink's own policy).
    Taken,
    /// Nobody wants this camera's frames any more: the camera ends.
    Closed,
}

/// Hears how a camera is doing.
pub trait CameraReports: Send + Sync {
    /// The camera's state changed. `detail` is one clause for people, without secrets.
    fn state(&self, camera: &CameraId, state: CameraState, detail: &str);

    /// What its picture shows changed, and what says so.
    fn picture(&self, _camera: &CameraId, _picture: PictureState, _evidence: Option<Evidence>) {}

    /// How its clock stands to ours: told when that is first known, and when it changes.
    fn clock(&self, _camera: &CameraId, _reading: ClockReading) {}
}

/// How far a camera's clock is from ours, by its sender reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockReading {
    /// Milliseconds by which its clock is ahead of ours (negative: behind), less what its fastest picture took to get here.
    pub ahead_ms: i64,
    /// So far that it is not believed: its pictures' times are corrected by it.
    pub is_wrong: bool,
}

/// How a camera is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CameraState {
    /// An attempt to reach it has begun.
    Connecting,
    /// Its first frame was decoded.
    Live,
    /// It was live, and no frame came for longer than its stall limit; a new attempt follows.
    Stalled,
    /// The connection broke or never showed a frame.
    Lost {
        /// Until the next attempt.
        retry_in: Duration,
    },
    /// It refused the user or the password.
    AuthenticationFailed {
        /// Until the next attempt; long, because cameras lock accounts.
        retry_in: Duration,
    },
    /// Nobody answers at its address.
    Unreachable {
        /// Until the next attempt.
        retry_in: Duration,
    },
    /// It answers, but offers nothing we can show: no such path, an unknown codec, a picture above the limit.
    Unusable {
        /// Until the next attempt.
        retry_in: Duration,
    },
    /// The file is over.
    Ended,
    /// It was told to stop.
    Stopped,
    /// It is given up.
    Failed,
}

/// How a camera's run ended.
#[derive(Debug)]
pub enum CameraEnd {
    /// The file (or the synthetic world) is over.
    Ended,
    /// It was told to stop.
    Stopped,
    /// The sink answered [`Offer::Closed`].
    SinkClosed,
    /// It is given up; live cameras only end so when no retry can help.
    Failed(MediaError),
}

/// The clocks a camera reads; replaced in tests.
pub trait Clock: Send + Sync {
    /// The monotonic clock.
    fn now(&self) -> Instant;
    /// The wall clock.
    fn wall(&self) -> SystemTime;
}

/// This machine's clocks.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

#[allow(clippy::disallowed_methods, reason = "media is where frames get their arrival times")]
impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }
}
