//! The commands.

pub mod check;
pub mod draw;
pub mod schema;
