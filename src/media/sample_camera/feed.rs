//! The sample camera's pictures: the clip's encoded units, sent on with times that keep growing from round to round. The
//! server paces them by its clock, as it does with any file.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_rtsp_server as gst_rtsp_server;
use gstreamer_rtsp_server::prelude::*;

use crate::media::MediaError;
use crate::media::chain::Encoded;

/// The source's name in the server's pipeline.
const FEED: &str = "feed";

/// The server's pipeline for a clip. `config-interval=-1` sends parameter sets with every key frame, so that viewers may
/// join at any time.
pub(super) fn launch_line(clip: &Encoded, file: &Path) -> Result<String, MediaError> {
    let payloader = match clip.codec {
        "H.264" => "rtph264pay config-interval=-1",
        "H.265" => "rtph265pay config-interval=-1",
        "VP8" => "rtpvp8pay",
        "VP9" => "rtpvp9pay",
        "JPEG" => "rtpjpegpay",
        other => {
            return Err(MediaError::UnsupportedCodec { input: file.display().to_string(), codec: other.to_owned() });
        }
    };
    Ok(format!("( appsrc name={FEED} format=time stream-type=stream ! {payloader} name=pay0 pt=96 )"))
}

/// Connects a new viewing's source to the clip.
pub(super) fn supply(media: &gst_rtsp_server::RTSPMedia, clip: &Arc<Encoded>, repeat: bool) {
    let bin = media.element().downcast::<gst::Bin>().ok();
    let Some(source) = bin.and_then(|bin| bin.by_name(FEED)).and_then(|s| s.downcast::<gst_app::AppSrc>().ok()) else {
        tracing::error!("the sample camera's pipeline has no source");
        return;
    };
    source.set_caps(Some(&clip.caps));
    let reel = Mutex::new(Reel::new(Arc::clone(clip), repeat));
    let feed = move |source: &gst_app::AppSrc, _wanted: u32| {
        let next = reel.lock().unwrap_or_else(PoisonError::into_inner).next();
        // Refused only while the viewing is being taken down.
        let _ = match next {
            Some(unit) => source.push_buffer(unit),
            None => source.end_of_stream(),
        };
    };
    source.set_callbacks(gst_app::AppSrcCallbacks::builder().need_data(feed).build());
}

/// The clip as an endless (or single) row of units.
struct Reel {
    clip: Arc<Encoded>,
    repeat: bool,
    next: usize,
    shift: gst::ClockTime,
    origin: gst::ClockTime,
    round: gst::ClockTime,
}

impl Reel {
    fn new(clip: Arc<Encoded>, repeat: bool) -> Self {
        let begins = |unit: &gst::Buffer| unit.dts_or_pts();
        let ends = |unit: &gst::Buffer| unit.pts().map(|pts| pts + unit.duration().unwrap_or_default());
        let origin = clip.units.iter().filter_map(begins).min().unwrap_or_default();
        let first = clip.units.iter().filter_map(|u| u.pts()).min().unwrap_or_default();
        let last = clip.units.iter().filter_map(ends).max().unwrap_or_default();
        Self { clip, repeat, next: 0, shift: gst::ClockTime::ZERO, origin, round: last.saturating_sub(first) }
    }
}

impl Iterator for Reel {
    type Item = gst::Buffer;

    fn next(&mut self) -> Option<gst::Buffer> {
        if self.next == self.clip.units.len() {
            if !self.repeat {
                return None;
            }
            self.next = 0;
            self.shift += self.round;
        }
        // A shallow copy: the bytes are shared, only the times are this round's.
        let mut unit = self.clip.units[self.next].copy();
        let moved = |time: gst::ClockTime| time.saturating_sub(self.origin) + self.shift;
        let times = unit.make_mut();
        times.set_pts(times.pts().map(moved));
        times.set_dts(times.dts().map(moved));
        self.next += 1;
        Some(unit)
    }
}
