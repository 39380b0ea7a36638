//! Being asked to end, by Ctrl-C or `kill`: for commands that first wait for somebody and then work until they are told.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
};

/// Signals, watched. Until work begins one ends the process at once, with exit code 0: being asked to end is no failure.
pub(super) struct Signals {
    at_once: Arc<AtomicBool>,
    asked: Arc<AtomicBool>,
}

impl Signals {
    /// From now on a signal ends the process at once.
    pub(super) fn watch() -> Self {
        let (at_once, asked) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(false)));
        for signal in [SIGINT, SIGTERM] {
            // Where one cannot be registered, the signal ends the process all the same. They act in this order: the first
            // signal after work began finds `at_once` still false, a second one does not.
            let _usual_end = flag::register_conditional_shutdown(signal, 0, Arc::clone(&at_once));
            let _usual_end = flag::register(signal, Arc::clone(&at_once));
            let _usual_end = flag::register(signal, Arc::clone(&asked));
        }
        Self { at_once, asked }
    }

    /// Work begins: from now on the first signal makes this true, and only a second one ends the process at once.
    pub(super) fn begin_work(self) -> Arc<AtomicBool> {
        self.at_once.store(false, Ordering::Release);
        self.asked
    }
}
