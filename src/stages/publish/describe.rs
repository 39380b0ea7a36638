//! Turns a change of a visit into a drafted event. Nothing is decided here; findings map one to one.

use std::time::Duration;

use uuid::Uuid;

use super::{
    Provenance, estimates,
    visit::Visit,
    visits::{Change, Ending, Look, Step},
};
use crate::events::{
    keys::{Origin, PlaceId},
    wire::{self, CheckState, CloseReason, Data, Draft, UtcMicros, VisitState},
};
use crate::scene::{CameraId, Finding, Identity, IdentityDecision, Liveness, Score};

/// Digits kept of fractions of the frame: a millionth of an 8K picture's width is a hundredth of a pixel.
const FRACTION: f32 = 1e6;

/// Ids for the event and its visit, made by the caller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ids {
    pub(crate) event: Uuid,
    pub(crate) visit: Uuid,
}

/// The event that says what happened. Its publish time is stamped when it is numbered.
pub(crate) fn draft(change: &Change, ids: Ids, site: &PlaceId, provenance: &Provenance) -> Draft {
    let look = &change.visit.look;
    let capture = UtcMicros::from(look.captured.wall);
    let data = wire::Visit {
        visit: summary(change, ids.visit, capture),
        track: change.visit.track.0,
        time: times(look, capture),
        frame: wire::FrameInfo { w: look.size.w, h: look.size.h, seq: look.frame },
        face: face(look, provenance),
        identity: identity(&change.visit.identity),
        liveness: liveness(&change.visit),
        attributes: estimates::attributes(&change.visit.attributes),
        content: estimates::content(&change.visit.content, look.size),
        models: provenance.models.clone(),
        governor: provenance.governor.clone(),
        stream: stream(&change.camera),
        pipeline: provenance.pipeline.clone(),
    };
    Draft {
        id: ids.event,
        origin: Origin::Camera(site.clone(), change.camera.clone()),
        subject: ids.visit.to_string(),
        time: capture,
        data: Data::Visit(Box::new(data)),
    }
}

fn summary(change: &Change, id: Uuid, capture: UtcMicros) -> wire::VisitSummary {
    let (state, reason) = match change.step {
        Step::Opened => (VisitState::Opened, None),
        Step::Updated => (VisitState::Updated, None),
        Step::Closed(Ending::Left) => (VisitState::Closed, Some(CloseReason::Left)),
        Step::Closed(Ending::CameraLost) => (VisitState::Closed, Some(CloseReason::CameraLost)),
        Step::Closed(Ending::Shutdown) => (VisitState::Closed, Some(CloseReason::Shutdown)),
    };
    wire::VisitSummary {
        id,
        ended: reason.is_some().then_some(capture),
        state,
        started: UtcMicros::from(change.visit.started),
        reason,
        frames_seen: change.visit.frames_seen,
        supersedes: Vec::new(),
    }
}

fn times(look: &Look, capture: UtcMicros) -> wire::Times {
    let ingest = UtcMicros::from(look.captured.ingested);
    wire::Times {
        capture,
        ingest,
        publish: ingest,
        pts_ns: look.captured.pts.map(nanos),
        time_source: look.captured.source.into(),
        uncertainty_ms: look.captured.uncertainty.as_secs_f64() * 1e3,
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn face(look: &Look, provenance: &Provenance) -> wire::Face {
    let (w, h) = (look.size.w.max(1) as f32, look.size.h.max(1) as f32);
    let face = &look.face;
    wire::Face {
        bbox: face.bbox.normalised(look.size).map(rounded),
        detector: wire::Detector {
            score: face.score,
            model: provenance.models.iter().find(|m| m.stage == "detect").map(|m| m.id.clone()),
        },
        landmarks5: face.landmarks.map(|points| points.map(|p| [rounded(p.x / w), rounded(p.y / h)])),
        quality: Some(wire::Quality { size_px: face.bbox.w.min(face.bbox.h) }),
    }
}

pub(crate) fn rounded(fraction: f32) -> f32 {
    (fraction * FRACTION).round() / FRACTION
}

fn identity(finding: &Finding<Identity>) -> wire::Identity {
    let mut answer = wire::Identity {
        decision: wire::IdentityDecision::NotChecked,
        person: None,
        score: None,
        margin: None,
        looks: 0,
    };
    match finding {
        Finding::NotAsked => {}
        Finding::Unsure => answer.decision = wire::IdentityDecision::Inconclusive,
        Finding::Known { value, .. } => {
            (answer.decision, answer.person) = match &value.decision {
                IdentityDecision::Known(person) => (wire::IdentityDecision::Known, Some(person.to_string())),
                IdentityDecision::Unknown => (wire::IdentityDecision::Unknown, None),
                IdentityDecision::Ambiguous => (wire::IdentityDecision::Ambiguous, None),
            };
            answer.score = value.score.compared().map(score);
            answer.margin = value.margin;
            answer.looks = value.looks;
        }
    }
    answer
}

fn liveness(visit: &Visit) -> wire::Liveness {
    let (state, known): (_, Option<&Liveness>) = match &visit.liveness {
        Finding::NotAsked => (CheckState::NotChecked, None),
        Finding::Unsure => (CheckState::Inconclusive, None),
        Finding::Known { value, .. } if value.live => (CheckState::Pass, Some(value)),
        Finding::Known { value, .. } => (CheckState::Fail, Some(value)),
    };
    let (looks, blinks) = (known.map_or(0, |l| l.looks), visit.blinks.known().copied());
    wire::Liveness { state, score: known.map(|l| score(l.score)), looks, blinks }
}

pub(crate) fn score(score: Score) -> wire::Score {
    wire::Score { value: score.value, kind: score.kind.into(), threshold: score.threshold }
}

fn stream(camera: &CameraId) -> wire::Stream {
    wire::Stream { id: camera.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::ScoreKind;

    #[test]
    fn with_nobody_to_compare_with_there_is_no_score() {
        let score = Score { value: Score::NOBODY, kind: ScoreKind::Cosine, threshold: 0.5 };
        let stranger = Identity { decision: IdentityDecision::Unknown, score, margin: None, looks: 3 };
        let told = identity(&Finding::Known { value: stranger, confidence: 0.0 });
        assert_eq!((told.decision, told.score, told.looks), (wire::IdentityDecision::Unknown, None, 3));
    }
}
