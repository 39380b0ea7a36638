//! One verb a file.

mod asking;
pub mod detect;
pub mod duration;
pub mod liveness;
pub mod recognize;
mod track;

pub use track::{CONTRACT as TRACK, Config as TrackConfig, Track};
pub mod publish;
