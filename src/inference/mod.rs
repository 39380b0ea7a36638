//! Models: what a manifest says of them, sessions that run them, the pass from planes to tensor, and what their outputs mean.
//!
//! [`manifest`] is what people write. [`backend`](Session) is the seam: everything above it runs on [`ort`] or on a fake
//! alike, in batches cut or padded to fixed sizes ([`bucket`]). The [`shelf`](Shelf) holds what is loaded and swaps it
//! between batches; [`profile`] is what a rung costs on this machine. [`tensor`] fills a network's input from a frame's planes, [`decode`] reads its outputs, and [`heads`]
//! join the three into detectors, embedders and their kin, which stages ask through [`faces`](FaceDetector).
//! Next room up: `stages`.

mod backend;
mod bucket;
pub mod decode;
mod device;
mod faces;
mod fake;
pub mod heads;
pub mod manifest;
#[cfg(feature = "ort")]
pub mod ort;
pub mod profile;
mod runs;
mod shapes;
mod shelf;
pub mod tensor;

pub use backend::{Backend, Batch, InferenceError, OutputTensor, Outputs, Session};
pub use bucket::{Bucketing, FIXED_BATCHES, LARGEST_BUCKET, Portion, bucket, portions};
pub use device::Device;
pub use faces::{
    ContentWatcher, Describers, EyeWatcher, Eyes, FaceClassifier, FaceDetector, FaceEmbedder, LivenessJudge, Look,
};
pub use fake::{Answer, FakeBackend, FakeSession, write_output};
pub use runs::{Counted, RunCount, RunKey, RunLog};
pub use shapes::{SHAPES, ShapeDescriber, ShapeDetector, ShapeEmbedder, ShapeJudge};
pub use shelf::{Lease, Loaded, Resident, Seat, Shelf, ShelfError, ShelfEvent, Step};
