//! What the process is told from outside: SIGINT and SIGTERM end the run, SIGHUP reads the budget anew.

use std::{
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread::Builder,
};

use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};

use crate::{
    config::Environment,
    topology::{Helm, open},
};

/// Listens on a thread of its own, which ends with the process. The answer counts the requests to end.
pub(super) fn listen(file: &Path, helm: Option<Helm>) -> io::Result<Arc<AtomicUsize>> {
    let count = Arc::new(AtomicUsize::new(0));
    let (counted, mut signals) = (Arc::clone(&count), Signals::new([SIGINT, SIGTERM, SIGHUP])?);
    let file = file.to_owned();
    Builder::new().name("signals".into()).spawn(move || {
        for signal in signals.forever() {
            if signal == SIGHUP {
                renew_budget(&file, helm.as_ref());
            } else {
                counted.fetch_add(1, Ordering::AcqRel);
            }
        }
    })?;
    Ok(count)
}

/// Reads `[governor]` again. Everything else of the file stays as it was when the run began.
fn renew_budget(file: &Path, helm: Option<&Helm>) {
    let Some(helm) = helm else {
        tracing::warn!("told to read the budget anew, but no governor runs");
        return;
    };
    let opened = open(file, &Environment::of_process());
    match opened.deployment {
        Some(deployment) if helm.renew(&deployment.governor) => {}
        Some(_) => tracing::warn!("the governor has too many new budgets waiting; send the signal again"),
        None => opened.problems.iter().for_each(|problem| tracing::error!("the budget stays as it was: {problem}")),
    }
}
