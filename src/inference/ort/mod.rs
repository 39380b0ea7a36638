//! ONNX Runtime, loaded when the program runs: where its library is sought ([`library`]) and what lies beside it ([`neighbours`]), what a deployment may set
//! ([`options`]), which [`providers`] load here, how a session is opened and checked ([`open`], [`check`], [`opener`]), how it runs ([`session`], [`graphs`]), and what its errors
//! mean ([`words`]).

mod check;
mod graphs;
mod library;
mod neighbours;
mod open;
mod opener;
mod options;
mod providers;
mod session;
mod words;

pub use library::{Library, LibrarySearch};
pub use open::OrtBackend;
pub use options::{OrtOptions, TensorRtOptions};
pub use providers::Provider;
pub use session::OrtSession;
