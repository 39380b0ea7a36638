//! The optional findings of a visit in words of the contract: what was estimated, and what moderation saw. What nobody asked
//! is absent; what is inconclusive is there without a value.

use super::describe::{rounded, score};
use crate::events::wire::{self, CheckState};
use crate::scene::{Attributes, Content, Finding, Flag, HeadPose, Score, Size};

/// `None` when nobody asked for any of them.
pub(crate) fn attributes(found: &Attributes) -> Option<wire::Attributes> {
    found.asked().then(|| wire::Attributes {
        age: estimate(found.age),
        female: estimate(found.female),
        pose: found.pose.known().map(pose),
        synthetic: synthetic(found.synthetic),
    })
}

fn estimate(finding: Finding<f32>) -> Option<wire::Estimate> {
    match finding {
        Finding::NotAsked => None,
        Finding::Unsure => Some(wire::Estimate::default()),
        Finding::Known { value, confidence } => {
            Some(wire::Estimate { value: Some(value), confidence: Some(confidence) })
        }
    }
}

fn pose(angles: &HeadPose) -> wire::HeadPose {
    wire::HeadPose { yaw: angles.yaw, pitch: angles.pitch, roll: angles.roll }
}

fn synthetic(finding: Finding<Score>) -> Option<wire::Synthetic> {
    let (state, known) = match finding {
        Finding::NotAsked => return None,
        Finding::Unsure => (CheckState::Inconclusive, None),
        Finding::Known { value, .. } if value.value >= value.threshold => (CheckState::Fail, Some(value)),
        Finding::Known { value, .. } => (CheckState::Pass, Some(value)),
    };
    Some(wire::Synthetic { state, score: known.map(score) })
}

/// `None` when nobody looked.
pub(crate) fn content(found: &Content, size: Size) -> Option<wire::Content> {
    let (state, flags) = match found {
        Finding::NotAsked => return None,
        Finding::Unsure => (CheckState::Inconclusive, Vec::new()),
        Finding::Known { value, .. } if value.is_empty() => (CheckState::Pass, Vec::new()),
        Finding::Known { value, .. } => (CheckState::Fail, value.iter().map(|seen| flag(seen, size)).collect()),
    };
    Some(wire::Content { state, flags })
}

fn flag(seen: &Flag, size: Size) -> wire::Flag {
    let bbox = seen.bbox.normalised(size).map(rounded);
    wire::Flag { label: seen.label.to_string(), score: seen.score, bbox }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::{BBox, ScoreKind};

    #[test]
    fn what_nobody_asked_is_absent_and_what_is_inconclusive_has_no_value() {
        assert_eq!(attributes(&Attributes::default()), None);
        let found = Attributes { age: Finding::Unsure, ..Attributes::default() };
        let told = serde_json::to_value(attributes(&found)).unwrap();
        assert_eq!(told, serde_json::json!({ "age": {} }));
    }

    #[test]
    fn a_synthetic_face_fails_and_a_genuine_one_passes() {
        let scored = |value| Score { value, kind: ScoreKind::Probability, threshold: 0.65 };
        let state = |value| synthetic(Finding::Known { value: scored(value), confidence: 1.0 }).unwrap().state;
        assert_eq!((state(0.9), state(0.1)), (CheckState::Fail, CheckState::Pass));
    }

    #[test]
    fn content_fails_only_when_something_is_flagged() {
        let known = |flags: &[Flag]| Finding::Known { value: flags.into(), confidence: 1.0 };
        let seen = Flag { label: "knife".into(), bbox: BBox::new(10.0, 20.0, 30.0, 40.0), score: 0.7 };
        let told = content(&known(&[seen]), Size::new(100, 200)).unwrap();
        assert_eq!((told.state, told.flags[0].bbox), (CheckState::Fail, [0.1, 0.1, 0.3, 0.2]));
        assert_eq!(content(&known(&[]), Size::new(1, 1)).unwrap().state, CheckState::Pass);
        assert_eq!(content(&Finding::NotAsked, Size::new(1, 1)), None);
    }
}
