//! Finding the journal file, or beginning a fresh one when it is missing or damaged.

use std::{
    collections::BTreeMap,
    fs, io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::Arc,
};

use redb::{Database, DatabaseError, ReadableDatabase, ReadableTable};
use uuid::Uuid;

use super::tables::{
    EVENTS, FIGURE_BYTES, FIGURE_LAYOUT, FIGURES, HEADS, LAYOUT, NAME_EPOCH, NAMES, OPEN_VISITS, STATES,
};
use super::{Journal, Limits};
use crate::events::{numbering::Numbering, wire::UtcMicros};

/// Pages redb keeps in memory, in bytes. History is read rarely and writes are small; redb's own default is 1 GiB.
const CACHE_BYTES: usize = 8 << 20;

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Another process has it.
    #[error("event journal {0} is in use by another flyball; stop that one or set another journal path")]
    InUse(PathBuf),
    /// Written by another version.
    #[error(
        "event journal {0} has layout {1}, this flyball reads layout {LAYOUT}; set another journal path or move it away"
    )]
    Layout(PathBuf, u64),
    /// Its folder or file cannot be created or moved.
    #[error("event journal {0} cannot be opened: {1}; check that its folder exists and may be written")]
    Folder(PathBuf, io::Error),
    /// Reading or writing failed.
    #[error("event journal cannot be read or written: {0}; check free disk space and permissions")]
    Storage(#[from] redb::Error),
}

/// A journal that was opened, and what happened on the way.
#[derive(Debug)]
pub struct Opened {
    /// The journal.
    pub journal: Journal,
    /// The numbering, continued or begun anew.
    pub numbering: Numbering,
    /// Set when the old file was damaged: where it was put aside.
    pub damaged: Option<PathBuf>,
}

/// What the file says about itself.
struct Header {
    epoch: Uuid,
    heads: BTreeMap<String, u64>,
    bytes: u64,
}

/// How opening went wrong.
enum Refusal {
    /// The file is damaged: put it aside and begin a fresh one.
    Damaged,
    /// Anything else.
    Final(JournalError),
}

impl Journal {
    /// Opens the journal at `path`, or begins one. A damaged file is put aside under another name, never deleted. `fresh`
    /// becomes the epoch if numbering has to begin anew.
    pub fn open(path: &Path, limits: Limits, fresh: Uuid, now: UtcMicros) -> Result<Opened, JournalError> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|e| JournalError::Folder(path.into(), e))?;
        }
        match open_checked(path, fresh) {
            Ok((db, header)) => Ok(opened(db, header, limits, None)),
            Err(Refusal::Final(cause)) => Err(cause),
            Err(Refusal::Damaged) => {
                let aside = put_aside(path, now)?;
                let (db, header) = open_checked(path, fresh).map_err(|refusal| refusal.into_error(path))?;
                Ok(opened(db, header, limits, Some(aside)))
            }
        }
    }
}

fn opened(db: Database, header: Header, limits: Limits, damaged: Option<PathBuf>) -> Opened {
    Opened {
        journal: Journal::new(Arc::new(db), header.bytes, limits),
        numbering: Numbering::new(header.epoch, header.heads),
        damaged,
    }
}

/// Opens and verifies. redb reports most damage as an error but may also panic on a broken page, so panics count as damage.
fn open_checked(path: &Path, fresh: Uuid) -> Result<(Database, Header), Refusal> {
    let attempt = AssertUnwindSafe(|| {
        let db = Database::builder()
            .set_cache_size(CACHE_BYTES)
            .set_check_integrity_on_open(true)
            .create(path)
            .map_err(|e| Refusal::from_open(e, path))?;
        let header = read_header(&db, path, fresh)?;
        Ok((db, header))
    });
    catch_unwind(attempt).unwrap_or(Err(Refusal::Damaged))
}

fn read_header(db: &Database, path: &Path, fresh: Uuid) -> Result<Header, Refusal> {
    create_tables(db, fresh)?;
    let read = db.begin_read().map_err(refused)?;
    let figures = read.open_table(FIGURES).map_err(refused)?;
    let figure = |name| figures.get(name).map_err(refused).map(|v| v.map_or(0, |v| v.value()));
    let layout = figure(FIGURE_LAYOUT)?;
    if layout != LAYOUT {
        return Err(Refusal::Final(JournalError::Layout(path.into(), layout)));
    }
    let names = read.open_table(NAMES).map_err(refused)?;
    let epoch = names.get(NAME_EPOCH).map_err(refused)?.and_then(|text| text.value().parse().ok());
    let mut heads = BTreeMap::new();
    for entry in read.open_table(HEADS).map_err(refused)?.iter().map_err(refused)? {
        let (source, head) = entry.map_err(refused)?;
        heads.insert(source.value().to_owned(), head.value());
    }
    Ok(Header { epoch: epoch.ok_or(Refusal::Damaged)?, heads, bytes: figure(FIGURE_BYTES)? })
}

/// Makes every table, and names the epoch of a fresh file. Does nothing to a file that has them.
fn create_tables(db: &Database, fresh: Uuid) -> Result<(), Refusal> {
    let write = db.begin_write().map_err(refused)?;
    write.open_table(EVENTS).map_err(refused)?;
    write.open_table(HEADS).map_err(refused)?;
    write.open_table(OPEN_VISITS).map_err(refused)?;
    write.open_table(STATES).map_err(refused)?;
    {
        let mut figures = write.open_table(FIGURES).map_err(refused)?;
        let mut names = write.open_table(NAMES).map_err(refused)?;
        if figures.get(FIGURE_LAYOUT).map_err(refused)?.is_none() {
            figures.insert(FIGURE_LAYOUT, LAYOUT).map_err(refused)?;
            names.insert(NAME_EPOCH, fresh.to_string().as_str()).map_err(refused)?;
        }
    }
    write.commit().map_err(refused)
}

impl Refusal {
    fn from_open(cause: DatabaseError, path: &Path) -> Self {
        match cause {
            DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => {
                Self::Final(JournalError::InUse(path.into()))
            }
            DatabaseError::Storage(redb::StorageError::Io(e)) if !looks_damaged(&e) => {
                Self::Final(JournalError::Folder(path.into(), e))
            }
            _ => Self::Damaged,
        }
    }

    fn into_error(self, path: &Path) -> JournalError {
        match self {
            Self::Final(cause) => cause,
            Self::Damaged => JournalError::Folder(path.into(), io::Error::other("a fresh file is unreadable too")),
        }
    }
}

/// redb says "invalid data" or "unexpected end" when the bytes are wrong; anything else is the disk or the permissions.
fn looks_damaged(cause: &io::Error) -> bool {
    matches!(cause.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
}

fn refused(cause: impl Into<redb::Error>) -> Refusal {
    match cause.into() {
        redb::Error::Io(e) if !looks_damaged(&e) => Refusal::Final(JournalError::Storage(redb::Error::Io(e))),
        _ => Refusal::Damaged,
    }
}

/// Moves a damaged file out of the way, for whoever wants to look into it.
fn put_aside(path: &Path, now: UtcMicros) -> Result<PathBuf, JournalError> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".damaged-{}", now.micros()));
    let aside = PathBuf::from(name);
    fs::rename(path, &aside).map_err(|e| JournalError::Folder(path.into(), e))?;
    Ok(aside)
}
