//! Finding the journal file, or beginning a fresh one when it is missing or damaged.

use std::{
    collections::BTreeMap,
    fs, io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use redb::{Database, DatabaseError, ReadableDatabase, ReadableTable};
use uuid::Uuid;

use super::tables::{
    EVENTS, FIGURE_BYTES, FIGURE_FLOOR, FIGURE_LAYOUT, FIGURES, HEADS, LAYOUT, NAME_EPOCH, NAMES, OPEN_VISITS, STATES,
};
use super::{
    Journal, Limits,
    file::{JournalFile, builder},
    mark::Mark,
    salvage::{Salvaged, floor, salvage},
};
use crate::events::{numbering::Numbering, wire::UtcMicros};

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
    /// It could not be opened again after a failure.
    #[error("event journal {0} is closed after a failure and is being opened again")]
    Closed(PathBuf),
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
    /// Set when the old file was damaged.
    pub damage: Option<Damage>,
    /// Numbers that an earlier run published and could not keep lie between these heads and the floor of the numbering.
    pub unkept: Option<Salvaged>,
}

/// What became of a damaged file.
#[derive(Clone, Debug)]
pub struct Damage {
    /// Where it was put aside.
    pub aside: PathBuf,
    /// What could be carried over; `None` if nothing, and then every number begins anew under a new epoch.
    pub salvaged: Option<Salvaged>,
}

/// What the file says about itself.
struct Header {
    epoch: Uuid,
    heads: BTreeMap<String, u64>,
    bytes: u64,
    floor: u64,
}

/// How opening went wrong.
enum Refusal {
    /// The file is damaged: put it aside and begin a fresh one.
    Damaged,
    /// Anything else.
    Final(JournalError),
}

impl Journal {
    /// Opens the journal at `path`, or begins one. A damaged file is put aside under another name, never deleted, and what
    /// is still whole in it is carried over. `fresh` becomes the epoch if numbering has to begin anew.
    pub fn open(path: &Path, limits: Limits, fresh: Uuid, now: UtcMicros) -> Result<Opened, JournalError> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|e| JournalError::Folder(path.into(), e))?;
        }
        let mark = Mark::beside(path).map_err(|e| JournalError::Folder(path.into(), e))?;
        match open_checked(path, fresh) {
            Ok((db, header)) => opened(path, (db, header), mark, limits, now),
            Err(Refusal::Final(cause)) => Err(cause),
            Err(Refusal::Damaged) => begin_anew(path, fresh, mark, limits, now),
        }
    }
}

fn begin_anew(path: &Path, fresh: Uuid, mark: Mark, limits: Limits, now: UtcMicros) -> Result<Opened, JournalError> {
    let aside = put_aside(path, now)?;
    let (db, _) = open_checked(path, fresh).map_err(|refusal| refusal.into_error(path))?;
    let salvaged = salvage(&aside, &db, now)?.map(|(salvaged, _)| salvaged);
    let header = read_header(&db, path, fresh).map_err(|refusal| refusal.into_error(path))?;
    let opened = opened(path, (db, header), mark, limits, now)?;
    Ok(Opened { damage: Some(Damage { aside, salvaged }), ..opened })
}

fn opened(
    path: &Path,
    (db, mut header): (Database, Header),
    mark: Mark,
    limits: Limits,
    now: UtcMicros,
) -> Result<Opened, JournalError> {
    let unkept = mark.unkept().then(|| Salvaged {
        floor: floor(header.heads.values().copied().max().unwrap_or(0), now),
        heads: header.heads.clone(),
        events: 0,
    });
    if let Some(unkept) = &unkept {
        header.floor = header.floor.max(unkept.floor);
        raise_floor(&db, header.floor)?;
    }
    let mut journal = Journal::new(JournalFile::new(path.into(), db), mark, header.bytes, limits);
    journal.mark_unkept(false);
    let numbering = Numbering::new(header.epoch, header.heads).above(header.floor);
    Ok(Opened { journal, numbering, damage: None, unkept })
}

fn raise_floor(db: &Database, floor: u64) -> Result<(), JournalError> {
    let write = db.begin_write().map_err(redb::Error::from)?;
    write.open_table(FIGURES)?.insert(FIGURE_FLOOR, floor)?;
    Ok(write.commit().map_err(redb::Error::from)?)
}

/// Opens and verifies. redb reports most damage as an error but may also panic on a broken page, so panics count as damage.
fn open_checked(path: &Path, fresh: Uuid) -> Result<(Database, Header), Refusal> {
    let attempt = AssertUnwindSafe(|| {
        let db = builder().set_check_integrity_on_open(true).create(path).map_err(|e| Refusal::from_open(e, path))?;
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
    Ok(Header {
        epoch: epoch.ok_or(Refusal::Damaged)?,
        heads,
        bytes: figure(FIGURE_BYTES)?,
        floor: figure(FIGURE_FLOOR)?,
    })
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
