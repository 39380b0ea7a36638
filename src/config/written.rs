//! A deployment as people type it: every key of the file with its meaning, unit, range and default. The documentation of a
//! field is what editors show and what error messages quote, so its first sentence must stand alone. Next: `resolve`.

use std::{collections::BTreeMap, time::Duration};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::stages::duration;

/// The whole file. It is read section by section, so that one wrong section does not hide what is wrong in another.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(
    title = "Flyball deployment",
    description = "Where to run a pipeline: cameras, budgets, keys."
)]
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
    #[expect(
        dead_code,
        reason = "the pipeline is read before this is, so that problems of both come at once"
    )]
    pub(crate) pipeline: String,
}

/// One live input.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Camera {
    /// The camera's id, part of every key expression: letters, digits, `-`, `_` and `.`.
    #[schemars(extend("format" = "id"))]
    pub(crate) id: String,
    /// Where its pictures come from, such as `{ file = "clip.mp4" }` or `{ rtsp = "rtsp://host/path" }`.
    pub(crate) source: Source,
    /// What is taken of it at most.
    #[serde(default)]
    pub(crate) limits: Limits,
    /// What decodes it.
    #[serde(default)]
    pub(crate) decoder: Decoder,
}

/// Where a camera's pictures come from.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Source {
    /// A video file.
    File(FileSource),
    /// A network camera.
    Rtsp(RtspSource),
    /// Pictures made up here.
    Synthetic(SyntheticSource),
}

/// A video file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileSource {
    /// The file, relative to this file.
    #[schemars(length(min = 1))]
    pub(crate) file: String,
    /// How fast it plays.
    #[serde(default)]
    pub(crate) pace: Pace,
    /// Whether it starts again at its end.
    #[serde(default)]
    pub(crate) repeat: bool,
}

/// A network camera.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RtspSource {
    /// The camera's address, such as `rtsp://host:554/path`.
    #[schemars(extend("format" = "rtsp-url"))]
    pub(crate) rtsp: String,
    /// The user to log in as.
    pub(crate) user: Option<String>,
    /// The password; write `"${NAME}"` to take it from the environment.
    pub(crate) password: Option<String>,
    /// A file whose first line is the password, relative to this file.
    pub(crate) password_file: Option<String>,
    /// How pictures travel.
    #[serde(default)]
    pub(crate) transport: Transport,
}

/// Pictures made up here.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SyntheticSource {
    /// What to make up.
    pub(crate) synthetic: Synthetic,
}

/// How fast a file plays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Pace {
    /// As it was recorded, like a live camera; frames nobody takes in time are lost.
    #[default]
    Realtime,
    /// As fast as the graph takes them; none is lost.
    Fast,
}

/// How pictures travel from a network camera.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// TCP first, UDP when the camera refuses it.
    #[default]
    Auto,
    /// Inside the RTSP connection: passes firewalls, loses nothing.
    Tcp,
    /// Datagrams: a little less delay, and holes under load.
    Udp,
}

/// What decodes a camera's video.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Decoder {
    /// NVDEC when present, the CPU otherwise.
    #[default]
    Auto,
    /// The CPU.
    Software,
    /// NVDEC, or an error.
    Nvdec,
}

/// Pictures made up here: discs that move like faces, the same for the same seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Synthetic {
    /// Width in pixels, 16 to 7680.
    #[schemars(range(min = 16, max = 7680))]
    pub width: u32,
    /// Height in pixels, 16 to 4320.
    #[schemars(range(min = 16, max = 4320))]
    pub height: u32,
    /// Frames a second, above 0 and at most 240.
    #[schemars(range(max = 240), extend("exclusiveMinimum" = 0))]
    pub fps: f32,
    /// Faces on each frame, 0 to 64.
    #[schemars(range(min = 0, max = 64))]
    pub faces: u32,
    /// Frames to make; 0 makes them without end.
    pub frames: u64,
    /// How fast they come.
    pub pace: Pace,
    /// The seed of every movement.
    pub seed: u64,
}

