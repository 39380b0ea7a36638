//! Events about the system itself: cameras, gaps, the governor, nodes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CameraCondition, GapReason, Governor, NodeCondition, UtcMicros};

/// A camera changed its condition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CameraState {
    /// The camera's id.
    pub camera: String,
    /// How it is doing now.
    pub condition: CameraCondition,
    /// Since when.
    pub since: UtcMicros,
    /// In words, without secrets: what happened and what is being tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What says so, where it was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// How its clock stands to this node's, once its sender reports have told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<CameraClock>,
}

/// A measure that passed its limit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// What was measured, such as `mean_luma`.
    pub measure: String,
    /// What it came to.
    pub value: f64,
    /// The limit it passed.
    pub limit: f64,
}

/// How a camera's clock stands to this node's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CameraClock {
    /// Milliseconds by which it is ahead, negative where it is behind.
    pub ahead_ms: i64,
    /// Whether it is so far off that the times of its pictures are corrected.
    pub wrong: bool,
}

/// Events are missing for good. Said aloud, so that nothing is lost in silence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Gap {
    /// First missing sequence number, when it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<u64>,
    /// Last missing sequence number, when it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<u64>,
    /// How many events are missing, when it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<u64>,
    /// Why.
    pub reason: GapReason,
    /// In words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// The governor changed its plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GovernorDecision {
    /// The decision, as visit events refer to it.
    pub decision: Governor,
    /// Why, in words.
    pub reason: String,
    /// What changed, lever by lever, in words.
    #[serde(default)]
    pub changes: Vec<String>,
}

/// How a node is doing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeHealth {
    /// The node's name.
    pub node: String,
    /// In one word.
    pub condition: NodeCondition,
    /// Version of the program.
    pub version: String,
    /// Cameras it serves.
    pub cameras: u32,
    /// In words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}
