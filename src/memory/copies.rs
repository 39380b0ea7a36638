//! How many whole frames were copied between decoder and tensor. Formats that are read as they are never are; a count, so that
//! tests can hold it at zero and operators can see when a camera's format costs them a conversion.

use std::sync::atomic::{AtomicU64, Ordering};

static COPIED: AtomicU64 = AtomicU64::new(0);

/// Counts one frame that was copied or converted as a whole.
pub fn count_frame_copy() {
    COPIED.fetch_add(1, Ordering::Relaxed);
}

/// Frames copied since the program began, over all cameras.
pub fn frame_copies() -> u64 {
    COPIED.load(Ordering::Relaxed)
}
