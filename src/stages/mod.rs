//! One verb a file: what it can be told, what it needs and adds, what it does. This page is the one list of kinds.
//!
//! A new kind is a file beside these, a variant of [`StageConfig`] and a line in [`KINDS`]; `config` and `topology` need no
//! change to read, check, draw and document it.

mod asking;
pub mod blink;
pub mod classify;
pub mod deepfake;
pub mod detect;
pub mod duration;
pub mod liveness;
pub mod moderate;
pub mod publish;
pub mod recognize;
pub mod track;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde_json::Value;

use crate::flow::Contract;

/// What one stage of a pipeline is told, by kind.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum StageConfig {
    /// Finds faces.
    Detect(detect::Config),
    /// Follows them.
    Track(track::Config),
    /// Says who they are.
    Recognize(recognize::Config),
    /// Counts blinks.
    Blink(blink::Config),
    /// Says whether they are alive.
    Liveness(liveness::Config),
    /// Says how old they are, and the like.
    Classify(classify::Config),
    /// Scores them as generated pictures.
    Deepfake(deepfake::Config),
    /// Says what else is on the picture.
    Moderate(moderate::Config),
    /// Tells subscribers.
    Publish(publish::Config),
}

/// What is known about a kind of stage without running one.
#[derive(Clone, Copy)]
pub struct Kind {
    /// The word in a pipeline file.
    pub name: &'static str,
    /// What it does, in one line.
    pub summary: &'static str,
    /// What it needs on a packet and adds to it.
    pub contract: Contract,
    /// Whether packets end here.
    pub is_sink: bool,
    /// The JSON Schema of its keys.
    pub schema: fn(&mut SchemaGenerator) -> Schema,
    /// Its keys with all defaults.
    pub default: fn() -> StageConfig,
    /// Reads its keys; they have been compared with the schema before.
    pub parse: fn(Value) -> Result<StageConfig, serde_json::Error>,
}

/// Every kind of stage there is, in the order a frame usually meets them.
pub const KINDS: &[Kind] = &[
    Kind {
        name: "detect",
        summary: "finds faces and five points on each",
        contract: detect::CONTRACT,
        is_sink: false,
        schema: detect::Config::json_schema,
        default: || StageConfig::Detect(detect::Config::default()),
        parse: |keys| serde_json::from_value(keys).map(StageConfig::Detect),
    },
    Kind {
        name: "track",
        summary: "follows faces from frame to frame",
        contract: track::CONTRACT,
        is_sink: false,
        schema: track::Config::json_schema,
        default: || StageConfig::Track(track::Config::default()),
        parse: |keys| serde_json::from_value(keys).map(StageConfig::Track),
    },
    Kind {
        name: "recognize",
        summary: "says who a followed face is",
        contract: recognize::CONTRACT,
        is_sink: false,
        schema: recognize::Config::json_schema,
        default: || StageConfig::Recognize(recognize::Config::default()),
        parse: |keys| serde_json::from_value(keys).map(StageConfig::Recognize),
    },
    Kind {
        name: "blink",
        summary: "counts the blinks of a followed face",
        contract: blink::CONTRACT,
        is_sink: false,
        schema: blink::Config::json_schema,
        default: || StageConfig::Blink(blink::Config::default()),
        parse: |keys| serde_json::from_value(keys).map(StageConfig::Blink),
    },
    Kind {
        name: "liveness",
        summary: "says whether a followed face is alive",
        contract: liveness::CONTRACT,
        is_sink: false,
        schema: liveness::Config::json_schema,
        default: || StageConfig::Liveness(liveness::Config::default()),
        parse: |keys| serde_json::from_value(keys).map(StageConfig::Liveness),
    },
    Kind {
        name: "classify",
        summary: "says how old a followed face is, its gender, and where it looks",
        contract: classify::CONTRACT,
        is_sink: false,
        schema: classify::Config::json_schema,
        default: || StageConfig::Classify(classify::Config::default()),
        parse: |keys| serde_json::from_value(keys).map(StageConfig::Classify),
    },
    Kind {
        name: "deepfake",
        summary: "experimental and slow: scores a followed face as a generated picture",
        contract: deepfake::CONTRACT,
        is_sink: false,
        schema: deepfake::Config::json_schema,
        default: || StageConfig::Deepfake(deepfake::Config::default()),
        parse: |keys| serde_json::from_value(keys).map(StageConfig::Deepfake),
    },
    Kind {
        name: "moderate",
        summary: "says what else is on the picture",
        contract: moderate::CONTRACT,
        is_sink: false,
        schema: moderate::Config::json_schema,
        default: || StageConfig::Moderate(moderate::Config::default()),
        parse: |keys| serde_json::from_value(keys).map(StageConfig::Moderate),
    },
    Kind {
        name: "publish",
        summary: "tells subscribers about visits",
        contract: publish::CONTRACT,
        is_sink: true,
        schema: publish::Config::json_schema,
        default: || StageConfig::Publish(publish::Config::default()),
        parse: |keys| serde_json::from_value(keys).map(StageConfig::Publish),
    },
];

impl Kind {
    /// The kind of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        KINDS.iter().find(|kind| kind.name == name)
    }
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}
