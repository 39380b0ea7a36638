//! The data of a face event: one visit, and the newest look at the face behind it.
//!
//! A visit is one appearance of one person on one camera. Its event carries everything needed to act on it alone, so that
//! a subscriber never has to join events.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{CheckState, CloseReason, IdentityDecision, ScoreKind, TimeSource, UtcMicros, VisitState};

/// What a visit event carries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Visit {
    /// The visit itself.
    pub visit: VisitSummary,
    /// Number of the track now followed for this visit, unique per camera and run.
    pub track: u64,
    /// When the newest look was taken, and how far to trust that.
    pub time: Times,
    /// The frame of the newest look.
    pub frame: FrameInfo,
    /// The face on that frame.
    pub face: Face,
    /// Who it is, over the whole visit.
    pub identity: Identity,
    /// Whether it is alive, over the whole visit.
    pub liveness: Liveness,
    /// What was estimated of the person, when the deployment asks for any of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attributes: Option<Attributes>,
    /// What moderation found on the frame of the newest look, when the deployment asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Content>,
    /// The models behind these answers.
    #[serde(default)]
    pub models: Vec<ModelRef>,
    /// The governor decision under which they were found, when a governor runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub governor: Option<Governor>,
    /// The camera.
    pub stream: Stream,
    /// The graph that ran.
    pub pipeline: PipelineRef,
}

/// One appearance of one person on one camera.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VisitSummary {
    /// Its id (UUID v7), the same in every event of this visit.
    #[schemars(with = "String", extend("format" = "uuid"))]
    pub id: Uuid,
    /// Opened, updated, closed, corrected or merged.
    pub state: VisitState,
    /// Capture time of the first frame it was seen on.
    pub started: UtcMicros,
    /// Capture time of the last frame it was seen on; only once closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<UtcMicros>,
    /// Why it ended; only once closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<CloseReason>,
    /// Analysed frames it was seen on so far.
    pub frames_seen: u64,
    /// Visits that turned out to be this one; only once merged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<String>")]
    pub supersedes: Vec<Uuid>,
}

/// Three wall-clock times of one look, and what the first is based on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Times {
    /// Best estimate of when the picture was taken.
    pub capture: UtcMicros,
    /// When the frame reached Flyball.
    pub ingest: UtcMicros,
    /// When this event was handed to its subscribers.
    pub publish: UtcMicros,
    /// The stream's own presentation time, in nanoseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pts_ns: Option<u64>,
    /// What `capture` is based on.
    pub time_source: TimeSource,
    /// How far `capture` may be off, in milliseconds.
    pub uncertainty_ms: f64,
}

/// A frame, without its pixels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FrameInfo {
    /// Width in pixels, as displayed.
    pub w: u32,
    /// Height in pixels, as displayed.
    pub h: u32,
    /// Its number on this camera, from 0 in every run.
    pub seq: u64,
}

/// A face on a frame.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Face {
    /// `[x, y, w, h]` of the box: top-left corner and extent as fractions of the frame (COCO order, origin top left).
    pub bbox: [f32; 4],
    /// What found it.
    pub detector: Detector,
    /// Right eye, left eye, nose tip, right and left mouth corner, as fractions of the frame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub landmarks5: Option<[[f32; 2]; 5]>,
    /// How well the face can be seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<Quality>,
}

/// What found a face.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Detector {
    /// The detector's own score, 0 to 1; comparable only within one model.
    pub score: f32,
    /// The model's id, as in `models`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

/// How well a face can be seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Quality {
    /// Shorter side of the box in pixels of the frame.
    pub size_px: f32,
}

/// A number that says what it is and against what it was held.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Score {
    /// The number.
    pub value: f32,
    /// What it counts.
    pub kind: ScoreKind,
    /// The limit it was compared with.
    pub threshold: f32,
}

/// Who somebody is, as far as the gallery knows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Identity {
    /// The decision.
    pub decision: IdentityDecision,
    /// The enrolled person's stable, opaque id; only when `known`. Names never travel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// Similarity to the best match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<Score>,
    /// Distance in score between the best and the second-best person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub margin: Option<f32>,
    /// How many looks the decision rests on.
    #[serde(default)]
    pub looks: u32,
}

/// Whether a face is alive rather than a picture, a screen or a mask.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Liveness {
    /// The state of the check.
    pub state: CheckState,
    /// Mean probability of "live" over the looks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<Score>,
    /// How many looks it rests on.
    #[serde(default)]
    pub looks: u32,
    /// How often the face blinked so far; absent when nobody watches the eyes, or they cannot be seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blinks: Option<u32>,
}

/// Estimates of a person, each absent when nobody asked. None of them is evidence of who somebody is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Attributes {
    /// Age in years; right to eight to ten years at best.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age: Option<Estimate>,
    /// Probability of "female", as the model sees it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub female: Option<Estimate>,
    /// Where the head points, at the newest look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pose: Option<HeadPose>,
    /// Experimental: whether the face looks generated. `fail` means it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub synthetic: Option<Synthetic>,
}

/// A number estimated over several looks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Estimate {
    /// The mean; absent while it is inconclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f32>,
    /// How sure the model is, 0 to 1; not calibrated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f32>,
}

/// Where a head points, in degrees; zero looks into the camera.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HeadPose {
    /// Left and right.
    pub yaw: f32,
    /// Up and down.
    pub pitch: f32,
    /// Tilt.
    pub roll: f32,
}

/// Whether a face looks generated rather than photographed. Experimental: a hint, no evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Synthetic {
    /// The state of the check.
    pub state: CheckState,
    /// Mean score of a generated picture over the looks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<Score>,
}

/// What moderation found on a frame.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Content {
    /// `pass` when nothing that the deployment lists was seen, `fail` when something was.
    pub state: CheckState,
    /// What was seen, likeliest first.
    #[serde(default)]
    pub flags: Vec<Flag>,
}

/// One thing that moderation saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Flag {
    /// What it is, in the model's word.
    pub label: String,
    /// How sure the model is, 0 to 1.
    pub score: f32,
    /// `[x, y, w, h]` as fractions of the frame.
    pub bbox: [f32; 4],
}

/// One model that had a part in an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModelRef {
    /// The stage it runs in.
    pub stage: String,
    /// Its id, as in its manifest.
    pub id: String,
    /// SHA-256 of its weights, in hexadecimal.
    pub sha256: String,
    /// Its precision: `fp32`, `fp16`, `int8`.
    pub precision: String,
    /// True when its licence or its checksum is not recorded, and it runs only because the deployment allows that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unlicensed: bool,
}

/// The governor decision in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Governor {
    /// Its number; the decision's own event carries its reason.
    pub decision_id: u64,
    /// Whether something was given up for the sake of the budget.
    #[serde(default)]
    pub degraded: bool,
}

/// A camera.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Stream {
    /// Its id in the deployment file.
    pub id: String,
}

/// The graph that ran.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PipelineRef {
    /// Its name.
    pub name: String,
    /// Changes whenever its file changes.
    pub revision: String,
}
