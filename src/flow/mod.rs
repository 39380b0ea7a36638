//! How packets move: what a stage is, the bounded edges between stages, the lanes in front of the first one, the thread
//! that runs a stage, traces of single frames, and how all of it ends.
//!
//! Read [`stage`](Stage) first, then [`edge`], [`Lanes`] and [`Worker`]. Next room up: `topology`, which wires these together.

mod dial;
mod drops;
mod edge;
mod exit;
mod figures;
mod lanes;
mod shutdown;
mod stage;
#[cfg(test)]
pub(crate) mod testing;
mod trace;
mod worker;

pub use dial::Dial;
pub use drops::Drops;
pub use edge::{Arrival, Inlet, Outlet, ReaderGone, WhenFull, edge};
pub use exit::Exit;
pub use figures::{Latency, Percentiles, StageFigures, StageTotals};
pub use lanes::{Accepted, LaneInlet, LaneKind, Lanes, Swept};
pub use shutdown::{Shutdown, ShutdownSwitch, shutdown};
pub use stage::{Contract, Fact, Facts, Sink, Stage, StageError};
pub use trace::{DecisionInForce, FrameTraces};
pub use worker::{Feed, Job, Worker, panic_message};
