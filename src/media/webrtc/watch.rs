//! One session, watched until it ends: the same three deadlines as any network camera, and whoever knocks meanwhile.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::{Knock, Refused};
use crate::media::chain::{Delivery, Note, Session};
use crate::media::health::{Health, Phase};
use crate::media::ingest::Surroundings;
use crate::media::{CameraEnd, CameraInput, CameraState, MediaError};

/// How a session ended.
pub(super) enum Over {
    /// The camera ends with it.
    Camera(CameraEnd),
    /// Its other end said goodbye.
    #[cfg_attr(not(feature = "server"), allow(dead_code, reason = "only the server passes goodbyes on"))]
    Goodbye,
    /// It was lost.
    Lost(MediaError),
}

/// Watches one session of a camera.
pub(super) struct Watch<'a> {
    pub(super) input: &'a CameraInput,
    pub(super) around: &'a Surroundings<'a>,
    /// What the other end is called in errors.
    pub(super) name: String,
    /// For people: how it is connected.
    pub(super) way: &'static str,
    pub(super) sequence: Arc<AtomicU64>,
}

impl Watch<'_> {
    /// Where the next session's pictures go.
    pub(super) fn delivery(&self) -> Delivery {
        Delivery {
            camera: self.input.camera.clone(),
            input: self.name.clone(),
            sequence: Arc::clone(&self.sequence),
            sink: Arc::clone(&self.around.sink),
            reports: Some(Arc::clone(&self.around.reports)),
            clock: Arc::clone(&self.around.clock),
        }
    }

    /// Waits for news, knocks, the order to stop and the running deadline, whichever comes first.
    pub(super) fn run(&self, session: &Session, knocks: &crossbeam_channel::Receiver<Knock>, own: &str) -> Over {
        let clock = &self.around.clock;
        let mut health = Health::new(self.input.limits, clock.now());
        let mut detail = String::new();
        loop {
            let patience = health.deadline().saturating_duration_since(clock.now());
            crossbeam_channel::select! {
                recv(self.around.stop) -> _ => return Over::Camera(CameraEnd::Stopped),
                recv(knocks) -> knock => if knock.is_ok_and(|knock| self.heed(knock, own)) { return Over::Goodbye },
                recv(session.notes()) -> note => match note.unwrap_or(Note::End) {
                    Note::Connected => health.connected(clock.now()),
                    Note::Decoding { codec, decoder } => detail = format!("{codec} by {decoder} over {}", self.way),
                    Note::FirstFrame => self.around.reports.state(&self.input.camera, CameraState::Live, &detail),
                    Note::SinkClosed => return Over::Camera(CameraEnd::SinkClosed),
                    Note::Fault(error) => return Over::Lost(error),
                    Note::End => return Over::Lost(MediaError::Hangup { input: self.name.clone() }),
                },
                default(patience) => {}
            }
            if let Err(error) = self.check(&mut health, session) {
                return Over::Lost(error);
            }
        }
    }

    /// Whether the session's own end says goodbye. One sender at a time: others are told so.
    fn heed(&self, knock: Knock, own: &str) -> bool {
        match knock {
            Knock::Call(call) => {
                let _gone = call.answer.send(Err(Refused::Busy(self.input.camera.clone())));
                false
            }
            Knock::Goodbye(session, was_there) => {
                let _gone = was_there.send(session == own);
                session == own
            }
        }
    }

    fn check(&self, health: &mut Health, session: &Session) -> Result<(), MediaError> {
        if let Some(last) = session.progress().last {
            health.frame(last);
        }
        let Some((waiting_for, limit)) = health.overdue(self.around.clock.now()) else {
            return Ok(());
        };
        let error = MediaError::TooSlow { input: self.name.clone(), waiting_for, limit };
        if health.phase() == Phase::Live {
            self.around.reports.state(&self.input.camera, CameraState::Stalled, &error.to_string());
        }
        Err(error)
    }
}
