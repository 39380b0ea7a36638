//! Network cameras: one attempt after the other, until told to stop. Each attempt has its own pipeline and its own
//! deadlines; between attempts the camera rests, longer each time. Nothing here touches another camera.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use crossbeam_channel::RecvTimeoutError;

use super::backoff::Backoff;
use super::chain::{Delivery, Note, Session};
use super::health::{Health, Phase};
use super::ingest::Surroundings;
use super::{CameraEnd, CameraInput, CameraState, DecoderChoice, MediaError, Remedy};

/// A camera that delivered this many frames had recovered; its next loss starts with a short pause again.
const SETTLED_AFTER: u64 = 30;

/// One way to call a camera, and what earlier calls taught about it.
pub(super) trait Caller {
    /// The camera's address, without secrets.
    fn name(&self) -> String;
    /// For people: how its pictures travel.
    fn way(&self) -> &'static str;
    /// Opens a fresh pipeline.
    fn call(&self, input: &CameraInput, decoder: DecoderChoice, delivery: Delivery) -> Result<Session, MediaError>;
    /// Learns from a failure that another way may avoid: whether to try again at once.
    fn adapts_to(&mut self, error: &MediaError) -> bool;
}

/// Runs a network camera until told to stop.
pub(super) fn run(input: &CameraInput, caller: impl Caller, around: &Surroundings<'_>) -> CameraEnd {
    let mut line = Line { input, caller, around, decoder: input.decoder, sequence: Arc::default() };
    let mut backoff = Backoff::new(input.limits, &input.camera);
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
        around.reports.state(&input.camera, CameraState::Connecting, line.caller.way());
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
struct Line<'a, C> {
    input: &'a CameraInput,
    caller: C,
    around: &'a Surroundings<'a>,
    decoder: DecoderChoice,
    sequence: Arc<AtomicU64>,
}

impl<C: Caller> Line<'_, C> {
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
        super::chain::ready()?;
        let delivery = Delivery {
            camera: self.input.camera.clone(),
            input: self.caller.name(),
            sequence: Arc::clone(&self.sequence),
            sink: Arc::clone(&self.around.sink),
            reports: Some(Arc::clone(&self.around.reports)),
            clock: Arc::clone(&self.around.clock),
        };
        self.caller.call(self.input, self.decoder, delivery)
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
                    Note::Decoding { codec, decoder } => detail = format!("{codec} by {decoder} over {}", self.caller.way()),
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
        let error = MediaError::TooSlow { input: self.caller.name(), waiting_for, limit };
        if health.phase() == Phase::Live {
            self.around.reports.state(&self.input.camera, CameraState::Stalled, &error.to_string());
        }
        Err(error)
    }

    /// A live stream has no end: EOS means that the sender left.
    fn hung_up(&self) -> MediaError {
        MediaError::Hangup { input: self.caller.name() }
    }

    /// Learns from a failure that another way may avoid: whether to try again at once.
    fn adapts_to(&mut self, error: &MediaError) -> bool {
        if self.decoder == DecoderChoice::Auto && error.is_hardware() {
            self.decoder = DecoderChoice::Software;
            return true;
        }
        self.caller.adapts_to(error)
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
