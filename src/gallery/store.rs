//! Enrolments on disk, in one redb file. The file is open only while it is read or changed, so that `flyball gallery add`
//! works while `flyball run` runs. A change is there as a whole or not at all, whatever happens to the machine.

use std::{
    collections::BTreeMap,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use redb::{
    Builder, Database, ReadTransaction, ReadableDatabase, ReadableTable, ReadableTableMetadata, StorageBackend,
    TableDefinition, TableError, backends::InMemoryBackend,
};

use super::{Enrolment, folder::Folder, problem::Fault, record};
use crate::scene::PersonId;

/// The file format this code writes, and the latest it reads.
const FORMAT: u64 = 1;
/// Cache of the store while it is open, in bytes: a gallery is read once, from front to back.
const CACHE: usize = 4 << 20;

/// `format`, `next` (the next enrolment's number) and `count`.
const FACTS: TableDefinition<&str, u64> = TableDefinition::new("facts");
/// Number of the enrolment to its record.
const ENROLMENTS: TableDefinition<u64, &[u8]> = TableDefinition::new("enrolments");

/// Every enrolment by its number.
pub(super) type Contents = BTreeMap<u64, Enrolment>;

/// What a change does to the contents.
pub(super) enum Change<'a> {
    /// Adds these.
    Add(&'a [Enrolment]),
    /// Takes away all of a person's.
    Remove(&'a PersonId),
}

/// Reads the whole file; a file that is not there yet is an empty gallery. Works on a copy in memory: nothing is written, so
/// a full or read-only disk can still be read, and the store may check and repair as it likes.
pub(super) fn read_file(path: &Path, _held: &Folder) -> Result<Contents, Fault> {
    match std::fs::read(path) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(Contents::new()),
        Err(cause) => Err(redb::Error::Io(cause).into()),
        Ok(bytes) => read_copy(&bytes),
    }
}

fn read_copy(bytes: &[u8]) -> Result<Contents, Fault> {
    let copy = InMemoryBackend::new();
    copy.set_len(bytes.len() as u64).and_then(|()| copy.write(0, bytes)).map_err(redb::Error::Io)?;
    guarded(|| {
        let mut builder = builder();
        read(&builder.set_check_integrity_on_open(true).create_with_backend(copy)?.begin_read()?)
    })
}

/// Changes the file, which is checked from end to end first. Returns the contents afterwards.
pub(super) fn change_file(path: &Path, change: &Change) -> Result<Contents, Fault> {
    let _alone = Folder::alone(path);
    guarded(|| {
        let mut builder = builder();
        write(&builder.set_check_integrity_on_open(true).create(path)?, change)
    })
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE);
    builder
}

/// redb panics on some damaged files where it could say so; to us both are the same.
fn guarded<T>(work: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(Fault::Damaged(text.unwrap_or("the store gave up").to_owned()))
    })
}

/// Reads everything and checks that nothing is missing or altered.
fn read(transaction: &ReadTransaction) -> Result<Contents, Fault> {
    let facts = match transaction.open_table(FACTS) {
        Err(TableError::TableDoesNotExist(_)) => return Ok(Contents::new()),
        other => other?,
    };
    let fact = |name: &str| -> Result<u64, Fault> { Ok(facts.get(name)?.map_or(0, |v| v.value())) };
    let found = fact("format")?;
    if found > FORMAT {
        return Err(Fault::TooNew { found, known: FORMAT });
    }
    let contents = decode_all(&transaction.open_table(ENROLMENTS)?)?;
    let count = fact("count")?;
    if count != contents.len() as u64 {
        return Err(Fault::Damaged(format!("{count} enrolments were written, {} are there", contents.len())));
    }
    Ok(contents)
}

fn decode_all(table: &impl ReadableTable<u64, &'static [u8]>) -> Result<Contents, Fault> {
    let mut contents = Contents::new();
    for row in table.iter()? {
        let (number, bytes) = row?;
        let number = number.value();
        let enrolment = record::decode(bytes.value());
        contents.insert(number, enrolment.ok_or_else(|| Fault::Damaged(format!("enrolment {number} was altered")))?);
    }
    Ok(contents)
}

/// One change in one transaction.
pub(super) fn write(db: &Database, change: &Change) -> Result<Contents, Fault> {
    let before = read(&db.begin_read()?)?;
    let transaction = db.begin_write()?;
    {
        let mut facts = transaction.open_table(FACTS)?;
        let mut enrolments = transaction.open_table(ENROLMENTS)?;
        match change {
            Change::Add(newcomers) => {
                let mut next = facts.get("next")?.map_or(1, |v| v.value());
                for newcomer in *newcomers {
                    let bytes = record::encode(newcomer).map_err(|e| Fault::Damaged(e.to_string()))?;
                    enrolments.insert(next, bytes.as_slice())?;
                    next += 1;
                }
                facts.insert("next", next)?;
            }
            Change::Remove(person) => {
                for (number, _) in before.iter().filter(|(_, e)| e.person == **person) {
                    enrolments.remove(number)?;
                }
            }
        }
        facts.insert("format", FORMAT)?;
        facts.insert("count", enrolments.len()?)?;
    }
    transaction.commit()?;
    read(&db.begin_read()?)
}

#[cfg(test)]
mod tests;
