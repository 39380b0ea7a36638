//! Offer and answer with `webrtcbin`, all addresses in one message (no trickle), each step with a deadline: a promise that
//! nobody keeps must not hang a camera.

use std::time::Duration;

use crossbeam_channel::bounded;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_sdp::SDPMessage;
use gstreamer_webrtc::{
    WebRTCICEGatheringState, WebRTCRTPTransceiver, WebRTCRTPTransceiverDirection, WebRTCSDPType,
    WebRTCSessionDescription,
};

use super::rtc::{Rtc, caps};
use crate::media::MediaError;

/// Work in memory; milliseconds on a healthy machine.
const STEP: Duration = Duration::from_secs(3);
/// Longest wait for a STUN server; without one gathering takes no time.
const GATHERING: Duration = Duration::from_secs(5);
/// The codecs we ask for, best first, with the payload numbers we give them.
#[cfg(feature = "server")]
const ASKED: [(&str, i32); 2] = [("H264", 102), ("VP8", 96)];
/// The number we give to congestion control.
#[cfg(feature = "server")]
const TRANSPORT_CC_NUMBER: u8 = 1;

impl Rtc {
    /// Answers an offer.
    pub(in crate::media) fn answer(&self, offer: &str) -> Result<String, MediaError> {
        self.describe("set-remote-description", WebRTCSDPType::Offer, offer)?;
        self.make("create-answer", "answer")
    }

    /// Makes an offer to receive one picture.
    #[cfg(feature = "server")]
    pub(in crate::media) fn offer(&self) -> Result<String, MediaError> {
        let mut wanted = gst::Caps::new_empty();
        for (codec, payload) in ASKED {
            wanted.merge(caps(codec, Some(payload), Some(TRANSPORT_CC_NUMBER)));
        }
        let direction = WebRTCRTPTransceiverDirection::Recvonly;
        let _ours: WebRTCRTPTransceiver = self.bin.emit_by_name("add-transceiver", &[&direction, &wanted]);
        self.make("create-offer", "offer")
    }

    /// Takes the answer to our offer.
    #[cfg(feature = "server")]
    pub(in crate::media) fn accept(&self, answer: &str) -> Result<(), MediaError> {
        self.describe("set-remote-description", WebRTCSDPType::Answer, answer)
    }

    /// Has a description made, takes it as ours, and waits until it lists our addresses.
    fn make(&self, signal: &str, field: &str) -> Result<String, MediaError> {
        let none = None::<gst::Structure>;
        let reply = self.promised(|promise| self.bin.emit_by_name::<()>(signal, &[&none, promise]))?;
        let made = reply.and_then(|reply| reply.get::<WebRTCSessionDescription>(field).ok());
        let made = made.ok_or_else(|| self.disagreed("no description could be made"))?;
        let gathered = self.gathered();
        self.promised(|promise| self.bin.emit_by_name::<()>("set-local-description", &[&made, promise]))?;
        gathered
            .recv_timeout(GATHERING)
            .map_err(|_| self.disagreed("this machine's addresses were not found in time"))?;
        let ours = self.bin.property::<Option<WebRTCSessionDescription>>("local-description");
        let text = ours.and_then(|ours| ours.sdp().as_text().ok());
        text.ok_or_else(|| self.disagreed("our description cannot be written"))
    }

    fn describe(&self, signal: &str, kind: WebRTCSDPType, sdp: &str) -> Result<(), MediaError> {
        let sdp =
            SDPMessage::parse_buffer(sdp.as_bytes()).map_err(|_| self.disagreed("the description cannot be read"))?;
        let description = WebRTCSessionDescription::new(kind, sdp);
        self.promised(|promise| self.bin.emit_by_name::<()>(signal, &[&description, promise])).map(drop)
    }

    /// Asks for something and waits for the reply; an error in it is ours too.
    fn promised(&self, ask: impl FnOnce(&gst::Promise)) -> Result<Option<gst::Structure>, MediaError> {
        let (kept, heard) = bounded(1);
        let promise = gst::Promise::with_change_func(move |reply| {
            let reply = reply.map(|reply| reply.map(ToOwned::to_owned));
            let _gone = kept.try_send(reply.unwrap_or_default());
        });
        ask(&promise);
        let reply = heard.recv_timeout(STEP).map_err(|_| self.disagreed("GStreamer did not answer in time"))?;
        let error = reply.as_ref().and_then(|reply| reply.get::<gst::glib::Error>("error").ok());
        error.map_or(Ok(reply), |error| Err(self.disagreed(error.message())))
    }

    /// Heard once all addresses are known.
    fn gathered(&self) -> crossbeam_channel::Receiver<()> {
        let (done, heard) = bounded(1);
        self.bin.connect_notify(Some("ice-gathering-state"), move |bin, _| {
            if bin.property::<WebRTCICEGatheringState>("ice-gathering-state") == WebRTCICEGatheringState::Complete {
                let _told = done.try_send(());
            }
        });
        heard
    }

    fn disagreed(&self, why: &str) -> MediaError {
        MediaError::Disagreed { input: self.input.clone(), why: why.to_owned() }
    }
}
