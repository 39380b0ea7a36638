//! A deployment as people type it: every key of the file with its meaning, unit, range and default. The documentation of a
//! field is what editors show and what error messages quote, so its first sentence must stand alone. Next: `resolve`.

mod camera;
mod courier;
mod events;
mod governor;
mod health;
mod server;
mod telemetry;

use std::{collections::BTreeMap, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use camera::{Camera, FileSource, Ice, RtspSource, Source, WhepSource};
pub use camera::{Decoder, Limits, Pace, Synthetic, Transport};
pub(crate) use courier::{Mqtt, Webhook};
pub use events::Mode;
pub(crate) use events::{Events, Tls, Zenoh};
pub(crate) use governor::Governor;
pub use governor::{Admission, Lever};
pub use health::{Health, Wait};
pub use server::Role;
pub(crate) use server::{Client, Server, ServerTls};
pub(crate) use telemetry::Telemetry;

use crate::stages::duration;

/// The whole file. It is read section by section, so that one wrong section does not hide what is wrong in another.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Flyball deployment", description = "Where to run a pipeline: cameras, budgets, keys.")]
#[expect(dead_code, reason = "the schema is made from it; what is read are its fields' types")]
pub(crate) struct Written {
    /// What this deployment is called and which pipeline it runs.
    pub(crate) deployment: Head,
    /// The live inputs, one `[[camera]]` each.
    #[schemars(length(min = 1))]
    pub(crate) camera: Vec<Camera>,
    /// Where models lie and where they run.
    #[serde(default)]
    pub(crate) models: Models,
    /// The people known.
    #[serde(default)]
    pub(crate) gallery: Gallery,
    /// How events leave.
    #[serde(default)]
    pub(crate) events: Events,
    /// The budget, and what to give up first.
    #[serde(default)]
    pub(crate) governor: Governor,
    /// The HTTP server. Default: none.
    #[serde(default)]
    pub(crate) server: Option<Server>,
    /// Where traces of frames and reports of failures go. Default: nowhere.
    #[serde(default)]
    pub(crate) telemetry: Telemetry,
    /// Bounds of the graph as a whole.
    #[serde(default)]
    pub(crate) flow: Flow,
    /// Keys of stages that are different here, by stage id: `[override.detect]`.
    #[serde(default, rename = "override")]
    pub(crate) overrides: BTreeMap<String, serde_json::Map<String, serde_json::Value>>,
}

/// What this deployment is called and which pipeline it runs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Head {
    /// A name for people.
    #[schemars(length(min = 1))]
    pub(crate) name: String,
    /// The site: the first part of every key expression, so letters, digits, `-`, `_` and `.` only.
    #[schemars(extend("format" = "id"))]
    pub(crate) site: String,
    /// This machine's name among those of the site. Default: the name of the site.
    #[schemars(extend("format" = "id"))]
    pub(crate) node: Option<String>,
    /// The pipeline file, relative to this file.
    #[schemars(length(min = 1))]
    #[expect(dead_code, reason = "the pipeline is read before this is, so that problems of both come at once")]
    pub(crate) pipeline: String,
}

/// Where models lie and where they run.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Models {
    /// The directory with one folder a model, relative to this file.
    #[schemars(length(min = 1))]
    pub(crate) dir: String,
    /// Where they run: `auto`, `cpu` or `cuda:0`.
    #[schemars(extend("format" = "device"))]
    pub(crate) device: String,
    /// Whether models without a recorded licence or hash may run. Events then say so.
    pub(crate) allow_unlicensed: bool,
}

impl Default for Models {
    fn default() -> Self {
        Self { dir: "../models".to_owned(), device: "auto".to_owned(), allow_unlicensed: false }
    }
}

/// The people known.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Gallery {
    /// The store's file, relative to this file; made when it is not there. Default: nobody is known.
    #[schemars(length(min = 1))]
    pub(crate) path: Option<String>,
}

/// Bounds of the graph as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Flow {
    /// Most frames on their way through the graph at once, 1 to 4096: bounds memory and delay end to end.
    #[schemars(range(min = 1, max = 4096))]
    pub in_flight: u32,
    /// Longest wait for what is on its way when stopping.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Written")]
    pub drain: Duration,
}

impl Default for Flow {
    fn default() -> Self {
        Self { in_flight: 16, drain: Duration::from_secs(5) }
    }
}
