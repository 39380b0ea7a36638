//! The store on a disk that fills up, loses power, or was written by a later version.

use std::{
    io,
    sync::{Arc, Mutex},
    time::UNIX_EPOCH,
};

use redb::StorageBackend;

use super::*;
use crate::{
    gallery::GalleryError,
    scene::{Embedding, Space},
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
        Self { bytes: Arc::default(), room, cut_after: Arc::default() }
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
    let vector: Vec<f32> = (0..2048).map(|i| (i * 7 + number) as f32).collect();
    Enrolment {
        person: PersonId::new(&format!("p{number}")).unwrap(),
        name: format!("Person {number}"),
        embedding: Embedding { space: Space::from("test"), values: vector.into() },
        model: "ab".repeat(32),
        quality: 0.8,
        photo: "photo.jpg".to_owned(),
        added: UNIX_EPOCH,
    }
}

#[test]
#[cfg_attr(not(feature = "checks"), ignore = "long: `make test` runs it")]
fn a_full_disk_says_so_and_loses_nobody() {
    let mut disk = Disk::new(2 << 20);
    let mut there = 0;
    let fault = loop {
        match write(&disk.open().unwrap(), &Change::Add(&[somebody(there)])) {
            Ok(contents) => there = contents.len(),
            Err(fault) => break fault,
        }
    };
    assert!(there > 20, "{there} fitted on 2 MiB");
    let error = fault.named(Path::new("people.redb"));
    assert!(matches!(error, GalleryError::DiskFull { .. }), "{error}");
    assert!(error.to_string().contains("people.redb") && error.to_string().contains("disk is full"));
    disk.room *= 4;
    let after = write(&disk.open().unwrap(), &Change::Add(&[somebody(there)])).unwrap();
    assert_eq!(after.len(), there + 1, "everybody is still there, and the one refused fits now");
}

#[test]
#[cfg_attr(not(feature = "checks"), ignore = "long: `make test` runs it")]
fn a_power_cut_at_any_write_leaves_all_or_nothing() {
    let disk = Disk::new(64 << 20);
    write(&disk.open().unwrap(), &Change::Add(&[somebody(0)])).unwrap();
    let (mut writes, mut known) = (0, 1);
    loop {
        *disk.cut_after.lock().unwrap() = Some(writes);
        let before = known;
        let done = disk.open().and_then(|db| write(&db, &Change::Add(&[somebody(before)])));
        let finished = done.is_ok() && disk.powered().is_ok();
        *disk.cut_after.lock().unwrap() = None;
        let contents = read(&disk.open().unwrap().begin_read().unwrap()).unwrap();
        known = contents.len();
        assert!(known == before || known == before + 1, "cut after {writes} writes: {before} became {known}");
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
    write(&disk.open().unwrap(), &Change::Add(&[somebody(0)])).unwrap();
    let db = disk.open().unwrap();
    let transaction = db.begin_write().unwrap();
    transaction.open_table(FACTS).unwrap().insert("format", FORMAT + 1).unwrap();
    transaction.commit().unwrap();
    let fault = write(&db, &Change::Add(&[somebody(1)])).unwrap_err();
    assert!(fault.named(Path::new("x")).to_string().contains("update flyball"));
}
