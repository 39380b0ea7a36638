//! Every frame that is thrown away, counted by camera and reason. Nothing is dropped without passing here.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::scene::CameraId;

/// A shared table of counts. Drops are rare enough for a lock.
#[derive(Clone, Debug, Default)]
pub struct Drops {
    counts: Arc<Mutex<BTreeMap<CameraId, Reasons>>>,
    /// What cameras that were removed had dropped: the total never falls.
    departed: Arc<AtomicU64>,
}

type Reasons = BTreeMap<Arc<str>, u64>;

impl Drops {
    /// Counts one dropped frame of `camera`.
    pub fn count(&self, camera: &CameraId, reason: &Arc<str>) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let reasons = counts.entry(camera.clone()).or_default();
        *reasons.entry(Arc::clone(reason)).or_default() += 1;
    }

    /// Dropped frames of one camera, for whatever reason.
    pub fn of(&self, camera: &CameraId) -> u64 {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.get(camera).map_or(0, |reasons| reasons.values().sum())
    }

    /// All dropped frames, also those of cameras that have been removed since.
    pub fn total(&self) -> u64 {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        self.departed.load(Ordering::Relaxed) + counts.values().flat_map(BTreeMap::values).sum::<u64>()
    }

    /// A camera was removed: its row goes, what it counted stays in the total.
    pub fn forget(&self, camera: &CameraId) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let gone: u64 = counts.remove(camera).iter().flat_map(BTreeMap::values).sum();
        self.departed.fetch_add(gone, Ordering::Relaxed);
    }

    /// The whole table: camera, reason, count.
    pub fn table(&self) -> Vec<(CameraId, Arc<str>, u64)> {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let rows = counts.iter().flat_map(|(camera, reasons)| {
            reasons.iter().map(|(reason, count)| (camera.clone(), Arc::clone(reason), *count))
        });
        rows.collect()
    }
}
