//! What can go wrong with a gallery file, in sentences that name it and say what to try.

use std::{io, path::Path};

use redb::{CommitError, DatabaseError, StorageError, TableError, TransactionError};

use crate::vision::SpaceError;

/// Why the gallery could not be read or changed. Whatever was enrolled before is still enrolled.
#[derive(Debug, thiserror::Error)]
pub enum GalleryError {
    /// No room left; the change was not made.
    #[error(
        "gallery {file}: the disk is full, so nothing was changed and nobody was lost: free some space and try again"
    )]
    DiskFull {
        /// Which file.
        file: String,
    },
    /// The file is no gallery, or its contents changed behind our back.
    #[error(
        "gallery {file} is damaged or no gallery ({problem}): restore a copy, or move the file away and enrol people again"
    )]
    Damaged {
        /// Which file.
        file: String,
        /// What gave it away.
        problem: String,
    },
    /// Somebody else holds the file.
    #[error("gallery {file} is being changed by another process: try again in a moment")]
    Busy {
        /// Which file.
        file: String,
    },
    /// Written by a later version.
    #[error("gallery {file} has format {found}, this version knows up to {known}: update flyball, or use another file")]
    TooNew {
        /// Which file.
        file: String,
        /// Its format.
        found: u64,
        /// The latest known.
        known: u64,
    },
    /// The operating system refused.
    #[error("gallery {file}: {cause}: check that the folder exists and may be written to")]
    Io {
        /// Which file.
        file: String,
        /// In its own words.
        cause: io::Error,
    },
    /// Nobody of that id.
    #[error("gallery {file} has nobody with the id `{person}`: `flyball gallery list` shows who is in it")]
    NoSuchPerson {
        /// Which file.
        file: String,
        /// The id asked for.
        person: String,
    },
    /// The embedding does not fit.
    #[error(transparent)]
    Space(#[from] SpaceError),
}

impl GalleryError {
    /// Whether what was given is wrong (a file that is no gallery, nobody of that id), not the machine it lies on.
    pub fn is_of_input(&self) -> bool {
        matches!(self, Self::Damaged { .. } | Self::TooNew { .. } | Self::NoSuchPerson { .. } | Self::Space(_))
    }

    /// Names the file a store error is about, and sorts it by what a user can do.
    pub(super) fn of(file: &Path, error: redb::Error) -> Self {
        let file = file.display().to_string();
        match error {
            redb::Error::Io(cause) => Self::of_io(file, cause),
            redb::Error::DatabaseAlreadyOpen | redb::Error::LockProtocolMismatch => Self::Busy { file },
            other => Self::Damaged { file, problem: other.to_string() },
        }
    }

    fn of_io(file: String, cause: io::Error) -> Self {
        match cause.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::DiskFull { file }
            }
            // How redb says "this is not a file of mine" and "it ends too early".
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
                Self::Damaged { file, problem: cause.to_string() }
            }
            io::ErrorKind::WouldBlock => Self::Busy { file },
            _ => Self::Io { file, cause },
        }
    }
}

/// What stops a read or a write before it has a file to name.
#[derive(Debug)]
pub(super) enum Fault {
    Store(redb::Error),
    Damaged(String),
    TooNew { found: u64, known: u64 },
}

impl Fault {
    pub(super) fn named(self, file: &Path) -> GalleryError {
        let name = || file.display().to_string();
        match self {
            Self::Store(error) => GalleryError::of(file, error),
            Self::Damaged(problem) => GalleryError::Damaged { file: name(), problem },
            Self::TooNew { found, known } => GalleryError::TooNew { file: name(), found, known },
        }
    }
}

macro_rules! store_fault {
    ($($error:ty),*) => {$(
        impl From<$error> for Fault {
            fn from(error: $error) -> Self {
                Self::Store(error.into())
            }
        }
    )*};
}

store_fault!(redb::Error, CommitError, DatabaseError, StorageError, TableError, TransactionError);
