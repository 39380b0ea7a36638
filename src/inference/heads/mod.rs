//! Models with a job: frames or faces in, observations out, a batch at a time, on the worker's own thread.
//!
//! [`Network`](network) runs a session over any number of items in fixed batch sizes; [`FaceCrop`](crop) brings a face to a
//! network's size. On these stand [`Detector`] and [`ContentModel`] (whole frames) and [`Embedder`], [`LivenessModel`],
//! [`AttributeModel`], [`LandmarkModel`], [`PoseModel`] and [`EyeModel`] (single faces). All keep their buffers between calls.

mod attributes;
mod boxes;
mod content;
mod crop;
mod detector;
mod embedder;
mod eyes;
mod faces;
mod landmarks;
mod liveness;
mod network;
mod pose;
#[cfg(test)]
mod tests;

pub use attributes::AttributeModel;
pub use content::{ContentModel, Sighting};
pub use detector::Detector;
pub use embedder::Embedder;
pub use eyes::{EyeModel, eye_boxes};
pub use landmarks::LandmarkModel;
pub use liveness::LivenessModel;
pub use pose::PoseModel;

/// A face and the picture it was seen on.
pub type Sight<'a> = (&'a crate::memory::Pixels, &'a crate::scene::FaceObservation);
