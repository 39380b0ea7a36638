//! Models: what a manifest says of them, sessions that run them, the pass from planes to tensor, and what their outputs mean.
//!
//! [`backend`](Session) is the seam: everything above it runs on ONNX Runtime or on a fake alike.

mod backend;
mod faces;
mod shapes;
pub mod tensor;

pub use backend::{Batch, InferenceError, OutputTensor, Outputs, Session};
pub use faces::{FaceDetector, FaceEmbedder, LivenessJudge, Look};
pub use shapes::{ShapeDetector, ShapeEmbedder, ShapeJudge};
