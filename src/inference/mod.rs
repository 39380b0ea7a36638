//! Models: what a manifest says of them, sessions that run them, the pass from planes to tensor, and what their outputs mean.
//!
//! [`manifest`] is what people write. [`backend`](Session) is the seam: everything above it runs on ONNX Runtime or on a
//! fake alike. [`tensor`] fills its input from a frame's planes, [`decode`] reads its outputs, and [`heads`] join the three
//! into detectors, embedders and their kin. Next room up: `stages`.

mod backend;
pub mod decode;
pub mod heads;
pub mod manifest;
pub mod tensor;

pub use backend::{Batch, InferenceError, OutputTensor, Outputs, Session};
