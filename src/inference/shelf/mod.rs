//! The shelf: loaded models by name. Workers take a session for one batch and give it back; meanwhile another variant is
//! loaded beside, becomes the current one between batches, and the old one is retired. No frame ever waits for a load.
//!
//! [`front`] is what others call; [`pool`] is the state and its rules, without threads; [`lease`] what a worker holds;
//! [`order`] what the shelf is told and answers; [`loader`] the one thread that loads, switches and retires, in the order
//! it was told to. Who tells it is `topology`, on the governor's behalf.

mod front;
mod lease;
mod loader;
mod order;
mod pool;
mod voice;

#[cfg(test)]
mod tests;

pub use front::Shelf;
pub use lease::{Lease, Seat};
pub use order::{ShelfError, ShelfEvent, Step};
pub use pool::{Loaded, Resident};
