//! WebRTC: `webrtcbin`, what it must be told before it talks, and the common tail. One pipeline a session.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::Sender;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_webrtc::{WebRTCKind, WebRTCPeerConnectionState, WebRTCRTPTransceiver};

use super::catch_up::{self, Backlog};
use super::elements::{append, require};
use super::intake::{Delivery, Intake, Tally};
use super::network::{depayload, media_field, read_marks};
use super::session::{Draft, Note, Session, tell};
use super::tail::{self, Assembly, Release, Tail};
use super::{SenderClock, Stamping};
use crate::media::{DecoderChoice, Ice, MediaError};

/// How long the jitter buffer waits for a missing packet; packets in order are not delayed by it.
const REORDER_MS: u32 = 50;
/// RTP header extension for congestion control: without it browsers send a tenth of what the line carries.
const TRANSPORT_CC: &str = crate::media::webrtc::TRANSPORT_CC;

/// What shall come: a codec as RTP names it, and the number its congestion control goes by.
#[derive(Clone, Copy, Debug)]
pub(in crate::media) struct Wanted {
    pub(in crate::media) codec: &'static str,
    pub(in crate::media) transport_cc: Option<u8>,
}

/// A session that can be talked about with its other end; see `negotiate`.
pub(in crate::media) struct Rtc {
    pub(super) bin: gst::Element,
    /// For errors.
    pub(super) input: String,
    /// The pipeline.
    pub(in crate::media) session: Session,
}

impl Rtc {
    /// Opens a pipeline that waits for what its other end says. `wanted` narrows what is agreed to.
    pub(in crate::media) fn open(
        ice: &Ice,
        wanted: Option<Wanted>,
        (decoder, max_pixels): (DecoderChoice, u64),
        delivery: Delivery,
    ) -> Result<Self, MediaError> {
        let input = delivery.input.clone();
        let draft = Draft::new(&input);
        let assembly = Assembly { input: input.clone(), decoder, max_pixels, notes: draft.notes.clone() };
        let (tally, sender) = (Arc::new(Tally::new(delivery.clock.now())), Arc::new(SenderClock::default()));
        let intake = Intake { delivery, stamping: Stamping::Sender(Arc::clone(&sender)), tally: Arc::clone(&tally) };
        let tail = tail::build(&draft.pipeline, assembly.clone(), intake, Release::Newest)?;
        let bin = webrtcbin(ice)?;
        draft.pipeline.add(&bin).map_err(|e| assembly.failed(&e.to_string()))?;
        if let Some(wanted) = wanted {
            agree_only_to(&bin, wanted);
        }
        watch_connection(&bin, input.clone(), draft.notes.clone());
        watch_streams(&bin, &draft.pipeline, tail, sender);
        Ok(Self { bin, input, session: draft.start(tally) })
    }
}

pub(super) fn webrtcbin(ice: &Ice) -> Result<gst::Element, MediaError> {
    // Asked for by webrtcbin itself, which only warns where they are missing.
    for part in ["nicesrc", "dtlsenc", "srtpdec"] {
        require(part)?;
    }
    let bin = require("webrtcbin")?;
    bin.set_property_from_str("bundle-policy", "max-bundle");
    bin.set_property("latency", REORDER_MS);
    for server in &ice.servers {
        if server.starts_with("stun") {
            bin.set_property("stun-server", server);
        } else {
            bin.emit_by_name::<bool>("add-turn-server", &[server]);
        }
    }
    let agent = bin.property::<gst::glib::Object>("ice-agent");
    for address in &ice.addresses {
        agent.emit_by_name::<bool>("add-local-ip-address", &[&address.to_string()]);
    }
    if let Some(manager) = bin.downcast_ref::<gst::Bin>().and_then(|bin| bin.by_name("rtpbin")) {
        manager.set_property("add-reference-timestamp-meta", true);
        catch_up::mark_managed(&manager);
    }
    Ok(bin)
}

/// One codec and congestion control, in one caps; decided when the other end's offer is read.
fn agree_only_to(bin: &gst::Element, wanted: Wanted) {
    bin.connect("on-new-transceiver", false, move |values| {
        let transceiver = values.get(1)?.get::<WebRTCRTPTransceiver>().ok()?;
        if transceiver.property::<WebRTCKind>("kind") == WebRTCKind::Audio {
            return None;
        }
        transceiver.set_property("codec-preferences", caps(wanted.codec, None, wanted.transport_cc));
        None
    });
}

/// Caps of video in RTP; `payload` where we are the ones who number it.
pub(super) fn caps(codec: &str, payload: Option<i32>, transport_cc: Option<u8>) -> gst::Caps {
    let mut caps = gst::Caps::builder("application/x-rtp").field("media", "video").field("encoding-name", codec);
    if let Some(payload) = payload {
        caps = caps.field("payload", payload).field("clock-rate", 90_000);
        caps = caps.field("rtcp-fb-nack-pli", true).field("rtcp-fb-transport-cc", true);
    }
    if let Some(number) = transport_cc {
        caps = caps.field(format!("extmap-{number}"), TRANSPORT_CC);
    }
    caps.build()
}

/// Connected is news, and so is the end; "disconnected" may heal, and if it does not, frames are missed in time.
pub(super) fn watch_connection(bin: &gst::Element, input: String, notes: Sender<Note>) {
    bin.connect_notify(Some("connection-state"), move |bin, _| {
        match bin.property::<WebRTCPeerConnectionState>("connection-state") {
            WebRTCPeerConnectionState::Connected => tell(&notes, Note::Connected),
            WebRTCPeerConnectionState::Failed | WebRTCPeerConnectionState::Closed => {
                tell(&notes, Note::Fault(MediaError::Hangup { input: input.clone() }));
            }
            _ => {}
        }
    });
}

fn watch_streams(bin: &gst::Element, pipeline: &gst::Pipeline, tail: Tail, sender: Arc<SenderClock>) {
    let (pipeline, seen) = (pipeline.downgrade(), AtomicBool::new(false));
    bin.connect_pad_added(move |_, pad| {
        let Some(pipeline) = pipeline.upgrade() else { return };
        if pad.direction() != gst::PadDirection::Src {
            return;
        }
        let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
        let is_video = media_field(&caps, "media").as_deref() == Some("video");
        let linked = if is_video && !seen.swap(true, Ordering::Relaxed) {
            let backlog = Arc::new(Backlog::default());
            read_marks(pad, Arc::clone(&sender), Arc::clone(&backlog));
            depayload(&pipeline, &tail, pad, backlog)
        } else {
            // Sound and further pictures: an unlinked pad would end the whole session.
            throw_away(&pipeline, pad).map_err(|error| tail.assembly().failed(&error.to_string()))
        };
        if let Err(error) = linked {
            tell(&tail.assembly().notes, Note::Fault(error));
        }
    });
}

fn throw_away(pipeline: &gst::Pipeline, pad: &gst::Pad) -> Result<(), gst::glib::BoolError> {
    let sink = require("fakesink").map_err(|_| gst::glib::bool_error!("no fakesink"))?;
    sink.set_property("async", false);
    sink.set_property("sync", false);
    append(pipeline, std::slice::from_ref(&sink))?;
    let entry = sink.static_pad("sink").ok_or(gst::glib::bool_error!("no entry"))?;
    pad.link(&entry).map(|_| ()).map_err(|e| gst::glib::bool_error!("{e}"))
}
