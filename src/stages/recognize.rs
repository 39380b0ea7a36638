//! `recognize`: says who a followed face is, once a track and again when that can get better. This file holds what a pipeline
//! can set. Thresholds are no keys here: they belong to the gallery, which knows the space its embeddings live in.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::duration;
use crate::flow::{Contract, Fact, Facts};

/// Needs pixels to cut aligned faces from, five points to align by, and tracks to vote over; adds identities.
pub const CONTRACT: Contract = Contract {
    needs: Facts::of(&[Fact::Pixels, Fact::Faces, Fact::Landmarks, Fact::Tracks]),
    adds: Facts::of(&[Fact::Identity]),
};

/// What a pipeline can set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The embedder: a folder under the models directory, whose `model.toml` has the role `recognize`.
    #[schemars(length(min = 1))]
    pub model: String,
    /// The model's variant, as its `model.toml` names it. People enrolled with one embedder are unknown to another.
    #[schemars(length(min = 1))]
    pub variant: String,
    /// Most face crops in one run of the model, 1 to 64, mixed across cameras.
    #[schemars(range(min = 1, max = 64))]
    pub max_batch: u32,
    /// Look at a followed face again after this long, however sure the answer was.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Written")]
    pub again_after: Duration,
    /// Look again at once when a face's quality (0 to 1) exceeds that of the best look so far by this much, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub quality_gain: f32,
    /// Faces narrower than this are not asked about, in pixels of the camera's picture, 8 to 2000.
    #[schemars(range(min = 8, max = 2000))]
    pub min_face_px: u32,
    /// Best looks kept for the vote over a track, 1 to 50.
    #[schemars(range(min = 1, max = 50))]
    pub looks: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            model: "dlib_resnet".to_owned(),
            variant: "fp32".to_owned(),
            max_batch: 8,
            again_after: Duration::from_secs(1),
            quality_gain: 0.15,
            min_face_px: 32,
            looks: 5,
        }
    }
}
