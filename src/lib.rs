//! Flyball.
