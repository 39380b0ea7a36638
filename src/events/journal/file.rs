//! The open file, shared by the one writer and any number of readers, and opened anew after a failure: redb refuses
//! everything after a failed write until its file was closed.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use redb::{Builder, Database};

use super::JournalError;

/// Pages redb keeps in memory, in bytes. History is read rarely and writes are small; redb's own default is 1 GiB.
const CACHE_BYTES: usize = 8 << 20;

/// The file; clones share it.
#[derive(Clone, Debug)]
pub(super) struct JournalFile {
    path: Arc<Path>,
    /// `None` only while it is being opened anew.
    db: Arc<RwLock<Option<Database>>>,
}

impl JournalFile {
    pub(super) fn new(path: PathBuf, db: Database) -> Self {
        Self { path: path.into(), db: Arc::new(RwLock::new(Some(db))) }
    }

    /// Uses the file; it stays open meanwhile.
    pub(super) fn with<T>(&self, work: impl FnOnce(&Database) -> Result<T, JournalError>) -> Result<T, JournalError> {
        let db = self.db.read().unwrap_or_else(PoisonError::into_inner);
        work(db.as_ref().ok_or_else(|| JournalError::Closed(self.path.to_path_buf()))?)
    }

    /// Closes the file and opens it again, at its last commit.
    pub(super) fn reopen(&self) -> Result<(), JournalError> {
        let mut db = self.db.write().unwrap_or_else(PoisonError::into_inner);
        *db = None;
        *db = Some(builder().open(&*self.path).map_err(redb::Error::from)?);
        Ok(())
    }
}

/// How every journal is opened.
pub(super) fn builder() -> Builder {
    let mut builder = Database::builder();
    builder.set_cache_size(CACHE_BYTES);
    builder
}
