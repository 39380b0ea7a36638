//! Live video that cannot be decoded as fast as it comes: encoded pictures are skipped up to the next key frame, so that
//! what is shown stays whole and the queue before the decoder stays short. Skipped pictures leave a gap in the sequence.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gstreamer as gst;
use gstreamer::prelude::*;

/// A picture decoded this long after it came says that the machine does not keep up; an event about it would be worthless.
const BEHIND: Duration = Duration::from_secs(1);

/// Whether pictures are being skipped.
#[derive(Debug, Default)]
struct Backlog {
    skipping: bool,
}

impl Backlog {
    /// Whether to decode a picture that waited for `lag`. Key frames always are: under lasting overload they are what is
    /// left.
    fn lets_through(&mut self, lag: Duration, is_key: bool) -> bool {
        self.skipping = !is_key && (self.skipping || lag > BEHIND);
        !self.skipping
    }
}

/// Watches the encoded pictures that leave `pad`; `sequence` is counted up for each one skipped.
pub(super) fn skip_when_behind(pad: &gst::Pad, pipeline: &gst::Pipeline, sequence: Arc<AtomicU64>) {
    let (pipeline, backlog) = (pipeline.downgrade(), Mutex::new(Backlog::default()));
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let Some((lag, is_key)) = info.buffer().and_then(|buffer| lag_of(buffer, &pipeline)) else {
            return gst::PadProbeReturn::Ok;
        };
        if backlog
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .lets_through(lag, is_key)
        {
            return gst::PadProbeReturn::Ok;
        }
        sequence.fetch_add(1, Ordering::Relaxed);
        gst::PadProbeReturn::Handled
    });
}

/// How long ago a picture came, and whether it can be decoded without those before it.
fn lag_of(buffer: &gst::BufferRef, pipeline: &gst::glib::WeakRef<gst::Pipeline>) -> Option<(Duration, bool)> {
    let now = pipeline.upgrade()?.current_running_time()?;
    let lag = now.saturating_sub(buffer.dts_or_pts()?);
    let is_key = !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT);
    Some((Duration::from_nanos(lag.nseconds()), is_key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skipping_starts_when_behind_and_ends_at_a_key_frame_only() {
        let mut backlog = Backlog::default();
        let (soon, late) = (Duration::from_millis(30), Duration::from_millis(1_001));
        let script = [
            (late, true, true),
            (soon, false, true),
            (late, false, false),
            (soon, false, false),
            (late, true, true),
            (soon, false, true),
        ];
        for (step, (lag, is_key, passes)) in script.into_iter().enumerate() {
            assert_eq!(backlog.lets_through(lag, is_key), passes, "step {step}");
        }
    }
}
