//! A mark beside the journal: whether events are out that the journal could not keep.
//!
//! A disk that is full has no room for a word either, so the mark's file is written on opening and later only overwritten
//! in place. Without it, a process that ends while its disk is full would number anew what subscribers already had, and
//! they would take the new events for repetitions.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
};

const KEPT: &[u8; 8] = b"kept   \n";
const UNKEPT: &[u8; 8] = b"unkept \n";

/// The mark's file, open.
#[derive(Debug)]
pub(super) struct Mark {
    file: File,
    unkept: bool,
}

impl Mark {
    /// Opens or makes the mark of a journal.
    pub(super) fn beside(journal: &Path) -> io::Result<Self> {
        let mut name = journal.as_os_str().to_owned();
        name.push(".mark");
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(name)?;
        let mut said = Vec::new();
        file.read_to_end(&mut said)?;
        let unkept = said.starts_with(b"unkept");
        let mut mark = Self { file, unkept };
        if said.len() < KEPT.len() {
            mark.write(unkept)?;
        }
        Ok(mark)
    }

    /// Whether an earlier run published what it could not keep.
    pub(super) fn unkept(&self) -> bool {
        self.unkept
    }

    /// Says so, before the first such event is published; or that everything is kept again.
    pub(super) fn set(&mut self, unkept: bool) -> io::Result<()> {
        if self.unkept != unkept {
            self.write(unkept)?;
        }
        Ok(())
    }

    fn write(&mut self, unkept: bool) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(if unkept { UNKEPT } else { KEPT })?;
        self.file.sync_data()?;
        self.unkept = unkept;
        Ok(())
    }
}
