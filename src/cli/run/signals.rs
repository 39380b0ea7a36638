//! What the process is told from outside: SIGINT and SIGTERM end the run, SIGHUP reads the deployment anew.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread::Builder,
};

use crossbeam_channel::Sender;
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};

/// Listens on a thread of its own, which ends with the process. The answer counts the requests to end.
pub(super) fn listen(renew: Sender<()>) -> io::Result<Arc<AtomicUsize>> {
    let count = Arc::new(AtomicUsize::new(0));
    let (counted, mut signals) = (Arc::clone(&count), Signals::new([SIGINT, SIGTERM, SIGHUP])?);
    Builder::new().name("signals".into()).spawn(move || {
        for signal in signals.forever() {
            if signal == SIGHUP {
                // Full means: it is about to be read anyway.
                let _about_to = renew.try_send(());
            } else {
                counted.fetch_add(1, Ordering::AcqRel);
            }
        }
    })?;
    Ok(count)
}
