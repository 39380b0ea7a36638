//! The people known, and the act of adding one.
//!
//! A [`Person`] has [`Enrolment`]s: an embedding each, never a picture. [`gate`](Gate) says which photos are good enough;
//! [`store`](GalleryError) keeps enrolments in one crash-safe file; [`index`](Index) searches them in memory; [`Gallery`]
//! holds it all together. Next room up: `stages::recognize`, which asks an [`Index`] who somebody is.

mod folder;
mod gate;
mod index;
mod people;
mod person;
mod problem;
mod record;
mod store;

pub use gate::{Gate, Refusal};
pub use index::{Index, SearchResult};
pub use people::Gallery;
pub use person::{Enrolment, Person};
pub use problem::GalleryError;
