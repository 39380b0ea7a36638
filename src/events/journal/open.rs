//! Finding the journal file, or beginning a fresh one when it is missing or damaged; and saying exactly what is gone.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use redb::Database;
use uuid::Uuid;

use super::{
    Journal, Limits,
    file::JournalFile,
    header::{Header, Refusal, open_checked, read_header},
    lost::{Holes, Lost},
    mark::Mark,
    salvage::{floor, salvage},
    tables::{EXPIRED, FIGURE_FLOOR, FIGURES, HEADS, LAYOUT, NAME_EPOCH, NAMES},
    tally::{self, Tally, Told},
};
use crate::events::{
    numbering::Numbering,
    wire::{GapReason, UtcMicros},
};

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
    /// Set when the old file was damaged or is gone.
    pub damage: Option<Damage>,
    /// Numbers that were given out and are not there: to be announced. Never those that merely expired.
    pub lost: Vec<Lost>,
}

/// What became of a damaged file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Where it was put aside; `None` when it was gone.
    pub aside: Option<PathBuf>,
    /// Events carried over.
    pub carried: u64,
    /// Nothing is known of it, and every number begins anew under a new epoch.
    pub anew: bool,
}

impl Journal {
    /// Opens the journal at `path`, or begins one. A damaged file is put aside under another name, never deleted, and what
    /// is still whole in it is carried over. `fresh` becomes the epoch if numbering has to begin anew.
    pub fn open(path: &Path, limits: Limits, fresh: Uuid, now: UtcMicros) -> Result<Opened, JournalError> {
        let folder = |e| JournalError::Folder(path.into(), e);
        fs::create_dir_all(path.parent().unwrap_or(path)).map_err(folder)?;
        let is_missing = fs::metadata(path).map_or(0, |found| found.len()) == 0;
        let mut mark = Mark::beside(path).map_err(folder)?;
        let opening = Opening { path, fresh, now, unkept: mark.unkept() };
        let found = match open_checked(path, fresh) {
            Ok(db) if is_missing => opening.replaced(db, None, tally::read(path).as_ref())?,
            Ok((db, header)) => opening.whole(db, header, tally::read(path))?,
            Err(Refusal::Final(cause)) => return Err(cause),
            Err(Refusal::Damaged) => {
                let aside = put_aside(path, now)?;
                let db = open_checked(path, fresh).map_err(|refusal| refusal.into_error(path))?;
                opening.replaced(db, Some(aside), tally::read(path).as_ref())?
            }
        };
        let Found { db, header, damage, lost } = found;
        if let Err(cause) = mark.set(false) {
            tracing::error!(%cause, "the mark beside the event journal cannot be written");
        }
        let tally = Tally::begin(path, header.epoch, header.counts());
        let tally = tally.inspect_err(|cause| {
            tracing::error!(%cause, "the tally beside the event journal cannot be written; damage could only be told roughly");
        });
        let journal = Journal::new(JournalFile::new(path.into(), db), mark, tally.ok(), header.bytes, limits);
        let numbering = Numbering::new(header.epoch, header.heads).above(header.floor);
        Ok(Opened { journal, numbering, damage, lost })
    }
}

/// One opening.
struct Opening<'a> {
    path: &'a Path,
    fresh: Uuid,
    now: UtcMicros,
    /// An earlier run published what it could not keep.
    unkept: bool,
}

struct Found {
    db: Database,
    header: Header,
    damage: Option<Damage>,
    lost: Vec<Lost>,
}

