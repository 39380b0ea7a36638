//! When a frame was taken, on three clocks, and which of them to trust.

use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Serialize};

/// Where a capture time comes from; events repeat it, so that a reader knows how far to trust it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeSource {
    /// The sender's own clock, by RTCP sender reports.
    RtcpSr,
    /// The sender's own clock, corrected because it is wrong: the pictures' spacing is the sender's, the time of day ours.
    RtcpSrCorrected,
    /// The wall clock of this machine when the frame arrived.
    WallclockArrival,
    /// The position in a file, counted from the moment playing began.
    FilePosition,
    /// Invented by a synthetic camera.
    Synthetic,
}

/// One moment on several clocks.
#[derive(Clone, Copy, Debug)]
pub struct Capture {
    /// When the frame reached us, on the monotonic clock. Latency is measured from here.
    pub arrived: Instant,
    /// Where the frame stands on its camera's own timeline: its arrival for live cameras, start plus position for files.
    /// Everything that reasons about the scene (tracking, asking again, closing visits) counts in this time, so that a
    /// file played ten times as fast tells the same story.
    pub at: Instant,
    /// The best estimate of when the picture was taken, as wall-clock time.
    pub wall: SystemTime,
    /// When the frame reached us, as wall-clock time.
    pub ingested: SystemTime,
    /// The stream's own presentation time.
    pub pts: Option<Duration>,
    /// What `wall` is based on.
    pub source: TimeSource,
    /// How far `wall` may be off.
    pub uncertainty: Duration,
}

impl Capture {
    /// A capture time that knows no better than the moment of arrival.
    pub fn on_arrival(arrived: Instant, ingested: SystemTime, pts: Option<Duration>) -> Self {
        Self {
            arrived,
            at: arrived,
            wall: ingested,
            ingested,
            pts,
            source: TimeSource::WallclockArrival,
            uncertainty: ARRIVAL_UNCERTAINTY,
        }
    }
}

/// Network and decoder delay is unknown without sender reports; half a second covers what ordinary cameras show.
const ARRIVAL_UNCERTAINTY: Duration = Duration::from_millis(500);
