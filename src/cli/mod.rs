//! The commands.

pub mod models;
