//! A written graph becomes running threads. [`open`] reads and checks files, [`graph`] is the checked graph, [`draw`] shows it.

mod contracts;
pub mod draw;
pub mod graph;
mod open;
mod order;
mod reads;

pub use graph::{Graph, Link, Node};
pub use open::{Opened, open};
