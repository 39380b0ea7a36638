//! Live video that cannot be decoded as fast as it comes: encoded pictures are skipped up to the next key frame, so that
//! what is shown stays whole and the queue before the decoder stays short. Skipped pictures leave a gap in the sequence.
//!
//! What counts is how long packets wait on this machine, in the jitter buffer before the decoder. Stream times do not tell:
//! a sender that has fallen behind looks the same there, and skipping would not bring it back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use gstreamer as gst;
use gstreamer::prelude::*;

/// A packet that waited this long says that the machine does not keep up: an event about it would come too late.
const BEHIND: Duration = Duration::from_secs(1);

/// Names our mark on packets; rtspsrc's own mark is `timestamp/x-ntp`.
const MARK: &str = "timestamp/x-flyball-arrival";

/// How long the packets of one camera wait.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    waited: AtomicU64,
    skipping: AtomicBool,
}

impl Backlog {
    /// Whether to decode a picture. Key frames always are: under lasting overload they are what is left.
    fn lets_through(&self, is_key: bool) -> bool {
        let behind = Duration::from_nanos(self.waited.load(Ordering::Relaxed)) > BEHIND;
        let skip = !is_key && (behind || self.skipping.load(Ordering::Relaxed));
        if skip && !self.skipping.load(Ordering::Relaxed) {
            tracing::warn!("decoding does not keep up; skipping to the next key frame");
        }
        self.skipping.store(skip, Ordering::Relaxed);
        !skip
    }

    /// Reads how long a packet has waited since it was marked.
    pub(super) fn leave(&self, packet: &gst::BufferRef) {
        let marked = packet.iter_meta::<gst::ReferenceTimestampMeta>().find(|mark| is_ours(mark.reference()));
        if let Some(mark) = marked {
            self.waited.store(now().saturating_sub(mark.timestamp()).nseconds(), Ordering::Relaxed);
        }
    }
}

/// Marks each packet with its arrival where it enters a jitter buffer of `rtspsrc`.
pub(super) fn mark_arrivals(rtspsrc: &gst::Element) {
    rtspsrc.connect("new-manager", false, |values| {
        mark_managed(&values.get(1)?.get::<gst::Element>().ok()?);
        None
    });
}

/// The same where the manager of jitter buffers, an `rtpbin`, is there already.
pub(super) fn mark_managed(manager: &gst::Element) {
    manager.connect("new-jitterbuffer", false, |values| {
        let entry = values.get(1)?.get::<gst::Element>().ok()?.static_pad("sink")?;
        let mark = gst::Caps::new_empty_simple(MARK);
        entry.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
            if let Some(packet) = info.buffer_mut() {
                gst::ReferenceTimestampMeta::add(packet.make_mut(), &mark, now(), None);
            }
            gst::PadProbeReturn::Ok
        });
        None
    });
}

/// Watches the encoded pictures that leave `pad`; `sequence` is counted up for each one skipped.
pub(super) fn skip_when_behind(pad: &gst::Pad, backlog: Arc<Backlog>, sequence: Arc<AtomicU64>) {
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let is_key = info.buffer().is_none_or(|picture| !picture.flags().contains(gst::BufferFlags::DELTA_UNIT));
        if backlog.lets_through(is_key) {
            return gst::PadProbeReturn::Ok;
        }
        sequence.fetch_add(1, Ordering::Relaxed);
        gst::PadProbeReturn::Handled
    });
}

fn is_ours(caps: &gst::CapsRef) -> bool {
    caps.structure(0).is_some_and(|s| s.name() == MARK)
}

/// GStreamer's monotonic clock: both ends of the measurement read the same one.
fn now() -> gst::ClockTime {
    gst::SystemClock::obtain().time()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skipping_starts_when_behind_and_ends_at_a_key_frame_only() {
        let backlog = Backlog::default();
        let script = [
            (1_001, true, true),
            (30, false, true),
            (1_001, false, false),
            (30, false, false),
            (1_001, true, true),
            (30, false, true),
        ];
        for (step, (waited_ms, is_key, passes)) in script.into_iter().enumerate() {
            backlog.waited.store(waited_ms * 1_000_000, Ordering::Relaxed);
            assert_eq!(backlog.lets_through(is_key), passes, "step {step}");
        }
    }
}
