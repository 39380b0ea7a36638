//! `flyball run`: runs a deployment and shows it.

mod gauge;
mod session;
mod terminal;
mod view;
