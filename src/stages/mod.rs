//! One verb a file.

mod asking;
pub mod detect;
pub mod duration;
pub mod liveness;
pub mod recognize;
pub mod track;

pub mod publish;
