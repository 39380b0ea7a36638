//! Answers from the journal: history since a number, and the last state of a camera.
//!
//! `get flyball/v1/<site>/<camera>/@history?since=41;limit=500` is answered with one reply a camera, whose payload is one
//! event a line, oldest first. Ask again from the last number until nothing comes. Numbers that are gone for good are
//! answered with a `gap` event in their place.

use std::hash::{DefaultHasher, Hash, Hasher};

use ::zenoh::{
    Wait,
    bytes::Encoding,
    key_expr::KeyExpr,
    query::{Parameters, Query},
};
use uuid::Uuid;

use super::{ZenohBus, session::refused};
use crate::events::{
    bus::BusError,
    journal::{JournalError, JournalReader, Page},
    keys::{KeyError, Origin, PlaceId, ROOT, Topic},
    wire::{Data, Draft, Event, Gap, GapReason},
};

/// Events in one reply, unless the query says otherwise.
const PAGE: usize = 1_000;
/// Events in one reply, at most: about 10 MB.
const PAGE_MOST: usize = 10_000;

/// Why history could not be answered.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The journal could not be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A source in the journal is no origin.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The query's parameters make no sense.
    #[error("`{0}` is no number: ask with `?since=<sequence number>` and, if you like, `;limit=<events>`")]
    Parameter(String),
    /// Zenoh refused the answer.
    #[error("zenoh: {0}")]
    Reply(String),
}

impl ZenohBus {
    /// Answers queries from this journal for as long as this bus lives.
    pub fn serve(&mut self, site: &PlaceId, node: &PlaceId, journal: &JournalReader) -> Result<(), BusError> {
        let history = [format!("{ROOT}/{site}/*/@history"), format!("{ROOT}/{site}/@node/{node}/@history")];
        for key in history {
            self.answer(&key, journal.clone(), answer_history)?;
        }
        self.answer(&format!("{ROOT}/{site}/*/state"), journal.clone(), answer_state)
    }

    fn answer(
        &mut self,
        key: &str,
        journal: JournalReader,
        answer: fn(&Query, &JournalReader) -> Result<(), HistoryError>,
    ) -> Result<(), BusError> {
        let asked = move |query: Query| {
            if let Err(cause) = answer(&query, &journal) {
                tracing::warn!(query = %query.selector(), %cause, "a query was refused");
                let told = query.reply_err(cause.to_string()).wait();
                told.unwrap_or_else(|e| tracing::debug!(cause = %e, "the refusal could not be sent"));
            }
        };
        let queryable = self.session.declare_queryable(key).callback(asked).wait().map_err(refused)?;
        self.queryables.push(queryable);
        Ok(())
    }
}

fn answer_history(query: &Query, journal: &JournalReader) -> Result<(), HistoryError> {
    let since = number(query.parameters(), "since")?.unwrap_or(0);
    let limit = number(query.parameters(), "limit")?.map_or(PAGE, |n| (n as usize).min(PAGE_MOST));
    for (source, key) in asked_for(query, journal, &Topic::History)? {
        let page = journal.since(&source, since, limit)?;
        // An empty answer is one too: it tells "nothing more" from "nobody there".
        reply(query, &key, lines(&page).unwrap_or_default())?;
    }
    Ok(())
}

fn answer_state(query: &Query, journal: &JournalReader) -> Result<(), HistoryError> {
    for (source, key) in asked_for(query, journal, &Topic::State)? {
        if let Some(state) = journal.last_state(&source)? {
            reply(query, &key, state)?;
        }
    }
    Ok(())
}

fn reply(query: &Query, key: &str, text: String) -> Result<(), HistoryError> {
    let sent = query.reply(key, text).encoding(Encoding::APPLICATION_JSON).wait();
    sent.map_err(|e| HistoryError::Reply(e.to_string()))
}

/// The sources whose key for this topic a query covers, with that key.
fn asked_for(query: &Query, journal: &JournalReader, topic: &Topic) -> Result<Vec<(String, String)>, HistoryError> {
    let mut asked = Vec::new();
    for (source, _) in journal.heads()? {
        let key = Origin::from_source(&source)?.key(topic.clone()).to_string();
        if KeyExpr::new(key.as_str()).is_ok_and(|expr| query.key_expr().intersects(&expr)) {
            asked.push((source, key));
        }
    }
    Ok(asked)
}

fn number(parameters: &Parameters<'_>, name: &str) -> Result<Option<u64>, HistoryError> {
    let Some(text) = parameters.get(name) else {
        return Ok(None);
    };
    text.parse().map(Some).map_err(|_| HistoryError::Parameter(text.to_owned()))
}

/// One event a line; nothing when there is nothing to say.
fn lines(page: &Page) -> Option<String> {
    let gap = page.missing.and_then(|range| gap_line(page, range));
    let lines: Vec<&str> = gap.as_deref().into_iter().chain(page.events.iter().map(String::as_str)).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// A `gap` event in the place of numbers that are gone. It takes the last of them, so that the series has no hole, and the
/// same id whenever it is asked for, so that it is dropped as a repetition like any other event.
fn gap_line(page: &Page, (first, last): (u64, u64)) -> Option<String> {
    let next = Event::from_json(page.events.first()?.as_bytes()).ok()?;
    let never_kept = "the journal was damaged since, or could not be written then";
    let detail = if page.expired { "older than the journal keeps" } else { never_kept };
    let draft = Draft {
        id: gap_id(&next, last),
        origin: Origin::from_source(&next.source).ok()?,
        subject: next.partitionkey.clone(),
        time: next.time,
        data: Data::Gap(Gap {
            first: Some(first),
            last: Some(last),
            lost: Some(last - first + 1),
            reason: if page.expired { GapReason::Expired } else { GapReason::NotKept },
            detail: Some(detail.into()),
        }),
    };
    serde_json::to_string(&draft.numbered(next.epoch, last, next.time)).ok()
}

fn gap_id(next: &Event, last: u64) -> Uuid {
    let mut hasher = DefaultHasher::new();
    (&next.source, last).hash(&mut hasher);
    Uuid::from_u128(next.epoch.as_u128() ^ u128::from(hasher.finish()))
}
