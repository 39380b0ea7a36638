//! Models: what a manifest says of them, sessions that run them, the pass from planes to tensor, and what their outputs mean.
//!
//! [`manifest`] is what people write. [`backend`](Session) is the seam: everything above it runs on [`ort`] or on a fake
//! alike, in batches cut or padded to fixed sizes ([`bucket`]). The [`shelf`] holds what is loaded and swaps it between
//! batches; [`profile`] is what a rung costs on this machine.

mod backend;
mod bucket;
mod device;
mod fake;
pub mod manifest;
#[cfg(feature = "ort")]
pub mod ort;
pub mod profile;
mod shelf;

pub use backend::{Backend, Batch, InferenceError, OutputTensor, Outputs, Session};
pub use bucket::{Bucketing, LARGEST_BUCKET, Portion, bucket, portions};
pub use device::Device;
pub use fake::{Answer, FakeBackend, FakeSession, write_output};
pub use shelf::{Lease, Loaded, Resident, Seat, Shelf, ShelfError, ShelfEvent, Step};