impl Opening<'_> {
    /// The file is whole. It may still be behind its tally: because the disk was full, or because it is an older copy.
    fn whole(&self, db: Database, mut header: Header, told: Option<Told>) -> Result<Found, JournalError> {
        let told = told.filter(|told| told.epoch == header.epoch);
        let reason = if self.unkept { GapReason::NotKept } else { GapReason::JournalDamaged };
        let lost = match told {
            Some(told) => behind(&mut header, &told, &reason),
            None if self.unkept => self.jump(&mut header, &reason),
            None => Vec::new(),
        };
        settle(&db, &header)?;
        Ok(Found { db, header, damage: None, lost })
    }

    /// A fresh file stands where one was damaged, or is gone.
    fn replaced(
        &self,
        (db, header): (Database, Header),
        aside: Option<PathBuf>,
        told: Option<&Told>,
    ) -> Result<Found, JournalError> {
        if aside.is_none() && told.is_none_or(|told| told.counts.is_empty()) {
            return Ok(Found { db, header, damage: None, lost: Vec::new() }); // The very first run.
        }
        let mut holes = Holes::new(told.map_or(&BTreeMap::new(), |told| &told.counts));
        let known = told.map(|told| told.epoch);
        let salvaged = match &aside {
            Some(damaged) => salvage(damaged, &db, known, &mut holes)?,
            None => None,
        };
        let epoch = known.or(salvaged.as_ref().map(|salvaged| salvaged.epoch));
        let mut header = read_header(&db, self.path, self.fresh).map_err(|refusal| refusal.into_error(self.path))?;
        header.epoch = epoch.unwrap_or(self.fresh);
        let jumped = match told {
            Some(told) => {
                told.counts.iter().for_each(|(source, count)| holes.upto(source, count.given));
                behind(&mut header, told, &GapReason::JournalDamaged);
                Vec::new()
            }
            None if salvaged.is_some() => self.jump(&mut header, &GapReason::JournalDamaged),
            None => Vec::new(),
        };
        settle(&db, &header)?;
        let carried = salvaged.map_or(0, |salvaged| salvaged.events);
        let damage = Damage { aside, carried, anew: epoch.is_none() };
        let lost = holes.lost().into_iter().chain(jumped).collect();
        Ok(Found { db, header, damage: Some(damage), lost })
    }

    /// Nobody knows how far the numbering was: it goes on where it never can have been.
    fn jump(&self, header: &mut Header, reason: &GapReason) -> Vec<Lost> {
        header.floor = header.floor.max(floor(&header.heads, self.now));
        let lost = |(source, head): (&String, &u64)| Lost {
            source: source.clone(),
            first: head + 1,
            last: header.floor,
            reason: reason.clone(),
            exact: false,
        };
        header.heads.iter().map(lost).collect()
    }
}

/// Takes over what the tally says, and answers with the numbers given out beyond those that are there.
fn behind(header: &mut Header, told: &Told, reason: &GapReason) -> Vec<Lost> {
    let mut lost = Vec::new();
    for (source, count) in &told.counts {
        let head = header.heads.entry(source.clone()).or_default();
        let expired = header.expired.entry(source.clone()).or_default();
        *expired = count.expired.max(*expired);
        if count.given > *head {
            let (source, reason) = (source.clone(), reason.clone());
            lost.push(Lost { source, first: *head + 1, last: count.given, reason, exact: true });
            *head = count.given;
        }
    }
    lost
}

/// Writes down what is known now, so that it is known next time without a tally.
fn settle(db: &Database, header: &Header) -> Result<(), JournalError> {
    let write = db.begin_write().map_err(redb::Error::from)?;
    write.open_table(NAMES)?.insert(NAME_EPOCH, header.epoch.to_string().as_str())?;
    write.open_table(FIGURES)?.insert(FIGURE_FLOOR, header.floor)?;
    for (table, numbers) in [(HEADS, &header.heads), (EXPIRED, &header.expired)] {
        let mut table = write.open_table(table)?;
        for (source, number) in numbers {
            table.insert(source.as_str(), number)?;
        }
    }
    Ok(write.commit().map_err(redb::Error::from)?)
}

/// Moves a damaged file out of the way, for whoever wants to look into it.
fn put_aside(path: &Path, now: UtcMicros) -> Result<PathBuf, JournalError> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".damaged-{}", now.micros()));
    let aside = PathBuf::from(name);
    fs::rename(path, &aside).map_err(|e| JournalError::Folder(path.into(), e))?;
    Ok(aside)
}
