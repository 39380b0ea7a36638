//! `track`: follows faces from frame to frame, one memory per camera. This file holds what a pipeline can set.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::flow::{Contract, Fact, Facts};

/// Needs faces; adds a track number to each face that is followed.
pub const CONTRACT: Contract = Contract {
    needs: Facts::of(&[Fact::Faces]),
    adds: Facts::of(&[Fact::Tracks]),
};

/// What a pipeline can set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {}
