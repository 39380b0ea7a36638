//! A track that subscribers have not heard of yet: it waits to be confirmed and asked who it is.

use std::time::Duration;

use super::{rules::Rules, visit::Visit, visits::Look};
use crate::scene::{Embedding, FaceObservation, IdentityDecision, PersonId, ScoreKind, TrackId, TrackPhase};
use crate::vision::{distance, dot};

/// A newcomer.
#[derive(Debug)]
pub(crate) struct Candidate {
    /// Its track.
    pub(crate) track: TrackId,
    /// Its first look; a visit begins there.
    pub(crate) first: Look,
    /// Its newest look.
    pub(crate) look: Look,
    /// Its newest embedding.
    pub(crate) embedding: Option<Embedding>,
    /// Stream time of its first look.
    pub(crate) since: Duration,
    /// Stream time of its newest look.
    pub(crate) last_seen: Duration,
    /// Frames it was seen on.
    pub(crate) frames: u64,
}

impl Candidate {
    pub(crate) fn new(track: TrackId, look: Look, at: Duration) -> Self {
        Self {
            track,
            embedding: look.face.embedding.clone(),
            first: look.clone(),
            look,
            since: at,
            last_seen: at,
            frames: 1,
        }
    }

    pub(crate) fn see(&mut self, look: Look, at: Duration) {
        self.embedding = look.face.embedding.clone().or_else(|| self.embedding.take());
        self.look = look;
        self.last_seen = at;
        self.frames += 1;
    }

    /// Whether a visit may open for it now.
    pub(crate) fn ready(&self, at: Duration, rules: &Rules, someone_is_out_of_sight: bool) -> bool {
        let seen_now = self.last_seen == at;
        let patience = if someone_is_out_of_sight { rules.rejoin_wait } else { rules.open_after };
        let asked = self.look.face.identity.known().is_some();
        self.confirmed() && seen_now && (asked || at.saturating_sub(self.since) >= patience)
    }

    /// Whether it is the person of a visit that is out of sight: the same known person, or a close enough embedding. Two
    /// different known people are never one, however alike.
    pub(crate) fn continues(&self, visit: &Visit, rules: &Rules) -> bool {
        if !self.confirmed() || self.since <= visit.last_seen {
            return false;
        }
        match (person(&self.look.face), visit.person()) {
            (Some(mine), Some(theirs)) => mine == theirs,
            _ => alike(self.embedding.as_ref(), visit.embedding.as_ref(), self.measure(visit, rules)),
        }
    }

    /// Whether it came while the visit could still be continued, and has not been asked for long enough to tell.
    pub(crate) fn may_turn_out_to_be(&self, visit: &Visit, at: Duration, rules: &Rules) -> bool {
        let in_time = self.since > visit.last_seen && self.since <= visit.last_seen + rules.close_after;
        in_time && at.saturating_sub(self.since) < rules.rejoin_wait
    }

    fn confirmed(&self) -> bool {
        self.look.face.track.is_some_and(|t| t.phase == TrackPhase::Confirmed)
    }

    /// The measure and threshold in force for these embeddings: the recogniser's own, the threshold replaced by the
    /// deployment's if it has one.
    fn measure(&self, visit: &Visit, rules: &Rules) -> Option<(ScoreKind, f32)> {
        let mine = self.look.face.identity.known().map(|identity| identity.score);
        let score = mine.or_else(|| visit.identity.known().map(|identity| identity.score))?;
        Some((score.kind, rules.same_person.unwrap_or(score.threshold)))
    }
}

/// The person a face is known to be.
pub(crate) fn person(face: &FaceObservation) -> Option<&PersonId> {
    match &face.identity.known()?.decision {
        IdentityDecision::Known(person) => Some(person),
        IdentityDecision::Unknown | IdentityDecision::Ambiguous => None,
    }
}

/// Whether two embeddings of one space are at least as alike as the threshold asks, by its own measure.
fn alike(a: Option<&Embedding>, b: Option<&Embedding>, measure: Option<(ScoreKind, f32)>) -> bool {
    let (Some(a), Some(b), Some((kind, threshold))) = (a, b, measure) else {
        return false;
    };
    let comparable = a.space == b.space && a.values.len() == b.values.len();
    let score = match kind {
        ScoreKind::Cosine => dot(&a.values, &b.values),
        ScoreKind::OneMinusL2 => 1.0 - distance(&a.values, &b.values),
        ScoreKind::Probability => return false,
    };
    comparable && score >= threshold
}
