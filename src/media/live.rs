//! Network cameras: one attempt after the other, until told to stop. Each attempt has its own pipeline and its own
//! deadlines; between attempts the camera rests, longer each time. Nothing here touches another camera.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use crossbeam_channel::RecvTimeoutError;

use super::backoff::Backoff;
use super::chain::{self, Delivery, Note, Session, Way};
use super::health::{Health, Phase};
use super::ingest::Surroundings;
use super::{CameraEnd, CameraInput, CameraState, DecoderChoice, MediaError, Remedy, RtspSource, TlsTrust, Transport};

/// A camera that delivered this many frames had recovered; its next loss starts with a short pause again.
const SETTLED_AFTER: u64 = 30;

/// Runs a network camera until told to stop.
pub(super) fn run(input: &CameraInput, source: &RtspSource, around: &Surroundings<'_>) -> CameraEnd {
    let mut line = Line {
        input,
        source,
        around,
        way: if source.transport == Transport::Udp { Way::Udp } else { Way::Tcp },
        decoder: input.decoder,
        sequence: Arc::default(),
    };
    let mut backoff = Backoff::new(input.limits, &input.camera);
    if source.url.is_tls() && source.tls == TlsTrust::Anything {
        tracing::warn!(camera = %input.camera, "any certificate is accepted (insecure_tls): encrypted, not authenticated");
    }
    loop {
        let begun = around.clock.now();
        let (frames, lost) = match line.attempt() {
            Attempt::Over(end) => return end,
            Attempt::Lost { frames, error } => (frames, error),
        };
        if frames >= SETTLED_AFTER {
            backoff.settled();
        }
        let tried = if frames > 0 { Duration::ZERO } else { around.clock.now().saturating_duration_since(begun) };
        let pause = if line.adapts_to(&lost) { Duration::ZERO } else { backoff.pause(lost.remedy(), tried) };
        if lost.remedy() == Remedy::GiveUp {
            return CameraEnd::Failed(lost);
        }
        around.reports.state(&input.camera, state_after(&lost, pause), &lost.to_string());
        if matches!(around.stop.recv_timeout(pause), Err(RecvTimeoutError::Disconnected)) {
            return CameraEnd::Stopped;
        }
        around.reports.state(&input.camera, CameraState::Connecting, line.way.name());
    }
}

/// How one attempt ended.
enum Attempt {
    /// No further attempt is wanted.
    Over(CameraEnd),
    /// The camera was lost after so many frames.
    Lost { frames: u64, error: MediaError },
}

/// The line to one camera, and what earlier attempts taught about it.
struct Line<'a> {
    input: &'a CameraInput,
    source: &'a RtspSource,
    around: &'a Surroundings<'a>,
    way: Way,
    decoder: DecoderChoice,
    sequence: Arc<AtomicU64>,
}

impl Line<'_> {
    fn attempt(&self) -> Attempt {
        let session = match self.open() {
            Ok(session) => session,
            Err(error) => return Attempt::Lost { frames: 0, error },
        };
        let ended = self.watch(&session);
        let frames = session.progress().frames;
        drop(session);
        ended.map_or_else(|error| Attempt::Lost { frames, error }, Attempt::Over)
    }

    fn open(&self) -> Result<Session, MediaError> {
        chain::ready()?;
        let delivery = Delivery {
            camera: self.input.camera.clone(),
            input: self.source.url.to_string(),
            sequence: Arc::clone(&self.sequence),
            sink: Arc::clone(&self.around.sink),
            reports: Some(Arc::clone(&self.around.reports)),
            clock: Arc::clone(&self.around.clock),
        };
        let patience = self.input.limits.connect;
        chain::open_network(self.source, self.way, patience, self.decoder, self.input.max_pixels, delivery)
    }

    /// Waits for news, for the order to stop and for the running deadline, whichever comes first.
    fn watch(&self, session: &Session) -> Result<CameraEnd, MediaError> {
        let clock = &self.around.clock;
        let mut health = Health::new(self.input.limits, clock.now());
        let mut detail = String::new();
        loop {
            let patience = health.deadline().saturating_duration_since(clock.now());
            crossbeam_channel::select! {
                recv(self.around.stop) -> _ => return Ok(CameraEnd::Stopped),
                recv(session.notes()) -> note => match note.unwrap_or(Note::End) {
                    Note::Connected => health.connected(clock.now()),
                    Note::Decoding { codec, decoder } => detail = format!("{codec} by {decoder} over {}", self.way.name()),
                    Note::FirstFrame => self.around.reports.state(&self.input.camera, CameraState::Live, &detail),
                    Note::SinkClosed => return Ok(CameraEnd::SinkClosed),
                    Note::Fault(error) => return Err(error),
                    Note::End => return Err(self.hung_up()),
                },
                default(patience) => {}
            }
            self.check(&mut health, session)?;
        }
    }

    fn check(&self, health: &mut Health, session: &Session) -> Result<(), MediaError> {
        if let Some(last) = session.progress().last {
            health.frame(last);
        }
        let Some((waiting_for, limit)) = health.overdue(self.around.clock.now()) else {
            return Ok(());
        };
        let error = MediaError::TooSlow { input: self.source.url.to_string(), waiting_for, limit };
        if health.phase() == Phase::Live {
            self.around.reports.state(&self.input.camera, CameraState::Stalled, &error.to_string());
        }
        Err(error)
    }

    /// A live stream has no end: EOS means that the sender left.
    fn hung_up(&self) -> MediaError {
        MediaError::Hangup { input: self.source.url.to_string() }
    }

    /// Learns from a failure that another way may avoid: whether to try again at once.
    fn adapts_to(&mut self, error: &MediaError) -> bool {
        if self.decoder == DecoderChoice::Auto && error.is_hardware() {
            self.decoder = DecoderChoice::Software;
            return true;
        }
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

fn state_after(error: &MediaError, retry_in: Duration) -> CameraState {
    match error {
        MediaError::Unauthorized { .. } => CameraState::AuthenticationFailed { retry_in },
        MediaError::Unreachable { .. } => CameraState::Unreachable { retry_in },
        MediaError::NoSuchStream { .. }
        | MediaError::TransportRefused { .. }
        | MediaError::UnsupportedCodec { .. }
        | MediaError::NoVideoTrack { .. }
        | MediaError::TooLarge { .. } => CameraState::Unusable { retry_in },
        _ => CameraState::Lost { retry_in },
    }
}
