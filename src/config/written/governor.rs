//! `[governor]`: the budget as people type it.

use std::{collections::BTreeMap, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::stages::duration;

/// The budget, and what to give up first.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Governor {
    /// Off: everything stays as the pipeline says.
    pub(crate) enabled: bool,
    /// Memory of the device that models run on: `"2 GiB"`, or a share such as `"80 %"`.
    #[schemars(extend("format" = "budget"))]
    pub(crate) memory_budget: String,
    /// 95 of 100 frames are through, from capture to event, within this time.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Written")]
    pub(crate) latency_p95: Duration,
    /// What to give up under pressure, first to last; what is not named is never given up.
    pub(crate) levers: Vec<Lever>,
    /// Calm needed before each step up again: up slowly, down at once.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Written")]
    pub(crate) dwell: Duration,
    /// What becomes of a camera that there is no room for.
    pub(crate) admission: Admission,
    /// Variants a model may run as, by its name: `dlib_resnet = ["fp32", "int8"]`. Default: all that are there.
    pub(crate) variants: BTreeMap<String, Vec<String>>,
    /// Models whose stages may be switched off, the first to go first.
    pub(crate) optional: Vec<String>,
}

impl Default for Governor {
    fn default() -> Self {
        Self {
            enabled: true,
            memory_budget: "80 %".to_owned(),
            latency_p95: Duration::from_millis(250),
            levers: Lever::ALL.to_vec(),
            dwell: Duration::from_secs(5),
            admission: Admission::default(),
            variants: BTreeMap::new(),
            optional: Vec::new(),
        }
    }
}

/// Something that can be given up under pressure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Lever {
    /// Waiting for fuller batches, or smaller ones.
    Batch,
    /// Detecting on every n-th frame only.
    Interval,
    /// A smaller detector input: small faces go unseen.
    Size,
    /// A cheaper precision of the same model.
    Precision,
    /// Stages that the graph can do without.
    Stages,
    /// Frames of each camera.
    Rate,
    /// Further cameras.
    Admission,
}

/// What becomes of a camera that there is no room for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Admission {
    /// It waits, and is let in by itself when there is room.
    #[default]
    Later,
    /// It is refused for this run.
    Refuse,
    /// There is always room: every camera is let in at once, and all of them share what there is.
    Open,
}

impl Lever {
    /// Every lever, cheapest loss first.
    pub const ALL: [Self; 7] =
        [Self::Batch, Self::Interval, Self::Size, Self::Precision, Self::Stages, Self::Rate, Self::Admission];
}
