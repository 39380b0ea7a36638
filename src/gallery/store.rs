//! Enrolments on disk, in one redb file. The file is open only while it is read or changed, so that `flyball gallery add`
//! works while `flyball run` runs. A change is there as a whole or not at all, whatever happens to the machine.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use redb::{
    Builder, Database, DatabaseError, ReadTransaction, ReadableDatabase, ReadableTable, ReadableTableMetadata,
    TableDefinition, TableError,
};

use super::{Enrolment, problem::Fault, record};

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
    /// Adds one.
    Add(&'a Enrolment),
    /// Takes these away.
    Remove(&'a [u64]),
}

/// Reads the whole file; a file that is not there yet is an empty gallery.
pub(super) fn read_file(path: &Path) -> Result<Contents, Fault> {
    if !path.exists() {
        return Ok(Contents::new());
    }
    guarded(|| match builder().open_read_only(path) {
        Ok(db) => read(&db.begin_read()?),
        // The last writer was cut off: roll back what it had not finished, then read.
        Err(DatabaseError::RepairAborted) => read(&builder().open(path)?.begin_read()?),
        Err(other) => Err(other.into()),
    })
}

/// Changes the file, which is checked from end to end first. Returns the contents afterwards.
pub(super) fn change_file(path: &Path, change: &Change) -> Result<Contents, Fault> {
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
        return Err(Fault::Damaged(format!(
            "{count} enrolments were written, {} are there",
            contents.len()
        )));
    }
    Ok(contents)
}

fn decode_all(table: &impl ReadableTable<u64, &'static [u8]>) -> Result<Contents, Fault> {
    let mut contents = Contents::new();
    for row in table.iter()? {
        let (number, bytes) = row?;
        let number = number.value();
        let enrolment = record::decode(bytes.value());
        contents.insert(
            number,
            enrolment.ok_or_else(|| Fault::Damaged(format!("enrolment {number} was altered")))?,
        );
    }
    Ok(contents)
}

/// One change in one transaction.
pub(super) fn write(db: &Database, change: &Change) -> Result<Contents, Fault> {
    read(&db.begin_read()?)?;
    let transaction = db.begin_write()?;
    {
        let mut facts = transaction.open_table(FACTS)?;
        let mut enrolments = transaction.open_table(ENROLMENTS)?;
        match change {
            Change::Add(enrolment) => {
                let next = facts.get("next")?.map_or(1, |v| v.value());
                let bytes = record::encode(enrolment).map_err(|e| Fault::Damaged(e.to_string()))?;
                enrolments.insert(next, bytes.as_slice())?;
                facts.insert("next", next + 1)?;
            }
            Change::Remove(numbers) => {
                for number in *numbers {
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
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
        time::UNIX_EPOCH,
    };

    use redb::StorageBackend;

    use super::*;
    use crate::{
        gallery::GalleryError,
        scene::{Embedding, PersonId, Space},
    };

    /// A disk of limited size that outlives the database on it. `cut_after` counts down writes to a power cut.
    #[derive(Clone, Debug)]
    struct Disk {
        bytes: Arc<Mutex<Vec<u8>>>,
        room: usize,
        cut_after: Arc<Mutex<Option<usize>>>,
    }

    impl Disk {
        fn new(room: usize) -> Self {
            Self {
                bytes: Arc::default(),
                room,
                cut_after: Arc::default(),
            }
        }

        fn open(&self) -> Result<Database, Fault> {
            Ok(builder().create_with_backend(self.clone())?)
        }

        fn powered(&self) -> io::Result<()> {
            match self.cut_after.lock().unwrap().as_mut() {
                Some(0) => Err(io::Error::other("power cut")),
                Some(left) => {
                    *left -= 1;
                    Ok(())
                }
                None => Ok(()),
            }
        }
    }

    impl StorageBackend for Disk {
        fn len(&self) -> io::Result<u64> {
            Ok(self.bytes.lock().unwrap().len() as u64)
        }

        fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
            let from = offset as usize;
            out.copy_from_slice(&self.bytes.lock().unwrap()[from..from + out.len()]);
            Ok(())
        }

        fn set_len(&self, len: u64) -> io::Result<()> {
            self.powered()?;
            if len as usize > self.room {
                return Err(io::Error::from(io::ErrorKind::StorageFull));
            }
            self.bytes.lock().unwrap().resize(len as usize, 0);
            Ok(())
        }

        fn sync_data(&self) -> io::Result<()> {
            self.powered()
        }

        fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
            self.powered()?;
            let from = offset as usize;
            self.bytes.lock().unwrap()[from..from + data.len()].copy_from_slice(data);
            Ok(())
        }
    }

    fn somebody(number: usize) -> Enrolment {
        let vector: Vec<f32> = (0..512).map(|i| (i * 7 + number) as f32).collect();
        Enrolment {
            person: PersonId::new(&format!("p{number}")).unwrap(),
            name: format!("Person {number}"),
            embedding: Embedding {
                space: Space::from("test"),
                values: vector.into(),
            },
            model: "ab".repeat(32),
            quality: 0.8,
            photo: "photo.jpg".to_owned(),
            added: UNIX_EPOCH,
        }
    }

    #[test]
    fn a_full_disk_says_so_and_loses_nobody() {
        let mut disk = Disk::new(2 << 20);
        let mut there = 0;
        let fault = loop {
            match write(&disk.open().unwrap(), &Change::Add(&somebody(there))) {
                Ok(contents) => there = contents.len(),
                Err(fault) => break fault,
            }
        };
        assert!(there > 100, "{there} fitted on 2 MiB");
        let error = fault.named(Path::new("people.redb"));
        assert!(matches!(error, GalleryError::DiskFull { .. }), "{error}");
        assert!(error.to_string().contains("people.redb") && error.to_string().contains("disk is full"));
        disk.room *= 4;
        let after = write(&disk.open().unwrap(), &Change::Add(&somebody(there))).unwrap();
        assert_eq!(
            after.len(),
            there + 1,
            "everybody is still there, and the one refused fits now"
        );
    }

    #[test]
    fn a_power_cut_at_any_write_leaves_all_or_nothing() {
        let disk = Disk::new(64 << 20);
        write(&disk.open().unwrap(), &Change::Add(&somebody(0))).unwrap();
        let (mut writes, mut known) = (0, 1);
        loop {
            *disk.cut_after.lock().unwrap() = Some(writes);
            let before = known;
            let done = disk.open().and_then(|db| write(&db, &Change::Add(&somebody(before))));
            let finished = done.is_ok() && disk.powered().is_ok();
            *disk.cut_after.lock().unwrap() = None;
            let contents = read(&disk.open().unwrap().begin_read().unwrap()).unwrap();
            known = contents.len();
            assert!(
                known == before || known == before + 1,
                "cut after {writes} writes: {before} became {known}"
            );
            assert!(done.is_err() || known == before + 1, "said done, but is not there");
            if finished {
                break;
            }
            writes += 1;
        }
        assert!(writes > 3, "the cut never came");
    }

    #[test]
    fn a_later_format_is_not_touched() {
        let disk = Disk::new(64 << 20);
        write(&disk.open().unwrap(), &Change::Add(&somebody(0))).unwrap();
        let db = disk.open().unwrap();
        let transaction = db.begin_write().unwrap();
        transaction
            .open_table(FACTS)
            .unwrap()
            .insert("format", FORMAT + 1)
            .unwrap();
        transaction.commit().unwrap();
        let fault = write(&db, &Change::Add(&somebody(1))).unwrap_err();
        assert!(fault.named(Path::new("x")).to_string().contains("update flyball"));
    }
}
