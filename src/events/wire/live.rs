//! How a running node stands right now: what `flyball top` shows. Published twice a second on
//! `…/@node/<node>/governor/state`; each one replaces the one before, so it is neither numbered nor kept.

use serde::{Deserialize, Serialize};

use super::UtcMicros;

/// Version of this document.
pub const LIVE_VERSION: u32 = 1;

/// A node and its governor at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GovernorState {
    /// [`LIVE_VERSION`]; later ones only add fields.
    pub v: u32,
    /// The site.
    pub site: String,
    /// The node.
    pub node: String,
    /// When it was so.
    pub time: UtcMicros,
    /// Seconds since the run began.
    pub uptime_s: f64,
    /// How hard it is pressed: `low`, `normal`, `high`, `critical`.
    pub pressure: String,
    /// What the governor is in the middle of.
    pub doing: String,
    /// The decision in force.
    pub decision: u64,
    /// Whether something is given up under it.
    pub degraded: bool,
    /// Memory of the device the models run on.
    pub memory: LiveMemory,
    /// Time of that device.
    pub time_share: f64,
    /// Capture to event.
    pub latency: LiveLatency,
    /// Frames.
    pub flow: LiveFlow,
    /// One a model, in graph order.
    pub models: Vec<LiveModel>,
    /// One a camera, those that wait or were refused included.
    pub cameras: Vec<LiveCamera>,
    /// What the memory is held by, largest first.
    pub held: Vec<LiveHolding>,
    /// The last decisions, newest last.
    pub decisions: Vec<LiveDecision>,
}

/// Bytes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LiveMemory {
    /// What reads it.
    pub meter: String,
    /// Held by this process.
    pub ours: u64,
    /// Held by nobody.
    pub free: u64,
    /// All there is.
    pub total: u64,
    /// What this process may hold.
    pub budget: u64,
    /// What it will hold at most once everything asked for is there.
    pub planned: u64,
}

/// Milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LiveLatency {
    /// 95 of 100 frames were faster.
    pub p95_ms: f64,
    /// What is asked for.
    pub objective_ms: f64,
}

/// Frames on their way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LiveFlow {
    /// Waiting in front of the first stage.
    pub waiting: u32,
    /// Inside the graph.
    pub in_flight: u32,
    /// As many may be.
    pub most_in_flight: u32,
    /// One taken frame in so many is detected.
    pub interval: u32,
    /// Share of each camera's frames that is taken.
    pub rate: f64,
    /// Known faces are looked at again this many times later than the pipeline says.
    #[serde(default = "as_written")]
    pub again: f64,
}

fn as_written() -> f64 {
    1.0
}

/// One model's rung and what it does there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LiveModel {
    /// Its name.
    pub model: String,
    /// The variant in use; none while it is off or between two.
    pub variant: Option<String>,
    /// Most items a run.
    pub batch: u32,
    /// Longest wait for more of them, milliseconds.
    pub linger_ms: f64,
    /// Items waiting.
    pub queue: u32,
    /// Items a second.
    pub per_second: f64,
    /// Milliseconds a run.
    pub service_ms: f64,
}

/// One camera.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LiveCamera {
    /// Its id.
    pub camera: String,
    /// How it is doing, in words.
    pub state: String,
    /// Frames a second it delivers.
    pub offered_fps: f64,
    /// Frames a second that went through.
    pub served_fps: f64,
    /// Frames thrown away so far.
    pub dropped: u64,
}

/// Something that holds memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveHolding {
    /// What.
    pub what: String,
    /// How much, as far as it is known.
    pub bytes: u64,
}

/// A decision and why it was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LiveDecision {
    /// Its number, as events carry it.
    pub id: u64,
    /// Seconds since the run began.
    pub at_s: f64,
    /// What changed.
    pub change: String,
    /// Why, in a word.
    pub reason: String,
    /// The numbers it was made on.
    pub saw: String,
}
