//! What a network's answer means: boxes and points, a vector, probabilities, angles.
//!
//! [`DetectorHead`] picks one of six ways to read boxes ([`yunet`] … [`retinaface`]); all give [`Proposal`]s in pixels of the
//! tensor, from which [`suppress`] keeps the best of each heap. [`classes`], [`points`], [`angles`] and [`vector`](embedding)
//! read the small networks that look at one face. [`wiring`] finds outputs by name and checks their length. Numbers that
//! are not finite never leave this room. Next: `heads`, which joins session, pixels and decoder.

mod angles;
mod centerface;
mod classes;
mod detector;
mod grid;
mod points;
mod proposal;
mod retinaface;
mod scrfd;
#[cfg(test)]
#[cfg(feature = "checks")]
mod tests;
mod ultraface;
mod vector;
mod wiring;
mod yolov8;
mod yunet;

pub use angles::{Angles, angles};
pub use classes::{expectation, probabilities};
pub use detector::DetectorHead;
pub(in crate::inference) use detector::unfit;
pub use points::points;
pub use proposal::{PROPOSALS_KEPT, Proposal, suppress};
pub use vector::embedding;
pub use wiring::DecodeError;
