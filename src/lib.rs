//! Flyball.
pub mod governor;
pub mod simulate;
