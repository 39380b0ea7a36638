//! How packets move: what a stage is, the bounded edges between stages, the lanes in front of the first one, the thread
//! that runs a stage, and how all of it ends.
//!
//! Read [`stage`](Stage) first, then `edge`, `lanes` and `worker`. Next room up: `topology`, which wires these together.

mod exit;
mod stage;

pub use exit::Exit;
pub use stage::{Contract, Fact, Facts, Sink, Stage, StageError};
