//! Taking a pipeline down. A frozen sender can hold GStreamer up in here, and a camera must not hang because of it: the
//! work is done on a thread of its own, and after a deadline it is left alone, counted and logged.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use gstreamer as gst;
use gstreamer::prelude::*;

/// Healthy pipelines take 3 to 30 ms, frozen senders the 300 ms we grant their TEARDOWN; ten seconds mean it never ends.
const DEADLINE: Duration = Duration::from_secs(10);

/// Pipelines left behind since the program began.
static ABANDONED: AtomicU64 = AtomicU64::new(0);

/// Stops a pipeline and waits for it, at most until the deadline.
pub(super) fn take_down(pipeline: gst::Pipeline) {
    let (done, finished) = crossbeam_channel::bounded::<()>(0);
    let work = move || {
        // Dropped last: the waiting thread sees the disconnect once everything is gone.
        let _done = done;
        let _ = pipeline.set_state(gst::State::Null);
        if let Some(bus) = pipeline.bus() {
            bus.unset_sync_handler();
        }
        drop(pipeline);
    };
    let spawned = thread::Builder::new().name("media-teardown".to_owned()).spawn(work);
    // Without a thread the closure, and with it the pipeline, is already gone.
    let Ok(thread) = spawned else { return };
    match finished.recv_timeout(DEADLINE) {
        Err(crossbeam_channel::RecvTimeoutError::Timeout) => {
            let abandoned = ABANDONED.fetch_add(1, Ordering::Relaxed) + 1;
            tracing::error!(abandoned, "a pipeline does not stop; it is left behind");
        }
        _ => drop(thread.join()),
    }
}
