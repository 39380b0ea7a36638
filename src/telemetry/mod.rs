//! What this process says about itself to those who run it: log lines, traces of frames, reports of failures. Each is off
//! until asked for, and none of them ever holds a picture, an embedding or a password.
//!
//! [`log_to_stderr`] sets logging up; a [`Span`] is one step of one frame and a [`SpanQueue`] the bounded way to `otlp`, which
//! sends them as OTLP over HTTP; `report` tells a Sentry-compatible server of panics and fatal errors. The ground floor: it
//! knows no other room. Next: `flow`, whose workers write spans.

mod dsn;
#[cfg(feature = "cli")]
mod log;
#[cfg(feature = "server")]
mod otlp;
#[cfg(feature = "server")]
mod report;
mod span;

pub use dsn::{Dsn, DsnError};
#[cfg(feature = "cli")]
pub use log::{FilterError, LogFormat, log_to_stderr, log_to_view};
#[cfg(feature = "server")]
pub use otlp::Exporter;
#[cfg(feature = "server")]
pub use report::{Reporter, Sender};
pub use span::{Fact, Span, SpanCounts, SpanQueue};
