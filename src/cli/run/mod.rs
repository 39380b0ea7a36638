//! `flyball run`.

mod terminal;
pub mod view;
