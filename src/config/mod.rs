//! What people write: deployments (where to run) and pipelines (what to run), read from TOML into types that can be trusted.
//! Every problem is collected, with file, line, column and what to try; nothing stops at the first.
//!
//! There are two words: *written*, as typed ([`schema`] documents every key), and *resolved* ([`Deployment`], [`Pipeline`]):
//! checked, defaults filled in, paths absolute, secrets read. The way from one to the other, in reading order:
//!
//! 1. `syntax` parses a file into a `tree` whose every node knows its `place`;
//! 2. `environment` fills in `${NAME}`, `overlay` lays a deployment's overrides over its pipeline;
//! 3. `shape` compares the tree with the JSON Schema made from the `written` types, `format` reads texts such as `"5 ms"`,
//!    and `refusal` finds the words for what does not fit;
//! 4. `resolve` and `camera` check what a schema cannot say.
//!
//! Whether the stages of a pipeline make a graph is for `topology`, the next room up, to say.

mod camera;
mod courier;
mod credentials;
mod deployment;
mod environment;
mod format;
mod load;
mod mask;
mod model_folders;
mod overlay;
mod pipeline;
mod place;
mod problem;
mod refusal;
mod resolve;
pub mod schema;
mod secret;
mod server;
mod shape;
mod stage;
mod syntax;
mod telemetry;
mod tree;
mod words;
mod written;
mod zenoh;

pub use courier::{Mqtt, Webhook};
pub use deployment::{
    Camera, Credentials, Deployment, Events, Gallery, Governor, Ice, Journal, Models, Source, Tls, TlsTrust, Zenoh,
};
pub use environment::Environment;
pub use format::{Budget, Device};
pub use load::{Reading, camera as camera_from_json, deployment, read};
#[cfg(all(feature = "cli", feature = "server"))]
pub(crate) use mask::secrets as mask_secrets;
pub use pipeline::{CAMERAS, Pipeline};
pub use place::Place;
pub use problem::{Problem, Severity, any_error, in_reading_order};
pub use secret::Secret;
pub use server::{Client, Role, Server, ServerTls, View};
pub use stage::{After, Edge, Stage, WhenFull};
pub use telemetry::{Telemetry, Traces};
pub(crate) use words::{did_you_mean, one_of};
pub use written::{Admission, Decoder, Flow, Health, Lever, Limits, Mode, Pace, Synthetic, Transport, Wait};
