//! `detect`: finds faces and their five points on frames, batching across cameras. This file holds what a pipeline can set.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::duration;
use crate::flow::{Contract, Fact, Facts};

/// Needs pixels; adds boxes with a score, and five points a face.
pub const CONTRACT: Contract = Contract {
    needs: Facts::of(&[Fact::Pixels]),
    adds: Facts::of(&[Fact::Faces, Fact::Landmarks]),
};

/// What a pipeline can set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The detector: a folder under the models directory, whose `model.toml` has the role `detect`.
    #[schemars(length(min = 1))]
    pub model: String,
    /// The model's variant: precision and input size, as its `model.toml` names it. A larger input finds smaller faces and costs in proportion to its area.
    #[schemars(length(min = 1))]
    pub variant: String,
    /// Faces scored lower are not reported, 0 to 1. The tracker's second pass lives on weak faces, so keep this below its threshold for new tracks.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub score_threshold: f32,
    /// Detect on every n-th frame of a camera, from 1 (each frame) to 120. In between the tracker predicts.
    #[schemars(range(min = 1, max = 120))]
    pub interval: u32,
    /// Most frames in one run of the model, 1 to 64. On a CPU a larger batch gains nothing; on a GPU it does.
    #[schemars(range(min = 1, max = 64))]
    pub max_batch: u32,
    /// Longest wait for a batch to fill; this much latency is spent for throughput.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Written")]
    pub linger: Duration,
    /// Most faces kept on one frame, best score first, 1 to 1000. Bounds what a crowd can cost the stages after this one.
    #[schemars(range(min = 1, max = 1000))]
    pub max_faces: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            model: "yunet".to_owned(),
            variant: "fp32-640x384".to_owned(),
            score_threshold: 0.6,
            interval: 1,
            max_batch: 4,
            linger: Duration::from_millis(5),
            max_faces: 64,
        }
    }
}
