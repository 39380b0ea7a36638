//! How cameras are called: over RTSP, or by the address of a stream. [`super::live`] does the calling, waiting and calling again.

use std::time::Duration;

use super::chain::{self, Delivery, RtmpBy, Session, Way};
use super::live::Caller;
use super::{CameraInput, DecoderChoice, MediaError, RtspSource, StreamKind, StreamSource, TlsTrust, Transport};

/// Calls an RTSP camera: over TCP unless told otherwise, over UDP where it refuses that.
pub(super) struct RtspCaller<'a> {
    source: &'a RtspSource,
    way: Way,
}

impl<'a> RtspCaller<'a> {
    pub(super) fn new(input: &CameraInput, source: &'a RtspSource) -> Self {
        if source.url.is_tls() && source.tls == TlsTrust::Anything {
            tracing::warn!(camera = %input.camera, "any certificate is accepted (insecure_tls): encrypted, not authenticated");
        }
        Self { source, way: if source.transport == Transport::Udp { Way::Udp } else { Way::Tcp } }
    }
}

impl Caller for RtspCaller<'_> {
    fn name(&self) -> String {
        self.source.url.to_string()
    }

    fn way(&self) -> &'static str {
        self.way.name()
    }

    fn call(&self, input: &CameraInput, decoder: DecoderChoice, delivery: Delivery) -> Result<Session, MediaError> {
        chain::open_network(self.source, self.way, input.limits.connect, decoder, input.max_pixels, delivery)
    }

    fn adapts_to(&mut self, error: &MediaError) -> bool {
        let refused = matches!(error, MediaError::TransportRefused { .. });
        if !refused || self.source.transport != Transport::Auto {
            return false;
        }
        // From TCP to UDP at once; back only after a pause, or two refusals would chase each other.
        let at_once = self.way == Way::Tcp;
        self.way = if at_once { Way::Udp } else { Way::Tcp };
        at_once
    }
}

/// Calls a stream by its address.
pub(super) struct StreamCaller<'a> {
    source: &'a StreamSource,
    rtmp: RtmpBy,
}

impl<'a> StreamCaller<'a> {
    pub(super) fn new(source: &'a StreamSource) -> Self {
        Self { source, rtmp: RtmpBy::default() }
    }
}

impl Caller for StreamCaller<'_> {
    fn name(&self) -> String {
        self.source.to_string()
    }

    fn way(&self) -> &'static str {
        self.source.kind().name()
    }

    fn call(&self, input: &CameraInput, decoder: DecoderChoice, delivery: Delivery) -> Result<Session, MediaError> {
        let patience: Duration = input.limits.connect;
        chain::open_stream(self.source, self.rtmp, patience, (decoder, input.max_pixels), delivery)
    }

    /// A server that answered and then showed nothing may number its stream 0, which only the other element takes; and the
    /// other way round after that.
    fn adapts_to(&mut self, error: &MediaError) -> bool {
        let is_silent = matches!(error, MediaError::TooSlow { .. }) && self.source.kind() == StreamKind::Rtmp;
        if !is_silent {
            return false;
        }
        let at_once = self.rtmp == RtmpBy::Rtmp2src;
        self.rtmp = if at_once { RtmpBy::Librtmp } else { RtmpBy::Rtmp2src };
        at_once
    }
}
