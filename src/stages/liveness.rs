//! `liveness`: says whether a followed face is a live one, over several looks. This file holds what a pipeline can set.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::duration;
use crate::flow::{Contract, Fact, Facts};

/// Needs pixels to cut faces with their surroundings from, and tracks to aggregate over; adds liveness.
pub const CONTRACT: Contract = Contract {
    needs: Facts::of(&[Fact::Pixels, Fact::Faces, Fact::Tracks]),
    adds: Facts::of(&[Fact::Liveness]),
};

/// What a pipeline can set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The model: a folder under the models directory, whose `model.toml` has the role `liveness`.
    #[schemars(length(min = 1))]
    pub model: String,
    /// The model's variant, as its `model.toml` names it.
    #[schemars(length(min = 1))]
    pub variant: String,
    /// Looks needed before a track passes or fails, 1 to 50; until then it is inconclusive.
    #[schemars(range(min = 1, max = 50))]
    pub looks: u32,
    /// Look at a followed face again after this long.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Written")]
    pub again_after: Duration,
    /// A track passes when its mean score of being live is at least this, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub threshold: f32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            model: "minifasnet".to_owned(),
            variant: "fp32".to_owned(),
            looks: 5,
            again_after: Duration::from_secs(1),
            threshold: 0.5,
        }
    }
}
