//! `[telemetry]`, resolved: where traces and reports of failures go.

use super::{problem::Problem, resolve::Resolver, written};
use crate::telemetry::Dsn;

/// What the process says about itself to others; nothing unless asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Telemetry {
    /// Traces of frames.
    pub traces: Option<Traces>,
    /// Who is told of panics and fatal errors.
    pub reports: Option<Dsn>,
}

/// Traces of frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traces {
    /// The OTLP receiver's address.
    pub receiver: String,
    /// One frame in this many is traced.
    pub every: u32,
}

impl Resolver<'_> {
    /// The section, or nothing of it.
    pub(super) fn telemetry(&mut self) -> Telemetry {
        let Some(written) = self.section::<written::Telemetry>("telemetry") else { return Telemetry::default() };
        let reports = written.sentry_dsn.as_deref().and_then(|dsn| self.dsn(dsn));
        let traces = written.otlp.map(|receiver| Traces { receiver, every: written.every });
        Telemetry { traces, reports }
    }

    fn dsn(&mut self, written: &str) -> Option<Dsn> {
        let node = self.tree.at("telemetry").unwrap_or(self.tree);
        let wrong = |_| {
            let hint = "write it as the server shows it, `https://KEY@HOST/NUMBER`, or \"${NAME}\" to take it from the environment";
            Problem::error(node.value_place("sentry_dsn"), "telemetry.sentry_dsn", "this is no DSN", hint)
        };
        Dsn::parse(written).map_err(|cause| self.problems.push(wrong(cause))).ok()
    }
}
