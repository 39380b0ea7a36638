//! Panics and fatal errors, told to the server that a deployment names in `[telemetry] sentry_dsn`; to nobody otherwise.

use crate::config::Deployment;

/// Who is told, if anybody. Dropping it sends what still waits.
pub(super) struct Failures {
    #[cfg(feature = "server")]
    reporter: Option<crate::telemetry::Reporter>,
}

impl Failures {
    /// Reports panics from now on, if that is asked for.
    #[cfg(feature = "server")]
    pub(super) fn watch(deployment: &Deployment) -> Self {
        use crate::{
            config::mask_secrets,
            telemetry::{Reporter, Sender},
        };
        let reporter = deployment.telemetry.reports.as_ref().map(|dsn| {
            let (environment, server) = (deployment.site.clone(), deployment.node.clone());
            Reporter::start(dsn, Sender { environment, server, clean: mask_secrets })
        });
        if let Some(reporter) = &reporter {
            reporter.report_panics();
        }
        Self { reporter }
    }

    /// This build tells nobody.
    #[cfg(not(feature = "server"))]
    pub(super) fn watch(deployment: &Deployment) -> Self {
        if deployment.telemetry.reports.is_some() {
            tracing::warn!("this flyball was built without `--features server`: failures are reported to nobody");
        }
        Self {}
    }

    /// Why the run could not begin, or how it failed.
    #[cfg_attr(not(feature = "server"), allow(clippy::unused_self, reason = "as in builds that report"))]
    pub(super) fn tell(&self, why: &str) {
        #[cfg(feature = "server")]
        if let Some(reporter) = &self.reporter {
            reporter.failure(why);
        }
        #[cfg(not(feature = "server"))]
        let _ = why;
    }
}

#[cfg(feature = "server")]
impl Drop for Failures {
    fn drop(&mut self) {
        if let Some(reporter) = &self.reporter {
            reporter.finish();
        }
    }
}
