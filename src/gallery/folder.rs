//! The gallery's file from outside: who may touch it now, and whether it changed.

use std::{
    fs::{File, TryLockError},
    path::Path,
    time::SystemTime,
};

/// Whoever reads or changes a gallery holds its folder's lock meanwhile, so nobody reads half a change; the lock leaves no
/// file behind and goes with the process. Where folders cannot be locked (some network disks) the store's own lock remains.
pub(super) struct Folder {
    _lock: Option<File>,
}

impl Folder {
    /// Waits, a few milliseconds as a rule, until nobody changes anything in the folder of `path`.
    pub(super) fn shared(path: &Path) -> Self {
        Self { _lock: folder(path).filter(|f| f.lock_shared().is_ok()) }
    }

    /// The same without waiting: `None` while somebody changes it.
    pub(super) fn shared_now(path: &Path) -> Option<Self> {
        let lock = folder(path);
        let busy = lock.as_ref().is_some_and(|f| matches!(f.try_lock_shared(), Err(TryLockError::WouldBlock)));
        (!busy).then_some(Self { _lock: lock })
    }

    /// Waits until nobody reads or changes anything in the folder.
    pub(super) fn alone(path: &Path) -> Self {
        Self { _lock: folder(path).filter(|f| f.lock().is_ok()) }
    }
}

fn folder(path: &Path) -> Option<File> {
    let parent = path.parent()?;
    File::open(if parent.as_os_str().is_empty() { Path::new(".") } else { parent }).ok()
}

/// What tells a changed file from an unchanged one without reading it: time of change and length.
pub(super) type Stamp = Option<(SystemTime, u64)>;

/// The stamp of a file now; `None` if it is not there.
pub(super) fn stamp(path: &Path) -> Stamp {
    let meta = std::fs::metadata(path).ok()?;
    Some((meta.modified().ok()?, meta.len()))
}
