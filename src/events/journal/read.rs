//! Reading the journal beside its writer: history since a number, open visits, last camera states.

use redb::{Database, ReadableDatabase, ReadableTable};

use super::tables::{EVENTS, EXPIRED, HEADS, OPEN_VISITS, STATES};
use super::{JournalError, file::JournalFile, record};
use crate::events::wire::Event;

/// Reads beside the writer, from any thread; clones share the file.
#[derive(Clone, Debug)]
pub struct JournalReader {
    file: JournalFile,
}

/// A piece of one camera's or node's history, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Numbers that were asked for but are gone for good, first and last.
    pub missing: Option<(u64, u64)>,
    /// Whether they are gone because they were the oldest; otherwise they were never kept, or lost to damage.
    pub expired: bool,
    /// Events as JSON, one text each, in order.
    pub events: Vec<String>,
    /// Number of the last event in `events`; ask on from here.
    pub upto: u64,
    /// Newest number there is.
    pub head: u64,
}

impl JournalReader {
    pub(super) fn new(file: JournalFile) -> Self {
        Self { file }
    }

    /// At most `limit` events of `source` (the CloudEvents attribute) with numbers above `since`.
    pub fn since(&self, source: &str, since: u64, limit: usize) -> Result<Page, JournalError> {
        self.file.with(|db| since_in(db, source, since, limit))
    }

    /// Every source with its newest number.
    pub fn heads(&self) -> Result<Vec<(String, u64)>, JournalError> {
        self.file.with(heads_in)
    }

    /// The newest event of every visit that is open.
    pub fn open_visits(&self) -> Result<Vec<Event>, JournalError> {
        self.file.with(open_visits_in)
    }

    /// The newest state event of a camera, as JSON.
    pub fn last_state(&self, source: &str) -> Result<Option<String>, JournalError> {
        self.file.with(|db| {
            let read = db.begin_read().map_err(redb::Error::from)?;
            Ok(read.open_table(STATES)?.get(source)?.map(|v| v.value().to_owned()))
        })
    }
}

fn since_in(db: &Database, source: &str, since: u64, limit: usize) -> Result<Page, JournalError> {
    let read = db.begin_read().map_err(redb::Error::from)?;
    let head = read.open_table(HEADS)?.get(source)?.map_or(0, |v| v.value());
    let mut page = Page { upto: since, head, ..Page::default() };
    if since >= head {
        return Ok(page);
    }
    let table = read.open_table(EVENTS)?;
    for entry in table.range((source, since + 1)..=(source, u64::MAX))? {
        if page.events.len() >= limit {
            break;
        }
        let (key, value) = entry?;
        let sequence = key.value().1;
        let Some(json) = record::unframed(value.value().1) else {
            continue; // damaged where it lies: a hole like any other
        };
        if sequence > page.upto + 1 {
            if !page.events.is_empty() {
                break; // a hole is said at the beginning of the next page
            }
            page.missing = Some((since + 1, sequence - 1));
            page.expired = read.open_table(EXPIRED)?.get(source)?.is_some_and(|upto| upto.value() >= sequence - 1);
        }
        page.events.push(json.to_owned());
        page.upto = sequence;
    }
    Ok(page)
}

fn heads_in(db: &Database) -> Result<Vec<(String, u64)>, JournalError> {
    let read = db.begin_read().map_err(redb::Error::from)?;
    let mut heads = Vec::new();
    for entry in read.open_table(HEADS)?.iter()? {
        let (source, head) = entry?;
        heads.push((source.value().to_owned(), head.value()));
    }
    Ok(heads)
}

fn open_visits_in(db: &Database) -> Result<Vec<Event>, JournalError> {
    let read = db.begin_read().map_err(redb::Error::from)?;
    let mut events = Vec::new();
    for entry in read.open_table(OPEN_VISITS)?.iter()? {
        let (visit, json) = entry?;
        match Event::from_json(json.value().as_bytes()) {
            Ok(event) => events.push(event),
            Err(cause) => {
                tracing::warn!(visit = visit.value(), %cause, "an open visit cannot be read and stays open");
            }
        }
    }
    Ok(events)
}
