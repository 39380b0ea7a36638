//! What can still be read of a damaged journal is carried over into the fresh one, each event under its own number.
//!
//! Numbers that went with the damage are never given out again: subscribers had them, and would take a new event under an
//! old number for a repetition. The tally says how far the numbering was. Without one that can be believed it goes on at
//! the microsecond of the damage: no camera has ever come that far, since none has a million events a second.

use std::{collections::BTreeMap, fs::File, path::Path};

use redb::{Database, ReadableDatabase, ReadableTable};
use uuid::Uuid;

use super::{
    JournalError,
    lost::Holes,
    record,
    store::{self, insert_record, remember},
    tables::{EVENTS, FIGURE_BYTES, FIGURES},
};
use crate::events::{
    sink::Recorded,
    wire::{Event, UtcMicros},
};

/// Records carried over in one commit.
const BATCH: usize = 1_000;

/// What could be carried over.
#[derive(Debug)]
pub(super) struct Salvaged {
    /// Events.
    pub(super) events: u64,
    /// The epoch they belong to.
    pub(super) epoch: Uuid,
}

/// Carries over what `damaged` still holds into the fresh `db`: events of `epoch`, where that is known, or of whichever
/// comes first. Every event that is there is shown to `holes`, in order.
pub(super) fn salvage(
    damaged: &Path,
    db: &Database,
    epoch: Option<Uuid>,
    holes: &mut Holes,
) -> Result<Option<Salvaged>, JournalError> {
    let mut carried = Carried { db, epoch, waiting: Vec::new() };
    let file = File::open(damaged).map_err(|e| JournalError::Folder(damaged.into(), e))?;
    let mut refused = None;
    record::scan(file, |text| {
        if refused.is_none() {
            refused = carried.add(text).err();
        }
    })
    .map_err(|e| JournalError::Folder(damaged.into(), e))?;
    if let Some(cause) = refused {
        return Err(cause);
    }
    carried.write()?;
    let events = replay(db, holes)?;
    Ok(carried.epoch.filter(|_| events > 0).map(|epoch| Salvaged { events, epoch }))
}

struct Carried<'a> {
    db: &'a Database,
    epoch: Option<Uuid>,
    waiting: Vec<Recorded>,
}

impl Carried<'_> {
    fn add(&mut self, text: &str) -> Result<(), JournalError> {
        let Ok(event) = Event::from_json(text.as_bytes()) else {
            return Ok(());
        };
        if *self.epoch.get_or_insert(event.epoch) != event.epoch {
            return Ok(());
        }
        self.waiting.push(Recorded { event: event.into(), json: text.into() });
        if self.waiting.len() >= BATCH { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> Result<(), JournalError> {
        let write = self.db.begin_write().map_err(redb::Error::from)?;
        for recorded in &self.waiting {
            keep_newest(&write, recorded)?;
        }
        store::raise_heads(&write, &self.waiting)?;
        write.commit().map_err(redb::Error::from)?;
        self.waiting.clear();
        Ok(())
    }
}

/// Above every number that can have been given out.
pub(super) fn floor(heads: &BTreeMap<String, u64>, now: UtcMicros) -> u64 {
    let newest = heads.values().copied().max().unwrap_or(0);
    now.micros().unsigned_abs().max(newest.saturating_add(1 << 32))
}

/// Of two events under one number the younger counts: the other was never committed, and so never published.
fn keep_newest(write: &redb::WriteTransaction, recorded: &Recorded) -> Result<(), JournalError> {
    let event = &recorded.event;
    let key = (event.source.as_str(), event.sequence.0);
    let known = write.open_table(EVENTS)?.get(key)?.and_then(|v| id_of(v.value().1));
    if known.is_none_or(|known| known < event.id) {
        insert_record(&mut write.open_table(EVENTS)?, recorded, written_at(event), &mut String::new())?;
    }
    Ok(())
}

/// When it was written down, as near as the event itself says.
fn written_at(event: &Event) -> UtcMicros {
    event.visit().map_or(event.time, |visit| visit.time.publish)
}

fn id_of(record: &str) -> Option<Uuid> {
    Event::from_json(record::unframed(record)?.as_bytes()).ok().map(|event| event.id)
}

/// Goes through what was carried over in order: open visits, states, sizes and holes follow from it.
fn replay(db: &Database, holes: &mut Holes) -> Result<u64, JournalError> {
    let read = db.begin_read().map_err(redb::Error::from)?;
    let write = db.begin_write().map_err(redb::Error::from)?;
    let (mut events, mut bytes) = (0, 0);
    for entry in read.open_table(EVENTS)?.iter()? {
        let (_, value) = entry?;
        let Some(json) = record::unframed(value.value().1) else { continue };
        let Ok(event) = Event::from_json(json.as_bytes()) else { continue };
        (events, bytes) = (events + 1, bytes + json.len() as u64);
        holes.there(&event);
        remember(&write, &[Recorded { event: event.into(), json: json.into() }])?;
    }
    write.open_table(FIGURES)?.insert(FIGURE_BYTES, bytes)?;
    write.commit().map_err(redb::Error::from)?;
    Ok(events)
}
