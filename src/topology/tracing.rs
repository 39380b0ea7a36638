//! Traces of frames, where a deployment asks for them: who sends them, and what each frame's trace says of the governor.

use std::sync::Arc;

use super::{AssembleError, steer::InForce};
use crate::config::Deployment;
use crate::flow::FrameTraces;

/// Who writes traces and who sends them; neither, unless asked for.
#[derive(Debug, Default)]
pub(super) struct Tracing {
    /// For the graph's workers.
    pub(super) frames: Option<FrameTraces>,
    #[cfg(feature = "server")]
    exporter: Option<crate::telemetry::Exporter>,
}

impl Tracing {
    /// Sends what still waits.
    #[cfg_attr(not(feature = "server"), allow(clippy::unused_self, reason = "the other build needs it"))]
    pub(super) fn finish(self) {
        #[cfg(feature = "server")]
        if let Some(exporter) = self.exporter {
            exporter.finish();
        }
    }
}

/// Begins, if the deployment names a receiver.
#[cfg(feature = "server")]
pub(super) fn open(deployment: &Deployment, in_force: &Arc<InForce>) -> Result<Tracing, AssembleError> {
    let Some(asked) = &deployment.telemetry.traces else { return Ok(Tracing::default()) };
    let exporter = crate::telemetry::Exporter::start(&asked.receiver, &deployment.site, &deployment.node);
    let (exporter, queue) = exporter.map_err(AssembleError::failed)?;
    let in_force = Arc::clone(in_force);
    let decision = Arc::new(move || in_force.stamp().map(|stamp| stamp.decision_id));
    let frames = FrameTraces::new(asked.every, fastrand::u64(..), both_clocks(), decision, queue);
    Ok(Tracing { frames: Some(frames), exporter: Some(exporter) })
}

/// This build cannot send any.
#[cfg(not(feature = "server"))]
pub(super) fn open(deployment: &Deployment, _: &Arc<InForce>) -> Result<Tracing, AssembleError> {
    if deployment.telemetry.traces.is_none() {
        return Ok(Tracing::default());
    }
    let message = "the deployment wants traces (`otlp` in `[telemetry]`), but this flyball was built without them: build it with `--features server`";
    Err(AssembleError::missing(message))
}

#[cfg(feature = "server")]
#[allow(clippy::disallowed_methods, reason = "traces are told in wall-clock time: one look at both clocks")]
fn both_clocks() -> (std::time::Instant, std::time::SystemTime) {
    (std::time::Instant::now(), std::time::SystemTime::now())
}
