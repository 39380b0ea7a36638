//! A written graph becomes running threads.

mod board;
mod cameras;
mod run;
mod wiring;

pub use board::{Board, CameraLine, Presence, Snapshot, TailLine};
pub use run::{Ending, Outcome, Running, StageHandle, StartError};
pub use wiring::{Queue, Station, Stations, Work};
//! A written graph becomes running threads. [`open`] reads and checks files, [`graph`] is the checked graph, [`draw`] shows it.

pub mod draw;
pub mod graph;
mod contracts;
mod open;

pub use graph::{Graph, Link, Node};
pub use open::{Opened, open};
