//! Models with a job: frames or faces in, observations out, a batch at a time, on the worker's own thread.
//!
//! A [`Supply`] says whose sessions a head works with; `network` runs any number of items on one, and `room` says how
//! many fit at once; `crop` brings a face to a
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
mod hands;
mod landmarks;
mod liveness;
#[cfg(test)]
mod memory_tests;
mod network;
mod pose;
mod room;
mod supply;
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
pub use supply::Supply;

/// A face and the picture it was seen on.
pub type Sight<'a> = (&'a crate::memory::Pixels, &'a crate::scene::FaceObservation);
