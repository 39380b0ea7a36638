//! When a picture was taken. RTP senders say so in RTCP sender reports; files know their position; otherwise only the
//! moment of arrival is known.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use gstreamer as gst;

use crate::media::ClockReading;
use crate::media::sender_bias::{Bias, Trust};
use crate::scene::{Capture, TimeSource};

/// From 1900 (NTP) to 1970 (Unix): 25 567 days or 2 208 988 800 s; RFC 868.
const NTP_TO_UNIX: Duration = Duration::from_hours(25_567 * 24);
/// A sender's clock may be off by what its NTP client allows; the stamping itself was measured exact to 0.1 ms.
const SENDER_UNCERTAINTY: Duration = Duration::from_millis(50);
/// Where the sender's clock is wrong, what its fastest picture took to get here is unknown: a quarter of a second covers what
/// cameras and decoders take.
const CORRECTED_UNCERTAINTY: Duration = Duration::from_millis(250);
/// No sender report yet.
const UNKNOWN: i64 = i64::MIN;

/// What the sender's reports say: nanoseconds from stream time to NTP time. Decoders lose the report's mark on many
/// pictures, so it is read from the packets and kept here.
#[derive(Debug)]
pub(in crate::media) struct SenderClock {
    line: AtomicI64,
    bias: Mutex<Bias>,
}

/// A file's clock: the moment its first picture was handed over, and that picture's position.
#[derive(Debug, Default)]
pub(in crate::media) struct FileClock {
    anchor: OnceLock<(SystemTime, Instant, Duration)>,
    /// What earlier rounds of a repeated file have shown.
    pub(in crate::media) played_before: Duration,
}

/// How the frames of one attempt get their times.
#[derive(Debug)]
pub(in crate::media) enum Stamping {
    /// A network camera.
    Sender(std::sync::Arc<SenderClock>),
    /// A file.
    File(FileClock),
}

impl Default for SenderClock {
    fn default() -> Self {
        Self { line: AtomicI64::new(UNKNOWN), bias: Mutex::default() }
    }
}

impl SenderClock {
    /// Reads the mark a sender report left on a packet.
    pub(super) fn listen(&self, buffer: &gst::BufferRef) {
        let Some(pts) = buffer.pts() else { return };
        for mark in buffer.iter_meta::<gst::ReferenceTimestampMeta>() {
            if mark.reference().structure(0).is_some_and(|s| s.name() == "timestamp/x-ntp") {
                let offset = i128::from(mark.timestamp().nseconds()) - i128::from(pts.nseconds());
                self.line.store(i64::try_from(offset).unwrap_or(UNKNOWN), Ordering::Relaxed);
            }
        }
    }

    /// The sender's wall-clock time for a stream time, if it has reported; corrected where its clock is wrong.
    fn stamp(&self, pts: Duration, on_arrival: Capture) -> Option<Capture> {
        let line = self.line.load(Ordering::Relaxed);
        if line == UNKNOWN {
            return None;
        }
        let ntp = i128::from(line) + pts.as_nanos() as i128;
        let taken = ntp - NTP_TO_UNIX.as_nanos() as i128;
        let arrived = on_arrival.ingested.duration_since(UNIX_EPOCH).ok()?.as_nanos() as i128;
        let late = i64::try_from(arrived - taken).ok()?;
        let mut bias = self.bias.lock().unwrap_or_else(PoisonError::into_inner);
        let (taken, uncertainty, source) = match bias.observe(line, late) {
            Trust::Believed => (taken, SENDER_UNCERTAINTY, TimeSource::RtcpSr),
            Trust::Corrected(by) => (taken + i128::from(by), CORRECTED_UNCERTAINTY, TimeSource::RtcpSrCorrected),
        };
        let wall = UNIX_EPOCH.checked_add(Duration::from_nanos(u64::try_from(taken).ok()?))?;
        Some(Capture { wall, source, uncertainty, ..on_arrival })
    }

    /// What is worth telling about the sender's clock, once.
    pub(super) fn news(&self) -> Option<ClockReading> {
        self.bias.lock().unwrap_or_else(PoisonError::into_inner).news()
    }
}

impl FileClock {
    /// A file's clock that continues after earlier rounds.
    pub(in crate::media) fn after(played_before: Duration) -> Self {
        Self { anchor: OnceLock::new(), played_before }
    }
}

impl Stamping {
    /// The picture's place in its stream. Files count from their first picture, whatever their edit lists say; senders'
    /// times stay as they are, because sender reports speak of those.
    pub(super) fn position(&self, sample: &gst::Sample) -> Option<Duration> {
        let pts = sample.buffer()?.pts()?;
        let placed = match self {
            Self::Sender(_) => pts,
            Self::File(_) => sample.segment()?.downcast_ref::<gst::ClockTime>()?.to_stream_time(pts)?,
        };
        Some(Duration::from_nanos(placed.nseconds()))
    }

    /// What is worth telling about the sender's clock, once.
    pub(super) fn news(&self) -> Option<ClockReading> {
        match self {
            Self::Sender(sender) => sender.news(),
            Self::File(_) => None,
        }
    }

    /// The capture time of a picture that arrived now.
    pub(super) fn stamp(&self, pts: Option<Duration>, arrived: Instant, ingested: SystemTime) -> Capture {
        let on_arrival = Capture::on_arrival(arrived, ingested, pts);
        let Some(pts) = pts else { return on_arrival };
        match self {
            Self::Sender(sender) => sender.stamp(pts, on_arrival).unwrap_or(on_arrival),
            Self::File(file) => {
                let (began, start, first) = *file.anchor.get_or_init(|| (ingested, arrived, pts));
                Capture {
                    at: start + pts.saturating_sub(first),
                    wall: began + pts.saturating_sub(first),
                    pts: Some(file.played_before + pts),
                    source: TimeSource::FilePosition,
                    uncertainty: Duration::ZERO,
                    ..on_arrival
                }
            }
        }
    }
}
