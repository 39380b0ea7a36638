//! One visit: who is followed, what is known of them, and what subscribers were last told.

use std::time::{Duration, SystemTime};

use super::{candidate::Candidate, visits::Look};
use crate::scene::{Attributes, Content, Embedding, Finding, Identity, IdentityDecision, Liveness, PersonId, TrackId};

/// Counts visits from 1 within a run; never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct VisitNumber(pub(crate) u64);

/// One appearance of one person on one camera.
#[derive(Clone, Debug)]
pub(crate) struct Visit {
    /// Its number.
    pub(crate) number: VisitNumber,
    /// The track now followed.
    pub(crate) track: TrackId,
    /// Capture time of its first frame.
    pub(crate) started: SystemTime,
    /// Its newest look.
    pub(crate) look: Look,
    /// Frames it was seen on.
    pub(crate) frames_seen: u64,
    /// The newest answer about who it is. A face that carries no answer does not take an earlier one back.
    pub(crate) identity: Finding<Identity>,
    /// The newest answer about whether it is alive, likewise.
    pub(crate) liveness: Finding<Liveness>,
    /// The newest estimates, likewise.
    pub(crate) attributes: Attributes,
    /// The newest count of blinks, likewise.
    pub(crate) blinks: Finding<u32>,
    /// The newest word of moderation, likewise.
    pub(crate) content: Content,
    /// Its newest embedding.
    pub(crate) embedding: Option<Embedding>,
    /// Stream time of its newest look.
    pub(crate) last_seen: Duration,
    /// Stream time of its newest event.
    pub(crate) published_at: Duration,
    told: Material,
}

/// What subscribers act on: a change in it is worth an event, anything else is not.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Material {
    identity: Finding<IdentityDecision>,
    /// Passed or failed; that it is being looked into is no news.
    live: Option<bool>,
    /// Whether age, gender and synthetic score have an answer, not which: they drift with every look.
    estimated: [bool; 3],
    flagged: bool,
}

impl Visit {
    /// Opens a visit for a newcomer.
    pub(crate) fn open(number: VisitNumber, candidate: Candidate, at: Duration) -> Self {
        let mut visit = Self {
            number,
            track: candidate.track,
            started: candidate.first.captured.wall,
            identity: candidate.look.face.identity.clone(),
            liveness: candidate.look.face.liveness,
            attributes: candidate.look.face.attributes,
            blinks: candidate.look.face.blinks,
            content: candidate.look.face.content.clone(),
            look: candidate.look,
            frames_seen: candidate.frames,
            embedding: candidate.embedding,
            last_seen: candidate.last_seen,
            published_at: at,
            told: Material::default(),
        };
        visit.told = visit.material();
        visit
    }

    /// Takes in a new look.
    pub(crate) fn see(&mut self, look: Look, at: Duration) {
        if look.face.identity.asked() {
            self.identity = look.face.identity.clone();
        }
        if look.face.liveness.asked() {
            self.liveness = look.face.liveness;
        }
        self.attributes = look.face.attributes.over(self.attributes);
        self.blinks = look.face.blinks.or(self.blinks);
        if look.face.content.asked() {
            self.content.clone_from(&look.face.content);
        }
        if look.face.embedding.is_some() {
            self.embedding.clone_from(&look.face.embedding);
        }
        self.look = look;
        self.last_seen = at;
        self.frames_seen += 1;
    }

    /// The person is back under a new track.
    pub(crate) fn join(&mut self, candidate: Candidate, at: Duration) {
        self.track = candidate.track;
        self.embedding = candidate.embedding.or_else(|| self.embedding.take());
        self.frames_seen += candidate.frames - 1;
        self.see(candidate.look, at);
        self.last_seen = candidate.last_seen;
    }

    /// The person it is known to be.
    pub(crate) fn person(&self) -> Option<&PersonId> {
        match &self.identity.known()?.decision {
            IdentityDecision::Known(person) => Some(person),
            IdentityDecision::Unknown | IdentityDecision::Ambiguous => None,
        }
    }

    /// Whether subscribers would act differently if they knew what is known now.
    pub(crate) fn changed(&self) -> bool {
        self.material() != self.told
    }

    /// Subscribers are being told.
    pub(crate) fn published(&mut self, at: Duration) {
        self.told = self.material();
        self.published_at = at;
    }

    /// What subscribers act on.
    pub(crate) fn material(&self) -> Material {
        let Attributes { age, female, synthetic, .. } = &self.attributes;
        Material {
            identity: map(&self.identity, |i| i.decision.clone()),
            live: self.liveness.known().map(|l| l.live),
            estimated: [age.known().is_some(), female.known().is_some(), synthetic.known().is_some()],
            flagged: self.content.known().is_some_and(|flags| !flags.is_empty()),
        }
    }
}

impl Default for Material {
    fn default() -> Self {
        Self { identity: Finding::NotAsked, live: None, estimated: [false; 3], flagged: false }
    }
}

/// The answer alone, without its confidence.
fn map<T, U>(finding: &Finding<T>, value: impl Fn(&T) -> U) -> Finding<U> {
    match finding {
        Finding::NotAsked => Finding::NotAsked,
        Finding::Unsure => Finding::Unsure,
        Finding::Known { value: answer, .. } => Finding::Known { value: value(answer), confidence: 1.0 },
    }
}
