//! Being asked to end, by Ctrl-C or `kill`, for commands that work until then.

use std::sync::{Arc, atomic::AtomicBool};

use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
};

/// Becomes true at the first signal; a second one ends the process at once, with exit code 0: being asked to end is no failure.
pub(super) fn asked_to_end() -> Arc<AtomicBool> {
    let asked = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // Where one cannot be registered, the signal ends the process all the same. The second signal's effect comes first
        // here, or the first one would have it.
        let _usual_end = flag::register_conditional_shutdown(signal, 0, Arc::clone(&asked));
        let _usual_end = flag::register(signal, Arc::clone(&asked));
    }
    asked
}
