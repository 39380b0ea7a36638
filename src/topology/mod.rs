//! A written graph becomes running threads.

mod board;

pub use board::{Board, CameraLine, Presence, Snapshot, TailLine};
