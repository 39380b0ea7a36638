//! Flyball watches live video: it finds faces, follows them, says who they are and whether they are alive, and tells
//! subscribers over Zenoh, inside a memory budget that its governor keeps.
//!
//! The rooms, from the ground up; imports go down only:
//!
//! | floor | rooms |
//! |---|---|
//! | front | `cli` (and `main.rs`), `server` |
//! | assembly | [`doctor`], over [`topology`], over [`config`] |
//! | stages | [`stages`]: one verb a file |
//! | machinery | [`flow`], [`media`], [`inference`], [`events`], [`gallery`] |
//! | ground | [`scene`], [`memory`], [`vision`], [`governor`] |
//!
//! One frame's walk starts in [`media`], is thinned out in [`flow`]'s lanes, is enriched by the [`stages`] in the order
//! [`topology`] wired them, and ends in an event that [`events`] publishes.

#[cfg(feature = "cli")]
pub mod cli;
pub mod config;
#[cfg(feature = "cli")]
pub mod doctor;
pub mod events;
pub mod flow;
pub mod gallery;
pub mod governor;
pub mod inference;
pub mod media;
pub mod memory;
pub mod scene;
#[cfg(feature = "server")]
pub mod server;
#[cfg(feature = "cli")]
pub mod simulate;
pub mod stages;
pub mod telemetry;
pub mod topology;
pub mod vision;
