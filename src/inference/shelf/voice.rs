//! How the shelf tells what happens: a bounded queue that nobody waits for, and a count of what did not fit.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crossbeam_channel::Sender;

use super::order::ShelfEvent;

/// Clones speak into the same queue.
#[derive(Clone)]
pub(super) struct Voice {
    events: Sender<ShelfEvent>,
    lost: Arc<AtomicU64>,
}

impl Voice {
    pub(super) fn new(events: Sender<ShelfEvent>) -> Self {
        Self { events, lost: Arc::default() }
    }

    pub(super) fn tell(&self, event: ShelfEvent) {
        tracing::debug!(?event, "shelf");
        if self.events.try_send(event).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Events that nobody read in time.
    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}
