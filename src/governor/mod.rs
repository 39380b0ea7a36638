//! The governor: keeps a pipeline within its memory and its latency objective while the load changes.
//!
//! A pure decision, [`Governor::step`]: a [`Reading`] goes in ten times a second, a [`Plan`] comes out. No channels, no
//! clock, no device, no model runtime, so that the same code runs in the pipeline, in the simulator and over a recorded run.
//!
//! Two time scales (the shape of Proteus, ASPLOS 2024, and InferLine, 2018): the fast loop tunes batches at every
//! reading; the slow one looks for the best setting under the limits, steps down as soon as pressure is high and up only
//! after a dwell. The files, in reading order:

mod names;
mod plan;
mod policy;
mod profile;
mod reading;

mod bound;
mod closest;
mod decide;
pub(crate) mod knapsack;
mod ladder;
pub(crate) mod levels;
mod options;
mod pressure;

mod calm;
mod demand;
mod door;
mod fast;
mod lately;
mod ledger;
mod pace;
mod seat;
mod sparing;
mod thrift;

mod account;
mod admission;
mod apply;
mod climb;
mod compose;
mod follow;
mod learn;
mod lower;
mod raise;
mod room;
mod settle;
mod shed;
mod sight;
mod spares;
mod step;
mod switch;
mod target;
mod weigh;

pub use account::{Account, Held};
pub use decide::{Stance, State, decide};
pub use fast::wait_for_more;
pub use names::{CameraName, Elapsed, ModelName, VariantName};
pub use plan::{Admission, CameraRate, Decision, Move, Plan, Reason, Room, Rung, Saw, Verdict};
pub use policy::{Dwell, Lever, Policy, Water};
pub use pressure::Pressure;
pub use profile::{Learned, ModelProfile, Precision, Profile, VariantProfile};
pub use reading::{Asking, CameraReading, Compute, Event, Latency, Memory, ModelReading, Reading};
pub use step::Governor;
