//! What the governor answers: dials to set, moves to make, cameras to admit, and why.
//!
//! `rungs`, `detect_interval` and `cameras` say how things should be and may be applied again; `moves` are asked for once.
//! Next: [`step`](super::step), which puts one together.

use serde::{Deserialize, Serialize};

use super::names::{CameraName, Elapsed, ModelName, VariantName};
use super::policy::Lever;

/// Everything to apply now.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The decision in force: what events say they were made under. 0 before the first.
    pub decision: u64,
    /// One a model, in pipeline order.
    pub rungs: Vec<Rung>,
    /// To do now, in this order.
    pub moves: Vec<Move>,
    /// Detect on every n-th frame taken. Decisions count frames as they come.
    pub detect_interval: u32,
    /// Let at most this many frames be past detection at once.
    pub in_flight: u32,
    /// Look at a followed face again this many times later than its stage's settings say.
    #[serde(default = "one")]
    pub again: f64,
    /// Share of every camera's frames to take, 0 to 1.
    pub camera_rate: f64,
    /// The same, camera by camera, in frames a second.
    pub cameras: Vec<CameraRate>,
    /// Answers to the cameras asking.
    pub admissions: Vec<Admission>,
    /// Bytes this process will hold once the moves are done, at most.
    pub memory_planned: u64,
    /// Decisions made in this step, oldest first.
    pub decisions: Vec<Decision>,
}

/// A model's variant and the batch in use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rung {
    /// Which model.
    pub model: ModelName,
    /// The variant to run; `None`: the stage passes items through unasked, because it is switched off or between variants.
    pub variant: Option<VariantName>,
    /// Run at most this many items together.
    pub batch: u32,
    /// Wait at most this long for more of them, milliseconds.
    pub linger_ms: f64,
    /// Look at no more than this many faces of one frame, where the model looks at faces.
    #[serde(default = "any_number")]
    pub looks: u32,
}

fn one() -> f64 {
    1.0
}

fn any_number() -> u32 {
    u32::MAX
}

/// One step of a two-phase change: load the new, use it once it is ready, retire the old.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "move", rename_all = "snake_case")]
pub enum Move {
    /// Load beside whatever runs; answer with `Ready` or `Failed`.
    Load {
        /// Which model.
        model: ModelName,
        /// Which variant.
        variant: VariantName,
        /// The largest batch it must be able to run.
        batch: u32,
    },
    /// Run this one from the next batch on.
    Use {
        /// Which model.
        model: ModelName,
        /// Which variant.
        variant: VariantName,
    },
    /// Drop it once no batch is on it; answer with `Retired`.
    Retire {
        /// Which model.
        model: ModelName,
        /// Which variant.
        variant: VariantName,
    },
    /// Give back the workspace beyond this batch.
    Shrink {
        /// Which model.
        model: ModelName,
        /// The largest batch from now on.
        batch: u32,
    },
    /// Be ready for batches of up to this, without loading anew.
    Grow {
        /// Which model.
        model: ModelName,
        /// The largest batch from now on.
        batch: u32,
    },
}

/// A camera's rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CameraRate {
    /// Which camera.
    pub camera: CameraName,
    /// Frames a second to take.
    pub fps: f64,
}

/// The answer to a camera that asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Admission {
    /// Which camera.
    pub camera: CameraName,
    /// Whether it may start.
    pub verdict: Verdict,
}

/// Whether a camera may start.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// Start it.
    Admit,
    /// Room is being made; ask again with the next reading.
    Wait,
    /// It cannot be served within the objective.
    Refuse {
        /// What it would take at the cheapest setting the policy allows.
        needs: Room,
        /// What is left at that setting.
        free: Room,
    },
}

/// An amount of both things a camera needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Room {
    /// Bytes.
    pub memory: u64,
    /// Lanes of compute.
    pub lanes: f64,
}

/// One decision, with the numbers it was made on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Counts from 1 within a run.
    pub id: u64,
    /// When.
    pub at: Elapsed,
    /// What was moved.
    pub lever: Lever,
    /// The model or camera it concerns, if one.
    pub subject: String,
    /// How it was.
    pub from: String,
    /// How it will be.
    pub to: String,
    /// Why.
    pub reason: Reason,
    /// What was seen.
    pub saw: Saw,
}

/// Why a decision was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The run begins.
    Start,
    /// Memory is above its high water.
    MemoryHigh,
    /// Memory has run out or is about to.
    MemoryCritical,
    /// An allocation failed.
    OutOfMemory,
    /// The work asked for takes more time than the device has.
    TimeHigh,
    /// Events are later than the objective.
    LatencyOver,
    /// There has been room for more, for long enough.
    RoomToRaise,
    /// A variant did not load.
    LoadFailed,
    /// A variant did not load in time.
    LoadTimedOut,
    /// A switch up was under way when pressure rose.
    Abandoned,
    /// A model without a variant gets one that fits.
    FillVacancy,
    /// Loading takes long and there is memory that nobody wants: it is loaded beside what is in use.
    Prepare,
    /// The camera fits.
    Fits,
    /// The camera does not fit at any setting the policy allows.
    NoRoom,
}

/// The numbers a decision was made on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Saw {
    /// Share of the memory this process may hold.
    pub memory: f64,
    /// Share of the lanes' time the plan in force needs for the load measured.
    pub time: f64,
    /// Milliseconds, capture to event.
    pub p95_ms: f64,
    /// Bytes held.
    pub ours: u64,
    /// Bytes that may be held.
    pub ceiling: u64,
    /// Frames a second offered by all cameras.
    pub frames_per_s: f64,
}
