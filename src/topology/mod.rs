//! A written graph becomes running threads.
//!
//! [`open`] reads and checks files, [`graph`] is the checked graph, [`draw`] shows it. `assemble` opens what the stages need
//! (`models`, their `terms`, the `backend` that runs them) and puts them on stations, `delivery` and `couriers` are the ways events leave, `wiring` connects the stations, [`run`](Running) is the graph of running threads, the `roster` says
//! which `cameras` feed it and `renew` changes that with the file, the `herald` tells subscribers how they fare, the [`board`](Board) says what is going on, and [`steer`](Steering) keeps it within its budget. Next room up: `cli`.

mod assemble;
mod backend;
mod board;
mod cameras;
mod contracts;
mod couriers;
mod delivery;
pub mod draw;
#[cfg(feature = "cli")]
mod enrol;
mod entry;
mod floor;
mod gate;
pub mod graph;
mod herald;
mod inputs;
mod models;
mod open;
mod order;
mod people;
mod reads;
mod renew;
mod roster;
mod run;
mod steer;
mod store;
mod terms;
mod tracing;
mod wiring;
mod workshop;

pub use assemble::{AssembleError, Assembly, Ended, assemble, assemble_recorded};
#[cfg(feature = "cli")]
pub(crate) use backend::open_backend_as;
pub use board::{Board, CameraLine, Presence, Snapshot, TailLine};
pub use couriers::Couriers;
#[cfg(feature = "cli")]
pub use enrol::{EnrolError, Enrolled, Enroller};
pub use entry::CameraError;
pub use floor::networks_alone;
pub use graph::{Graph, Link, Node};
pub use inputs::view_terms;
pub use open::{Opened, open};
pub use renew::FromFile;
pub use roster::{Cameras, REMOVAL, Seat};
pub use run::{Outcome, Running, StageHandle, StartError};
pub use steer::{Helm, Steering};
pub use store::open_gallery;
pub use wiring::{Queue, Station, Stations, Work};
