//! Writing events down: one transaction a batch, with the heads, the open visits and the last camera states in step.

use std::{collections::BTreeMap, sync::Arc};

use redb::{Database, ReadableTable, WriteTransaction};
use uuid::Uuid;

use super::tables::{EVENTS, FIGURE_BYTES, FIGURES, HEADS, OPEN_VISITS, STATES};
use super::{JournalError, JournalReader, Limits, bounds};
use crate::events::{
    keys::Origin,
    sink::Recorded,
    wire::{CloseReason, Data, Draft, Event, Kind, UtcMicros, VisitState},
};

/// The journal's one writer. Dropping it closes the file once the last reader is gone.
#[derive(Debug)]
pub struct Journal {
    db: Arc<Database>,
    bytes: u64,
    limits: Limits,
}

impl Journal {
    pub(super) fn new(db: Arc<Database>, bytes: u64, limits: Limits) -> Self {
        Self { db, bytes, limits }
    }

    /// Writes events down, all or none; they are on disk when this returns. Then lets go of what is beyond the limits.
    pub fn write(&mut self, events: &[Recorded], now: UtcMicros) -> Result<(), JournalError> {
        let write = self.db.begin_write().map_err(redb::Error::from)?;
        let added: usize = events.iter().map(|r| r.json.len()).sum();
        insert(&write, events, now)?;
        let freed = bounds::trim(&write, self.bytes + added as u64, &self.limits, now)?;
        let bytes = (self.bytes + added as u64).saturating_sub(freed);
        write.open_table(FIGURES)?.insert(FIGURE_BYTES, bytes)?;
        write.commit().map_err(redb::Error::from)?;
        self.bytes = bytes;
        Ok(())
    }

    /// Something that reads beside this writer, from any thread.
    pub fn reader(&self) -> JournalReader {
        JournalReader::new(Arc::clone(&self.db))
    }

    /// Bytes of all event texts kept.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

fn insert(write: &WriteTransaction, events: &[Recorded], now: UtcMicros) -> Result<(), redb::Error> {
    let mut table = write.open_table(EVENTS)?;
    let mut newest = BTreeMap::new();
    for Recorded { event, json } in events {
        table.insert((event.source.as_str(), event.sequence.0), (now.micros(), &**json))?;
        let head = newest.entry(event.source.as_str()).or_default();
        *head = event.sequence.0.max(*head);
    }
    let mut heads = write.open_table(HEADS)?;
    for (source, head) in newest {
        let known = heads.get(source)?.map_or(0, |v| v.value());
        heads.insert(source, head.max(known))?;
    }
    remember(write, events)
}

/// Keeps what a restart or a late subscriber asks for first: open visits and last camera states.
fn remember(write: &WriteTransaction, events: &[Recorded]) -> Result<(), redb::Error> {
    let mut open_visits = write.open_table(OPEN_VISITS)?;
    let mut states = write.open_table(STATES)?;
    for Recorded { event, json } in events {
        match &event.kind {
            Kind::VisitOpened | Kind::VisitUpdated => drop(open_visits.insert(event.subject.as_str(), &**json)?),
            Kind::VisitClosed => drop(open_visits.remove(event.subject.as_str())?),
            Kind::CameraState => drop(states.insert(event.source.as_str(), &**json)?),
            _ => {}
        }
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
