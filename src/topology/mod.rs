//! A written graph becomes running threads. [`open`] reads and checks files, [`graph`] is the checked graph, [`draw`] shows it.

pub mod draw;
pub mod graph;
mod contracts;
mod open;

pub use graph::{Graph, Link, Node};
pub use open::{Opened, open};
