//! Events for browsers: the same events, in the same order, as server-sent events. A reader that is too slow loses the
//! oldest, and is told how many.
//!
//! A reader that comes back with `Last-Event-ID` first gets what it missed, as far as it is remembered here. Every reader is
//! told, in `head` events, how far the numbering is, at the beginning and after a loss: whoever knows what it has can ask
//! `/api/v1/history` for what is missing.

use std::{
    collections::{BTreeMap, VecDeque},
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    extract::{Extension, Query, State},
    http::{HeaderMap, StatusCode},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::stream;
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast};

use super::{Desk, problem::Refusal, tokens::Caller};
use crate::events::{EventSink, Head, Recorded, wire::Data};

/// Events that may wait for a slow reader, about 16 MB.
const WAITING: usize = 8_192;
/// Events remembered for readers that come back, about 2 MB.
const REMEMBERED: usize = 1_024;
/// Readers at once.
const READERS: usize = 64;
/// Silence after which a comment is sent, so that proxies keep the connection.
const ALIVE: Duration = Duration::from_secs(15);

/// Hears every event, and passes it on to whoever reads. Clones share it.
#[derive(Clone, Debug)]
pub struct Feed {
    line: Arc<Mutex<Line>>,
    readers: Arc<Semaphore>,
    heard: Arc<Mutex<Heard>>,
}

/// What readers get, and what those who come later may get.
#[derive(Debug)]
struct Line {
    /// Gone once the end was asked for: then every reader's stream ends.
    sender: Option<broadcast::Sender<Recorded>>,
    recent: VecDeque<Recorded>,
    heads: BTreeMap<String, Head>,
}

/// Hears for a feed.
struct Ear(Feed);

/// What the events said, in numbers.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard {
    /// Events so far, by type.
    pub(super) events: BTreeMap<String, u64>,
    /// What the governor has chosen: lever and subject, and the rung they are on.
    pub(super) rungs: BTreeMap<(String, String), String>,
    /// Whether something is given up.
    pub(super) degraded: bool,
}

/// Which events a reader wants.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// Of this camera only.
    camera: Option<String>,
}

struct Reader {
    events: broadcast::Receiver<Recorded>,
    /// To be told first.
    first: VecDeque<Event>,
    feed: Feed,
    wanted: Wanted,
    _seat: OwnedSemaphorePermit,
}

impl Default for Feed {
    fn default() -> Self {
        let sender = Some(broadcast::channel(WAITING).0);
        let line = Arc::new(Mutex::new(Line { sender, recent: VecDeque::new(), heads: BTreeMap::new() }));
        Self { line, readers: Arc::new(Semaphore::new(READERS)), heard: Arc::default() }
    }
}

impl Feed {
    /// What hears the events; give it to the outbox.
    pub fn sink(&self) -> Box<dyn EventSink> {
        Box::new(Ear(self.clone()))
    }

