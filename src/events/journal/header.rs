//! Opening the journal's file and reading what it says about itself; and telling damage from everything else that can go
//! wrong meanwhile.

use std::{
    collections::BTreeMap,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use redb::{Database, DatabaseError, ReadableDatabase, ReadableTable};
use uuid::Uuid;

use super::{
    JournalError,
    file::builder,
    tables::{
        EVENTS, EXPIRED, FIGURE_BYTES, FIGURE_FLOOR, FIGURE_LAYOUT, FIGURES, HEADS, LAYOUT, NAME_EPOCH, NAMES,
        OPEN_VISITS, STATES,
    },
    tally::Count,
};

/// What the file says about itself.
pub(super) struct Header {
    pub(super) epoch: Uuid,
    pub(super) heads: BTreeMap<String, u64>,
    pub(super) expired: BTreeMap<String, u64>,
    pub(super) bytes: u64,
    pub(super) floor: u64,
}

/// How opening went wrong.
pub(super) enum Refusal {
    /// The file is damaged: put it aside and begin a fresh one.
    Damaged,
    /// Anything else.
    Final(JournalError),
}

impl Header {
    /// What a tally would say of the same.
    pub(super) fn counts(&self) -> BTreeMap<String, Count> {
        let count = |(source, given): (&String, &u64)| {
            let expired = self.expired.get(source).copied().unwrap_or(0);
            (source.clone(), Count { given: *given, expired })
        };
        self.heads.iter().map(count).collect()
    }
}

/// Opens and verifies. redb reports most damage as an error but may also panic on a broken page, so panics count as damage.
pub(super) fn open_checked(path: &Path, fresh: Uuid) -> Result<(Database, Header), Refusal> {
    let attempt = AssertUnwindSafe(|| {
        let db = builder().set_check_integrity_on_open(true).create(path).map_err(|e| Refusal::from_open(e, path))?;
        let header = read_header(&db, path, fresh)?;
        Ok((db, header))
    });
    catch_unwind(attempt).unwrap_or(Err(Refusal::Damaged))
}

pub(super) fn read_header(db: &Database, path: &Path, fresh: Uuid) -> Result<Header, Refusal> {
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
    Ok(Header {
        epoch: epoch.ok_or(Refusal::Damaged)?,
        heads: numbers(&read, HEADS)?,
        expired: numbers(&read, EXPIRED)?,
        bytes: figure(FIGURE_BYTES)?,
        floor: figure(FIGURE_FLOOR)?,
    })
}

/// A table of one number a source.
fn numbers(
    read: &redb::ReadTransaction,
    table: redb::TableDefinition<'_, &str, u64>,
) -> Result<BTreeMap<String, u64>, Refusal> {
    let mut numbers = BTreeMap::new();
    for entry in read.open_table(table).map_err(refused)?.iter().map_err(refused)? {
        let (source, number) = entry.map_err(refused)?;
        numbers.insert(source.value().to_owned(), number.value());
    }
    Ok(numbers)
}

/// Makes every table, and names the epoch of a fresh file. Does nothing to a file that has them.
fn create_tables(db: &Database, fresh: Uuid) -> Result<(), Refusal> {
    let write = db.begin_write().map_err(refused)?;
    write.open_table(EVENTS).map_err(refused)?;
    write.open_table(HEADS).map_err(refused)?;
    write.open_table(EXPIRED).map_err(refused)?;
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

    pub(super) fn into_error(self, path: &Path) -> JournalError {
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
