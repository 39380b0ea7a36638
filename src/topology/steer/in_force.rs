//! The decision in force, for events to carry: written by the steering thread, read once an event.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::events::wire;

/// The decision that everything runs under now.
#[derive(Debug, Default)]
pub(in crate::topology) struct InForce {
    decision: AtomicU64,
    degraded: AtomicBool,
}

impl InForce {
    /// From now on this one; `degraded` when something is given up under it.
    pub(super) fn set(&self, decision: u64, degraded: bool) {
        self.degraded.store(degraded, Ordering::Relaxed);
        self.decision.store(decision, Ordering::Relaxed);
    }

    /// As events say it; `None` before the first decision, and without a governor.
    pub(in crate::topology) fn stamp(&self) -> Option<wire::Governor> {
        let decision_id = self.decision.load(Ordering::Relaxed);
        (decision_id > 0).then(|| wire::Governor { decision_id, degraded: self.degraded.load(Ordering::Relaxed) })
    }
}
