//! One verb a file.

mod track;

pub use track::{CONTRACT as TRACK, Config as TrackConfig, Track};
