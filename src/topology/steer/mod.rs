//! Keeps a running graph within its budget: ten times a second the instruments are read, the governor decides, its plan is
//! applied.
//!
//! [`subject`] is what can be steered, [`costs`] and [`policy`] turn manifests and a deployment into the governor's words.
//! [`meter`], [`processor`] and [`window`] are instruments, [`heard`] is what the shelf told, [`read`] copies all of it into a reading,
//! [`apply`] turns dials and orders the shelf about, [`learned`] keeps what a run has taught. [`tell`] says what was decided, [`live`] how
//! things stand. [`step`] is one turn of all that,
//! [`helm`] the thread that takes it, and [`build`] puts them together for a deployment.

#[cfg(test)]
mod admission_tests;
mod apply;
mod build;
mod costs;
#[cfg(test)]
mod exhaustion_tests;
mod heard;
mod helm;
mod in_force;
mod learned;
mod live;
mod meter;
#[cfg(all(test, feature = "cuda"))]
mod nvml_tests;
mod policy;
mod processor;
mod read;
mod step;
mod subject;
mod tell;
#[cfg(test)]
mod tests;
mod window;

pub use helm::{Helm, Steering};

pub(super) use build::{Equipment, keeps_the_gate, start};
pub(super) use in_force::InForce;
pub(super) use live::surfaces;

use apply::{Hands, Steered};
use costs::{measured_beside, profile};
use meter::{gpu_number, meter};
use policy::policy;
use processor::processor;
use read::Instruments;
use step::Steersman;
use subject::{Subject, steps_down};
use tell::{Shown, Teller};

pub(super) use tell::Publish;
