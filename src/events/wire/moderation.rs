//! A rule of the deployment spoke: content on a frame that somebody should look at.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{FrameInfo, Governor, ModelRef, ModerationAction, PipelineRef, Score, Severity, Stream, Times};

/// What a moderation rule decided about a frame or a visit. It reports; acting on it is the subscriber's part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Moderation {
    /// The rule that spoke, as the pipeline names it.
    pub rule: String,
    /// How grave it is.
    pub severity: Severity,
    /// What the rule asks for.
    pub action: ModerationAction,
    /// Why: the classes seen, each with its score.
    #[serde(default)]
    pub reasons: Vec<ModerationReason>,
    /// The visit it is about; left out when it is about the whole frame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "uuid"))]
    pub visit: Option<Uuid>,
    /// When the frame was taken, and how far to trust that.
    pub time: Times,
    /// The frame.
    pub frame: FrameInfo,
    /// The models behind it.
    #[serde(default)]
    pub models: Vec<ModelRef>,
    /// The governor decision under which it was found, when a governor runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub governor: Option<Governor>,
    /// The camera.
    pub stream: Stream,
    /// The graph that ran.
    pub pipeline: PipelineRef,
}

/// One class that was seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModerationReason {
    /// The class, in the model's words.
    pub class: String,
    /// How sure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<Score>,
    /// `[x, y, w, h]` of where, as fractions of the frame (origin top left).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bbox: Option<[f32; 4]>,
}
