//! One face on one frame, and what the stages found out about it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{BBox, Finding, Landmarks5, PersonId, TrackState};

/// The vector space an embedding lives in, named by its model's manifest. Two precisions of a model are two spaces until
/// their manifest declares, and `flyball models verify` confirms, that they agree.
pub type Space = Arc<str>;

/// A face as a vector. Has no serde on purpose: it cannot be published by accident. Made by `vision::SpaceInfo::embed`.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedding {
    /// Which model family made it; embeddings of different spaces are never compared.
    pub space: Space,
    /// The vector: unit length in a space measured by cosine, as the network gave it in one measured by distance.
    pub values: Arc<[f32]>,
}

/// What a score counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScoreKind {
    /// Cosine of the angle between two embeddings, -1 to 1.
    Cosine,
    /// One minus the Euclidean distance between two embeddings: 1 for the same vector, falling without end.
    OneMinusL2,
    /// A model's output read as a probability, 0 to 1; not calibrated unless its manifest says so.
    Probability,
}

/// A number that says what it is and against what it was held.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// The number.
    pub value: f32,
    /// What it counts.
    pub kind: ScoreKind,
    /// The limit it was compared with.
    pub threshold: f32,
}

impl Score {
    /// Value of a score when there was nobody to compare with.
    pub const NOBODY: f32 = f32::NEG_INFINITY;

    /// The score, if something was compared at all.
    pub fn compared(self) -> Option<Self> {
        self.value.is_finite().then_some(self)
    }
}

/// Who somebody is, as far as the gallery knows.
#[derive(Clone, Debug, PartialEq)]
pub enum IdentityDecision {
    /// One enrolled person, clearly.
    Known(PersonId),
    /// Nobody in the gallery.
    Unknown,
    /// Two people come equally close, or the votes over the track disagree.
    Ambiguous,
}

/// The recogniser's answer for a track.
#[derive(Clone, Debug, PartialEq)]
pub struct Identity {
    /// The decision.
    pub decision: IdentityDecision,
    /// Similarity to the best match; [`Score::NOBODY`] when there was nobody to compare with.
    pub score: Score,
    /// Distance in score between best and second-best person; `None` with fewer than two enrolled.
    pub margin: Option<f32>,
    /// How many looks (embeddings) the decision rests on.
    pub looks: u32,
}

/// The liveness answer for a track.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Liveness {
    /// True: a live person. False: a picture, a screen or a mask.
    pub live: bool,
    /// Mean probability of "live" over the looks.
    pub score: Score,
    /// How many looks it rests on.
    pub looks: u32,
}

/// Where a head points, in degrees; zero looks into the camera.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct HeadPose {
    /// Left and right.
    pub yaw: f32,
    /// Up and down.
    pub pitch: f32,
    /// Tilt.
    pub roll: f32,
}

/// Optional attributes; each stays `NotAsked` unless the deployment asks for it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Attributes {
    /// Age in years.
    pub age: Finding<f32>,
    /// Probability of "female".
    pub female: Finding<f32>,
    /// Where the head points, at the newest look.
    pub pose: Finding<HeadPose>,
    /// Experimental: the score of a generated picture, with the limit from which it counts as one.
    pub synthetic: Finding<Score>,
}

impl Attributes {
    /// These, and `earlier` ones where nobody asked since.
    #[must_use]
    pub fn over(self, earlier: Self) -> Self {
        Self {
            age: self.age.or(earlier.age),
            female: self.female.or(earlier.female),
            pose: self.pose.or(earlier.pose),
            synthetic: self.synthetic.or(earlier.synthetic),
        }
    }

    /// Whether anybody asked for any of them.
    pub fn asked(&self) -> bool {
        self.age.asked() || self.female.asked() || self.pose.asked() || self.synthetic.asked()
    }
}

/// One thing on a frame that a deployment wants to hear of.
#[derive(Clone, Debug, PartialEq)]
pub struct Flag {
    /// What it is, in the model's word.
    pub label: Arc<str>,
    /// Where, in pixels of the frame.
    pub bbox: BBox,
    /// How sure, 0 to 1.
    pub score: f32,
}

/// What moderation found on a frame; known and empty when it looked and there was nothing.
pub type Content = Finding<Arc<[Flag]>>;

/// One face on one frame. Stages enrich it in place.
#[derive(Clone, Debug, Default)]
pub struct FaceObservation {
    /// Where it is, in pixels of the frame.
    pub bbox: BBox,
    /// The five points, in pixels; `None` when the detector gives none.
    pub landmarks: Option<Landmarks5>,
    /// The detector's score, 0 to 1.
    pub score: f32,
    /// Whose track it belongs to.
    pub track: Option<TrackState>,
    /// The embedding of this very face, when the recogniser looked on this frame.
    pub embedding: Option<Embedding>,
    /// Who it is, voted over the track. `Unsure` when looked at without a decision yet.
    pub identity: Finding<Identity>,
    /// Whether it is alive, over the track.
    pub liveness: Finding<Liveness>,
    /// How often it blinked, over the track.
    pub blinks: Finding<u32>,
    /// Age, gender and the like.
    pub attributes: Attributes,
    /// What moderation found on the frame it is on.
    pub content: Content,
}

impl FaceObservation {
    /// A face as a detector reports it.
    pub fn detected(bbox: BBox, landmarks: Option<Landmarks5>, score: f32) -> Self {
        Self { bbox, landmarks, score, ..Self::default() }
    }
}
