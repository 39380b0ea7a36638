//! From a decoded buffer to a frame, without copying: the buffer is mapped, and the mapping owns it. Runs on the
//! decoder's thread; [`super::session`] wires it to the pipeline's end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer_video as gst_video;
use gstreamer_video::prelude::*;

use super::Stamping;
use super::origin::Origin;
use crate::media::{CameraReports, Clock, FrameSink, MediaError, Offer};
use crate::memory::{ColorMatrix, ColorRange, PixelFormat, Pixels, Planes, count_frame_copy};
use crate::scene::{CameraId, Frame, Size};

/// Where an attempt's pictures go and what they are called.
pub(in crate::media) struct Delivery {
    /// Whose pictures these are.
    pub(in crate::media) camera: CameraId,
    /// The path or the address, for errors.
    pub(in crate::media) input: String,
    /// Numbers frames across all attempts of a run.
    pub(in crate::media) sequence: Arc<AtomicU64>,
    /// Takes the frames.
    pub(in crate::media) sink: Arc<dyn FrameSink>,
    /// Hears how the sender's clock stands, where there is a sender.
    pub(in crate::media) reports: Option<Arc<dyn CameraReports>>,
    /// What time it is.
    pub(in crate::media) clock: Arc<dyn Clock>,
}

/// Turns one attempt's buffers into frames.
pub(super) struct Intake {
    pub(super) delivery: Delivery,
    pub(super) stamping: Stamping,
    pub(super) tally: Arc<Tally>,
}

/// What an attempt has delivered, read by the thread that watches it.
#[derive(Debug)]
pub(super) struct Tally {
    epoch: Instant,
    last: AtomicU64,
    frames: AtomicU64,
    reached: AtomicU64,
}

/// A decoder's buffer, mapped for reading. Dropping it unmaps the buffer and gives it back to the decoder's pool.
struct Mapped(gst_video::VideoFrame<gst_video::video_frame::Readable>);

impl Planes for Mapped {
    fn plane(&self, index: usize) -> &[u8] {
        self.0.plane_data(index as u32).unwrap_or_default()
    }
}

impl Intake {
    /// Wraps one sample and offers it. The error is final for the attempt.
    pub(super) fn take(&self, sample: &gst::Sample, origin: &Origin) -> Result<Offer, MediaError> {
        let (arrived, ingested) = (self.delivery.clock.now(), self.delivery.clock.wall());
        let pixels = self.wrap(sample)?;
        if !origin.holds(pixels.plane(0).0) {
            count_frame_copy();
        }
        let position = self.stamping.position(sample);
        let captured = self.stamping.stamp(position, arrived, ingested);
        let frame = Frame {
            camera: self.delivery.camera.clone(),
            sequence: self.delivery.sequence.fetch_add(1, Ordering::Relaxed),
            captured,
            pixels: Arc::new(pixels),
        };
        if let (Some(reading), Some(reports)) = (self.stamping.news(), &self.delivery.reports) {
            reports.clock(&self.delivery.camera, reading);
        }
        self.tally.count(arrived, position.map(|p| p + length(sample)));
        Ok(self.delivery.sink.offer(frame))
    }

    fn wrap(&self, sample: &gst::Sample) -> Result<Pixels, MediaError> {
        let unreadable = |why: &str| MediaError::Other {
            input: self.delivery.input.clone(),
            why: format!("a decoded picture cannot be read: {why}"),
        };
        let (Some(caps), Some(buffer)) = (sample.caps(), sample.buffer_owned()) else {
            return Err(unreadable("it has no format or no bytes"));
        };
        let info = gst_video::VideoInfo::from_caps(caps).map_err(|e| unreadable(&e.to_string()))?;
        let format = match info.format() {
            gst_video::VideoFormat::Nv12 => PixelFormat::Nv12,
            gst_video::VideoFormat::I420 => PixelFormat::I420,
            other => return Err(unreadable(&format!("its format is {other}"))),
        };
        let mapped = gst_video::VideoFrame::from_buffer_readable(buffer, &info)
            .map_err(|_| unreadable("its memory cannot be mapped"))?;
        let mut strides = [0; 3];
        for (ours, theirs) in strides.iter_mut().zip(mapped.plane_stride()) {
            *ours = usize::try_from(*theirs).map_err(|_| unreadable("its rows run backwards"))?;
        }
        let size = Size::new(info.width(), info.height());
        let (matrix, range) = colour(info.colorimetry());
        Pixels::new(format, size, strides, matrix, range, Box::new(Mapped(mapped)))
            .map_err(|e| unreadable(&e.to_string()))
    }
}

/// How long the picture is shown, as far as the stream says.
fn length(sample: &gst::Sample) -> Duration {
    let duration = sample.buffer().and_then(gst::BufferRef::duration);
    Duration::from_nanos(duration.map_or(0, gst::ClockTime::nseconds))
}

/// Our two matrices from GStreamer's many: BT.2020 and SMPTE 240M lie nearer to BT.709, FCC to BT.601. Streams that say
/// nothing get GStreamer's guess by height: BT.709 from high definition on.
fn colour(colorimetry: gst_video::VideoColorimetry) -> (ColorMatrix, ColorRange) {
    use gst_video::VideoColorMatrix as M;
    let matrix = match colorimetry.matrix() {
        M::Bt709 | M::Bt2020 | M::Smpte240m => ColorMatrix::Bt709,
        _ => ColorMatrix::Bt601,
    };
    let range = match colorimetry.range() {
        gst_video::VideoColorRange::Range0_255 => ColorRange::Full,
        _ => ColorRange::Limited,
    };
    (matrix, range)
}

impl Tally {
    pub(super) fn new(epoch: Instant) -> Self {
        Self { epoch, last: AtomicU64::new(0), frames: AtomicU64::new(0), reached: AtomicU64::new(0) }
    }

    fn count(&self, arrived: Instant, end: Option<Duration>) {
        let since = arrived.saturating_duration_since(self.epoch).as_nanos() as u64;
        self.last.store(since, Ordering::Relaxed);
        self.reached.fetch_max(end.unwrap_or_default().as_nanos() as u64, Ordering::Relaxed);
        self.frames.fetch_add(1, Ordering::Release);
    }

    /// Frames so far.
    pub(super) fn frames(&self) -> u64 {
        self.frames.load(Ordering::Acquire)
    }

    /// When the last frame came, if any did.
    pub(super) fn last(&self) -> Option<Instant> {
        (self.frames() > 0).then(|| self.epoch + Duration::from_nanos(self.last.load(Ordering::Relaxed)))
    }

    /// The end of the last picture shown, as position in the stream.
    pub(super) fn reached(&self) -> Duration {
        Duration::from_nanos(self.reached.load(Ordering::Relaxed))
    }
}
