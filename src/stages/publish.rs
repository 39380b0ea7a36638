//! `publish`: turns tracks into visits and hands their events to subscribers. This file holds what a pipeline can set.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::flow::{Contract, Fact, Facts};

/// Needs tracks: a visit is a track as subscribers hear of it. What else is known is told too. Adds nothing: it is a sink.
pub const CONTRACT: Contract = Contract {
    needs: Facts::of(&[Fact::Faces, Fact::Tracks]),
    adds: Facts::NONE,
};

/// What a pipeline can set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {}
