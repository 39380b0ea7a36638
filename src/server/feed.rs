//! Events for browsers: the same events, in the same order, as server-sent events. A reader that is too slow loses the
//! oldest, and is told how many.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    extract::{Extension, Query, State},
    http::StatusCode,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::stream;
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast};

use super::{Desk, problem::Refusal, tokens::Caller};
use crate::events::{CallSink, EventSink, Recorded, wire::Data};

/// Events that may wait for a slow reader.
const WAITING: usize = 256;
/// Readers at once.
const READERS: usize = 64;
/// Silence after which a comment is sent, so that proxies keep the connection.
const ALIVE: Duration = Duration::from_secs(15);

/// Hears every event, and passes it on to whoever reads. Clones share it.
#[derive(Clone, Debug)]
pub struct Feed {
    /// Gone once the end was asked for: then every reader's stream ends.
    sender: Arc<Mutex<Option<broadcast::Sender<Recorded>>>>,
    readers: Arc<Semaphore>,
    heard: Arc<Mutex<Heard>>,
}

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
    wanted: Wanted,
    _seat: OwnedSemaphorePermit,
}

impl Default for Feed {
    fn default() -> Self {
        let sender = Arc::new(Mutex::new(Some(broadcast::channel(WAITING).0)));
        Self { sender, readers: Arc::new(Semaphore::new(READERS)), heard: Arc::default() }
    }
}

impl Feed {
    /// What hears the events; give it to the outbox.
    pub fn sink(&self) -> Box<dyn EventSink> {
        let feed = self.clone();
        Box::new(CallSink(move |recorded: &Recorded| feed.hear(recorded)))
    }

    fn hear(&self, recorded: &Recorded) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        *heard.events.entry(recorded.event.kind.as_str().to_owned()).or_default() += 1;
        if let Data::GovernorDecision(decision) = &recorded.event.data {
            heard.degraded = decision.decision.degraded;
            heard.rungs.extend(decision.changes.iter().filter_map(|change| rung(change)));
        }
        drop(heard);
        if let Some(sender) = &*self.lock() {
            let _nobody_reads = sender.send(recorded.clone());
        }
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
        self.lock().take();
    }

    fn lock(&self) -> MutexGuard<'_, Option<broadcast::Sender<Recorded>>> {
        self.sender.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
) -> Response {
    let Ok(seat) = Arc::clone(&desk.feed.readers).try_acquire_owned() else {
        let refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, format!("{READERS} readers are here already"));
        return refusal.try_this("end one of them, or subscribe over Zenoh").into_response();
    };
    let Some(events) = desk.feed.lock().as_ref().map(broadcast::Sender::subscribe) else {
        return Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "the run is ending").into_response();
    };
    tracing::info!(client = caller.name, camera = wanted.camera, "somebody reads events");
    let reader = Reader { events, wanted, _seat: seat };
    let told =
        stream::unfold(reader, |mut reader| async move { Some((Ok::<_, Infallible>(reader.next().await?), reader)) });
    Sse::new(told).keep_alive(KeepAlive::new().interval(ALIVE)).into_response()
}

impl Reader {
    /// The next event this reader wants, or how many it has lost; `None` at the end of the run.
    async fn next(&mut self) -> Option<Event> {
        loop {
            match self.events.recv().await {
                Ok(recorded) if self.wanted.includes(&recorded) => {
                    let event = Event::default().id(recorded.event.id.to_string());
                    return Some(event.event(recorded.event.kind.as_str()).data(&*recorded.json));
                }
                Ok(_) => {}
                Err(broadcast::error::RecvError::Lagged(lost)) => {
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
