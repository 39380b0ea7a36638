//! A written graph becomes running threads.

mod board;
mod cameras;
mod run;
mod wiring;

pub use board::{Board, CameraLine, Presence, Snapshot, TailLine};
pub use run::{Ending, Outcome, Running, StageHandle, StartError};
pub use wiring::{Queue, Station, Stations, Work};
