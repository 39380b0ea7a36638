//! Models: what a manifest says of them, sessions that run them, the pass from planes to tensor, and what their outputs mean.
//!
//! [`manifest`] is what people write. [`backend`](Session) is the seam: everything above it runs on ONNX Runtime or on a
//! fake alike.

mod backend;
pub mod manifest;

pub use backend::{Batch, InferenceError, OutputTensor, Outputs, Session};
