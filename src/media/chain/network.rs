//! Network cameras: rtspsrc, the depayloader its stream asks for, and the common tail. One pipeline an attempt; a source
//! that has failed is never used again.

use std::sync::Arc;
use std::time::Duration;

use gstreamer as gst;
use gstreamer::prelude::*;

use super::catch_up::{self, Backlog};
use super::codec;
use super::elements::{append, require};
use super::intake::{Delivery, Intake, Tally};
use super::session::{Draft, Note, Session, tell};
use super::tail::{self, Assembly, Release, Tail};
use super::{SenderClock, Stamping, quiet, trust};
use crate::media::{DecoderChoice, MediaError, RtspSource};

/// How long the jitter buffer waits for a missing packet. Packets in order are not delayed by it: nothing downstream waits
/// for the clock.
const REORDER_MS: u32 = 200;
/// How long a silent sender may hold up the polite goodbye.
const TEARDOWN: Duration = Duration::from_millis(300);

/// The transport of one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::media) enum Way {
    /// Interleaved in the RTSP connection.
    Tcp,
    /// Datagrams.
    Udp,
}

impl Way {
    /// For people; also rtspsrc's own word.
    pub(in crate::media) fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

/// Begins one attempt.
pub(in crate::media) fn open_network(
    source: &RtspSource,
    way: Way,
    patience: Duration,
    decoder: DecoderChoice,
    max_pixels: u64,
    delivery: Delivery,
) -> Result<Session, MediaError> {
    let draft = Draft::new(&delivery.input);
    let assembly = Assembly { input: delivery.input.clone(), decoder, max_pixels, notes: draft.notes.clone() };
    let rtsp = rtspsrc(source, way, patience)?;
    let (tally, sender) = (Arc::new(Tally::new(delivery.clock.now())), Arc::new(SenderClock::default()));
    let intake = Intake { delivery, stamping: Stamping::Sender(Arc::clone(&sender)), tally: Arc::clone(&tally) };
    let tail = tail::build(&draft.pipeline, assembly.clone(), intake, Release::Newest)?;
    draft.pipeline.add(&rtsp).map_err(|e| assembly.failed(&e.to_string()))?;
    take_video_only(&rtsp);
    catch_up::mark_arrivals(&rtsp);
    watch_streams(&rtsp, &draft.pipeline, tail, sender);
    Ok(draft.start(tally))
}

/// The source. User and password are properties: in an address they would show up in logs and bus messages.
fn rtspsrc(source: &RtspSource, way: Way, patience: Duration) -> Result<gst::Element, MediaError> {
    let rtsp = require("rtspsrc")?;
    let micros = patience.as_micros() as u64;
    rtsp.set_property("location", source.url.location());
    rtsp.set_property_from_str("protocols", way.name());
    rtsp.set_property("latency", REORDER_MS);
    // Its queue length is wrong where pictures are sent out of order (B-frames), so it would drop sound packets as soon as
    // two pictures wait; `catch_up` bounds the queue instead.
    rtsp.set_property("drop-on-latency", false);
    rtsp.set_property("tcp-timeout", micros);
    rtsp.set_property("timeout", micros);
    rtsp.set_property("teardown-timeout", TEARDOWN.as_nanos() as u64);
    rtsp.set_property("add-reference-timestamp-meta", true);
    if let Some(credentials) = &source.credentials {
        rtsp.set_property("user-id", credentials.user());
        rtsp.set_property("user-pw", credentials.password());
    }
    trust::apply(&rtsp, &source.tls)?;
    quiet::hide(source.credentials.as_ref());
    Ok(rtsp)
}

/// Sound and metadata are not even set up.
fn take_video_only(rtsp: &gst::Element) {
    rtsp.connect("select-stream", false, |values| {
        let caps = values.get(2).and_then(|v| v.get::<gst::Caps>().ok());
        let is_video = caps.is_some_and(|caps| media_field(&caps, "media").as_deref() == Some("video"));
        Some(is_video.to_value())
    });
}

fn watch_streams(rtsp: &gst::Element, pipeline: &gst::Pipeline, tail: Tail, sender: Arc<SenderClock>) {
    let pipeline = pipeline.downgrade();
    rtsp.connect_pad_added(move |_, pad| {
        let Some(pipeline) = pipeline.upgrade() else { return };
        let notes = &tail.assembly().notes;
        tell(notes, Note::Connected);
        let backlog = Arc::new(Backlog::default());
        read_marks(pad, Arc::clone(&sender), Arc::clone(&backlog));
        if let Err(error) = depayload(&pipeline, &tail, pad, backlog) {
            tell(notes, Note::Fault(error));
        }
    });
}

/// Packets are marked with the sender's reports and with their arrival. They come one by one or in lists.
pub(super) fn read_marks(pad: &gst::Pad, sender: Arc<SenderClock>, backlog: Arc<Backlog>) {
    let read = move |packet: &gst::BufferRef| {
        sender.listen(packet);
        backlog.leave(packet);
    };
    pad.add_probe(gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST, move |_, info| {
        match &info.data {
            Some(gst::PadProbeData::Buffer(packet)) => read(packet),
            Some(gst::PadProbeData::BufferList(list)) => list.iter().for_each(&read),
            _ => {}
        }
        gst::PadProbeReturn::Ok
    });
}

pub(super) fn depayload(
    pipeline: &gst::Pipeline,
    tail: &Tail,
    pad: &gst::Pad,
    backlog: Arc<Backlog>,
) -> Result<(), MediaError> {
    let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
    let encoding = media_field(&caps, "encoding-name").unwrap_or_default();
    let unsupported = || MediaError::UnsupportedCodec { input: tail.assembly().input.clone(), codec: encoding.clone() };
    let codec = codec::from_rtp(&encoding).ok_or_else(unsupported)?;
    let (_, depay, forced) = codec.rtp.ok_or_else(unsupported)?;
    let depay = require(depay)?;
    // After a loss nothing is decoded until the next key frame: a gap is better than a broken picture.
    if depay.has_property("wait-for-keyframe") {
        depay.set_property("wait-for-keyframe", true);
    }
    // Heard by senders that take feedback: WebRTC does, few cameras do.
    if depay.has_property("request-keyframe") {
        depay.set_property("request-keyframe", true);
    }
    let filter = require("capsfilter")?;
    filter.set_property_from_str("caps", forced);
    let failed = |error: &dyn std::fmt::Display| tail.assembly().failed(&error.to_string());
    append(pipeline, &[depay.clone(), filter.clone()]).map_err(|e| failed(&e))?;
    let (Some(entry), Some(exit)) = (depay.static_pad("sink"), filter.static_pad("src")) else {
        return Err(failed(&"the depayloader has no pads"));
    };
    catch_up::skip_when_behind(&exit, backlog, tail.skipped());
    // The tail first: packets flow as soon as the source is linked.
    tail.decode(pipeline, &exit, codec)?;
    pad.link(&entry).map(drop).map_err(|e| failed(&e))
}

pub(super) fn media_field(caps: &gst::CapsRef, name: &str) -> Option<String> {
    caps.structure(0)?.get::<String>(name).ok()
}