impl Default for Synthetic {
    fn default() -> Self {
        Self {
            width: 640,
            height: 384,
            fps: 15.0,
            faces: 1,
            frames: 0,
            pace: Pace::Realtime,
            seed: 1,
        }
    }
}

/// What is taken of a camera at most.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Frames a second, above 0 and at most 240. Default: as many as it sends.
    #[schemars(range(max = 240), extend("exclusiveMinimum" = 0))]
    pub fps: Option<f32>,
    /// Widest picture accepted in pixels, 16 to 7680. Default: any.
    #[schemars(range(min = 16, max = 7680))]
    pub width: Option<u32>,
    /// Tallest picture accepted in pixels, 16 to 4320. Default: any.
    #[schemars(range(min = 16, max = 4320))]
    pub height: Option<u32>,
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
        Self {
            dir: "../models".to_owned(),
            device: "auto".to_owned(),
            allow_unlicensed: false,
        }
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

/// How events leave.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Events {
    /// Over Zenoh. Default: events stay in this process.
    pub(crate) zenoh: Option<Zenoh>,
    /// Kept on disk until subscribers have them. Default: not kept.
    pub(crate) journal: Option<Journal>,
}

/// This node's Zenoh session.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Zenoh {
    /// Its part in the network.
    pub(crate) mode: Mode,
    /// Addresses to listen on, such as `tcp/127.0.0.1:7447`.
    #[schemars(schema_with = "endpoints")]
    pub(crate) listen: Vec<String>,
    /// Addresses to connect to, such as `tls/router.example:7447`.
    #[schemars(schema_with = "endpoints")]
    pub(crate) connect: Vec<String>,
    /// Whether to find others on the local network by multicast.
    pub(crate) multicast: bool,
    /// Certificates.
    pub(crate) tls: Option<Tls>,
    /// The user to log in as.
    pub(crate) user: Option<String>,
    /// The password; write `"${NAME}"` to take it from the environment.
    #[serde(skip_serializing)]
    pub(crate) password: Option<String>,
    /// A file whose first line is the password, relative to this file.
    pub(crate) password_file: Option<String>,
    /// Allow listening beyond this machine without TLS: anyone who reaches the port reads every event.
    pub(crate) insecure: bool,
}

fn endpoints(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "array", "items": { "type": "string", "format": "endpoint" } })
}

/// A node's part in a Zenoh network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Talks to others directly.
    #[default]
    Peer,
    /// Talks through one router.
    Client,
    /// Routes for others too.
    Router,
}

/// Certificates.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Tls {
    /// The authority to trust: a PEM file, relative to this file.
    pub(crate) ca: Option<String>,
    /// This node's certificate: a PEM file, relative to this file.
    pub(crate) certificate: Option<String>,
    /// This node's private key: a PEM file, relative to this file.
    pub(crate) key: Option<String>,
    /// Whether others must show a certificate too.
    pub(crate) mutual: bool,
}

/// Where events are kept, and how many.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Journal {
    /// The store's file, relative to this file; made when it is not there.
    #[schemars(length(min = 1))]
    pub(crate) path: String,
    /// Older events may be dropped.
    #[serde(default = "week", with = "duration")]
    #[schemars(with = "duration::Written")]
    pub(crate) max_age: Duration,
    /// Above this size the oldest events are dropped.
    #[serde(default = "gibibyte")]
    #[schemars(extend("format" = "bytes"))]
    pub(crate) max_size: String,
}

fn week() -> Duration {
    Duration::from_secs(7 * 24 * 3600)
}

fn gibibyte() -> String {
    "1 GiB".to_owned()
}

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
}

impl Default for Governor {
    fn default() -> Self {
        Self {
            enabled: true,
            memory_budget: "80 %".to_owned(),
            latency_p95: Duration::from_millis(250),
            levers: Lever::ALL.to_vec(),
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

impl Lever {
    /// Every lever, cheapest loss first.
    pub const ALL: [Self; 7] = [
        Self::Batch,
        Self::Interval,
        Self::Size,
        Self::Precision,
        Self::Stages,
        Self::Rate,
        Self::Admission,
    ];
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
        Self {
            in_flight: 16,
            drain: Duration::from_secs(5),
        }
    }
}
