//! `[telemetry]`: where traces and reports of failures go, as people type it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where traces of frames and reports of failures go. Default: nowhere.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Telemetry {
    /// The OTLP receiver of traces, such as `http://127.0.0.1:4318`. Default: no traces.
    #[schemars(extend("format" = "http-url"))]
    pub(crate) otlp: Option<String>,
    /// One frame in this many is traced, 1 to 1000000.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub(crate) every: u32,
    /// The DSN of a Sentry-compatible server that is told of panics and fatal errors. Default: nobody is told.
    #[schemars(length(min = 1))]
    pub(crate) sentry_dsn: Option<String>,
}

impl Default for Telemetry {
    /// At 30 frames a second one frame in a hundred is a trace every three seconds a camera.
    fn default() -> Self {
        Self { otlp: None, every: 100, sentry_dsn: None }
    }
}