    fn hear(&self, recorded: &Recorded) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        *heard.events.entry(recorded.event.kind.as_str().to_owned()).or_default() += 1;
        if let Data::GovernorDecision(decision) = &recorded.event.data {
            heard.degraded = decision.decision.degraded;
            heard.rungs.extend(decision.changes.iter().filter_map(|change| rung(change)));
        }
        drop(heard);
        self.lock().pass_on(recorded);
    }

    /// What the events said so far.
    pub(super) fn heard(&self) -> Heard {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many read now.
    pub(super) fn readers(&self) -> usize {
        READERS - self.readers.available_permits()
    }

    /// Ends every reader's stream.
    pub(super) fn end(&self) {
        self.lock().sender.take();
    }

    /// A new reader: what comes from now on, and first what it missed. `None` when the run is ending.
    fn join(&self, wanted: Wanted, last: Option<&str>, seat: OwnedSemaphorePermit) -> Option<Reader> {
        let line = self.lock();
        let events = line.sender.as_ref()?.subscribe();
        let missed = line.since(last).filter(|recorded| wanted.includes(recorded)).map(told);
        let first = missed.chain(line.heads(&wanted)).collect();
        Some(Reader { events, first, feed: self.clone(), wanted, _seat: seat })
    }

    fn lock(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    fn pass_on(&mut self, recorded: &Recorded) {
        let event = &recorded.event;
        let head = Head { source: event.source.clone(), sequence: event.sequence.0, epoch: event.epoch, kept: true };
        self.heads.insert(event.source.clone(), head);
        self.recent.push_back(recorded.clone());
        if self.recent.len() > REMEMBERED {
            self.recent.pop_front();
        }
        if let Some(sender) = &self.sender {
            let _nobody_reads = sender.send(recorded.clone());
        }
    }

    /// What came after the event of this id; nothing when it is not remembered.
    fn since(&self, last: Option<&str>) -> impl Iterator<Item = &Recorded> {
        let at = last.and_then(|last| self.recent.iter().rposition(|r| r.event.id.to_string() == last));
        self.recent.iter().skip(at.map_or(usize::MAX, |at| at + 1))
    }

    fn heads(&self, wanted: &Wanted) -> Vec<Event> {
        let told = |head: &Head| Some(Event::default().event("head").data(serde_json::to_string(head).ok()?));
        self.heads.values().filter(|head| wanted.is_from(&head.source)).filter_map(told).collect()
    }
}

impl EventSink for Ear {
    fn publish(&mut self, recorded: &Recorded) {
        self.0.hear(recorded);
    }

    fn heartbeat(&mut self, heads: &[Head]) {
        let mut line = self.0.lock();
        line.heads.extend(heads.iter().map(|head| (head.source.clone(), head.clone())));
    }
}

fn told(recorded: &Recorded) -> Event {
    let event = Event::default().id(recorded.event.id.to_string());
    event.event(recorded.event.kind.as_str()).data(&*recorded.json)
}

/// `precision dlib_resnet: fp32 → int8` says that this lever of this subject is on `int8`.
fn rung(change: &str) -> Option<((String, String), String)> {
    let (what, to) = change.rsplit_once(" → ")?;
    let (lever, subject) = what.split_once(": ")?.0.split_once(' ').unwrap_or((what, ""));
    Some(((lever.to_owned(), subject.to_owned()), to.to_owned()))
}

/// `GET /api/v1/events`.
pub(super) async fn events(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Response {
    let Ok(seat) = Arc::clone(&desk.feed.readers).try_acquire_owned() else {
        let refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, format!("{READERS} readers are here already"));
        return refusal.try_this("end one of them, or subscribe over Zenoh").into_response();
    };
    tracing::info!(client = caller.name, camera = wanted.camera, "somebody reads events");
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let Some(reader) = desk.feed.join(wanted, last, seat) else {
        return Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "the run is ending").into_response();
    };
    let told =
        stream::unfold(reader, |mut reader| async move { Some((Ok::<_, Infallible>(reader.next().await?), reader)) });
    Sse::new(told).keep_alive(KeepAlive::new().interval(ALIVE)).into_response()
}

impl Reader {
    /// The next event this reader wants, or how many it has lost; `None` at the end of the run.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(first) = self.first.pop_front() {
                return Some(first);
            }
            match self.events.recv().await {
                Ok(recorded) if self.wanted.includes(&recorded) => return Some(told(&recorded)),
                Ok(_) => {}
                Err(broadcast::error::RecvError::Lagged(lost)) => {
                    self.first = self.feed.lock().heads(&self.wanted).into();
                    return Some(Event::default().event("lost").data(format!("{{\"lost\":{lost}}}")));
                }
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }
}

impl Wanted {
    fn includes(&self, recorded: &Recorded) -> bool {
        self.camera.as_ref().is_none_or(|camera| recorded.event.partitionkey == *camera)
    }

    fn is_from(&self, source: &str) -> bool {
        self.camera
            .as_ref()
            .is_none_or(|camera| source.rsplit('/').next() == Some(camera) && !source.contains("/@node/"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_names_lever_subject_and_rung() {
        let found = rung("precision dlib_resnet: fp32 → int8").unwrap();
        assert_eq!(found, (("precision".into(), "dlib_resnet".into()), "int8".into()));
        assert_eq!(rung("nothing happened"), None);
    }
}
