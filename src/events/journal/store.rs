//! Writing events down: one transaction a batch, with the heads, the open visits and the last camera states in step.

use std::collections::BTreeMap;

use redb::{Database, ReadableTable, Table, WriteTransaction};
use uuid::Uuid;

use super::tables::{EVENTS, FIGURE_BYTES, FIGURES, HEADS, OPEN_VISITS, STATES};
use super::{
    JournalError, JournalReader, Limits, bounds, file::JournalFile, mark::Mark, record, tables::Written, tally::Tally,
};
use crate::events::{
    keys::Origin,
    sink::Recorded,
    wire::{CloseReason, Data, Draft, Event, Kind, UtcMicros, VisitState},
};

/// The journal's one writer. Dropping it closes the file once the last reader is gone.
#[derive(Debug)]
pub struct Journal {
    /// Closed before the file is: who opens that next reads it.
    tally: Option<Tally>,
    file: JournalFile,
    mark: Mark,
    bytes: u64,
    limits: Limits,
    /// A write failed; the file must be opened anew.
    failed: bool,
}

impl Journal {
    pub(super) fn new(file: JournalFile, mark: Mark, tally: Option<Tally>, bytes: u64, limits: Limits) -> Self {
        Self { tally, file, mark, bytes, limits, failed: false }
    }

    /// Writes events down, all or none; they are on disk when this returns. Then lets go of what is beyond the limits.
    /// After a failure the next call opens the file anew first.
    pub fn write(&mut self, events: &[Recorded], now: UtcMicros) -> Result<(), JournalError> {
        if self.failed {
            self.file.reopen()?;
        }
        let written = self.file.with(|db| write_all(db, events, now, self.bytes, &self.limits));
        self.failed = written.is_err();
        let (bytes, expired) = written?;
        self.bytes = bytes;
        if let Some(tally) = &mut self.tally {
            tally.expired(&expired);
        }
        Ok(())
    }

    /// Notes numbers as given out, whether their events could be written or not; before they are published.
    pub fn given(&mut self, events: &[Recorded]) {
        if let Some(tally) = &mut self.tally {
            tally.given(events);
        }
    }

    /// Remembers, beyond the end of this process, whether events are published that the journal could not keep.
    pub fn mark_unkept(&mut self, unkept: bool) {
        if let Err(cause) = self.mark.set(unkept) {
            tracing::error!(%cause, "the mark beside the event journal cannot be written");
        }
    }

    /// Something that reads beside this writer, from any thread.
    pub fn reader(&self) -> JournalReader {
        JournalReader::new(self.file.clone())
    }

    /// Bytes of all event texts kept.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// One commit; answers with the bytes of all event texts kept, and with what was let go of.
fn write_all(
    db: &Database,
    events: &[Recorded],
    now: UtcMicros,
    before: u64,
    limits: &Limits,
) -> Result<(u64, BTreeMap<String, u64>), JournalError> {
    let write = db.begin_write().map_err(redb::Error::from)?;
    let held = before + events.iter().map(|r| r.json.len() as u64).sum::<u64>();
    insert(&write, events, now)?;
    let trimmed = bounds::trim(&write, held, limits, now)?;
    let bytes = held.saturating_sub(trimmed.freed);
    write.open_table(FIGURES)?.insert(FIGURE_BYTES, bytes)?;
    write.commit().map_err(redb::Error::from)?;
    Ok((bytes, trimmed.upto))
}

fn insert(write: &WriteTransaction, events: &[Recorded], now: UtcMicros) -> Result<(), redb::Error> {
    let (mut table, mut frame) = (write.open_table(EVENTS)?, String::new());
    for recorded in events {
        insert_record(&mut table, recorded, now, &mut frame)?;
    }
    raise_heads(write, events)?;
    remember(write, events)
}

/// `frame` is only lent, so that not every record needs memory of its own.
pub(super) fn insert_record(
    table: &mut Table<'_, (&str, u64), Written>,
    Recorded { event, json }: &Recorded,
    at: UtcMicros,
    frame: &mut String,
) -> Result<(), redb::Error> {
    let key = (event.source.as_str(), event.sequence.0);
    record::frame(json, frame);
    table.insert(key, (at.micros(), frame.as_str()))?;
    Ok(())
}

/// Keeps the newest number of each source.
pub(super) fn raise_heads(write: &WriteTransaction, events: &[Recorded]) -> Result<(), redb::Error> {
    let mut newest = BTreeMap::new();
    for Recorded { event, .. } in events {
        let head = newest.entry(event.source.as_str()).or_default();
        *head = event.sequence.0.max(*head);
    }
    let mut heads = write.open_table(HEADS)?;
    for (source, head) in newest {
        let known = heads.get(source)?.map_or(0, |v| v.value());
        heads.insert(source, head.max(known))?;
    }
    Ok(())
}

/// Keeps what a restart or a late subscriber asks for first: open visits and last camera states.
pub(super) fn remember(write: &WriteTransaction, events: &[Recorded]) -> Result<(), redb::Error> {
    let mut open_visits = write.open_table(OPEN_VISITS)?;
    let mut states = write.open_table(STATES)?;
    for Recorded { event, json } in events {
        match &event.kind {
            Kind::VisitOpened | Kind::VisitUpdated => drop(open_visits.insert(event.subject.as_str(), &**json)?),
            Kind::VisitMerged => merged(&mut open_visits, event, json)?,
            Kind::VisitClosed => drop(open_visits.remove(event.subject.as_str())?),
            Kind::CameraState => drop(states.insert(event.source.as_str(), &**json)?),
            _ => {}
        }
    }
    Ok(())
}

/// The visits that turned out to be this one are over with it.
fn merged(open: &mut Table<'_, &str, &str>, event: &Event, json: &str) -> Result<(), redb::Error> {
    for over in event.visit().into_iter().flat_map(|visit| &visit.visit.supersedes) {
        open.remove(over.to_string().as_str())?;
    }
    if open.get(event.subject.as_str())?.is_some() {
        open.insert(event.subject.as_str(), json)?;
    }
    Ok(())
}

/// The closing event of a visit that a crash left open: it ends at the last moment known. `None` for anything else.
pub fn interrupted(last: &Event, id: Uuid) -> Option<Draft> {
    let Data::Visit(mut visit) = last.data.clone() else {
        return None;
    };
    visit.visit.state = VisitState::Closed;
    visit.visit.reason = Some(CloseReason::Interrupted);
    visit.visit.ended = Some(visit.time.capture);
    Some(Draft {
        id,
        origin: Origin::from_source(&last.source).ok()?,
        subject: last.subject.clone(),
        time: visit.time.capture,
        data: Data::Visit(visit),
    })
}

impl From<redb::TableError> for JournalError {
    fn from(cause: redb::TableError) -> Self {
        Self::Storage(cause.into())
    }
}

impl From<redb::StorageError> for JournalError {
    fn from(cause: redb::StorageError) -> Self {
        Self::Storage(cause.into())
    }
}
