//! A subscription that delivers every event once and in order per camera: repetitions are dropped, and what is missing is
//! fetched from the journal behind `@history` before the next one is delivered. While nobody answers for that journal the
//! camera's later events wait (see `owed`); only what its journal does not have any more is called lost.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    time::{Duration, Instant},
};

use ::zenoh::{Wait, bytes::Encoding, pubsub::Subscriber, query::ConsolidationMode, sample::Sample};

use super::{
    ZenohBus,
    owed::{Came, Owed},
    session::refused,
};
use crate::events::{
    bus::BusError,
    follow::{Follower, Heard},
    keys::{Origin, ROOT, Topic},
    sink::Head,
    wire::Event,
};

/// Events that may wait here. What does not fit is noticed as missing and fetched again.
const QUEUE: usize = 65_536;
/// How long to wait for an answer about history.
const HISTORY_PATIENCE: Duration = Duration::from_secs(5);

/// What to subscribe to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// One site; every site without it.
    pub site: Option<String>,
    /// One camera; every camera and node without it.
    pub camera: Option<String>,
}

/// One thing a subscriber learns.
#[derive(Clone, Debug)]
pub enum Delivery {
    /// An event, with its text as it came.
    Event(Box<Event>, String),
    /// Events between these numbers of a source did not come and nobody has them any more.
    Lost {
        /// The source.
        source: String,
        /// First missing number.
        first: u64,
        /// Last missing number.
        last: u64,
    },
    /// Something on our keys that cannot be read.
    Unreadable {
        /// Where it came from.
        key: String,
        /// Why it cannot be read.
        cause: String,
    },
}

/// A running subscription; dropping it ends it.
pub struct Subscription<'a> {
    bus: &'a ZenohBus,
    follower: Follower,
    incoming: Receiver<Incoming>,
    ready: VecDeque<Delivery>,
    /// What is missing of each source that is behind.
    owed: BTreeMap<String, Owed>,
    _subscribers: Vec<Subscriber<()>>,
}

/// How asking ended: with an answer, or after this number.
enum Fetched {
    Answered,
    Unanswered(u64),
}

enum Incoming {
    Event { key: String, text: String },
    Head(Head),
}

impl ZenohBus {
    /// Subscribes. With `since`, begins after that number on every camera and node; without it, with what comes now.
    pub fn subscribe(&self, filter: &Filter, since: Option<u64>) -> Result<Subscription<'_>, BusError> {
        let (queue, incoming) = sync_channel(QUEUE);
        let mut subscribers = Vec::new();
        for key in filter.keys() {
            let queue = queue.clone();
            let heard = move |sample: Sample| queue_sample(&queue, &sample);
            subscribers.push(self.session.declare_subscriber(key).callback(heard).wait().map_err(refused)?);
        }
        Ok(Subscription {
            bus: self,
            follower: Follower::new(since),
            incoming,
            ready: VecDeque::new(),
            owed: BTreeMap::new(),
            _subscribers: subscribers,
        })
    }

    /// Nodes and cameras that are there now, as their liveliness keys.
    pub fn alive(&self) -> Result<Vec<String>, BusError> {
        let mut keys = Vec::new();
        for key in [format!("{ROOT}/*/@node/*/@alive"), format!("{ROOT}/*/*/@alive")] {
            let replies = self.session.liveliness().get(key).wait().map_err(refused)?;
            keys.extend(replies.iter().filter_map(|r| r.into_result().ok()).map(|s| s.key_expr().to_string()));
        }
        Ok(keys)
    }

    /// One page of a source's history after `since`, one event a line; empty when there is no more, `None` when nobody
    /// answers.
    fn history(&self, origin: &Origin, since: u64) -> Result<Option<Vec<String>>, BusError> {
        let selector = format!("{}?since={since}", origin.key(Topic::History));
        let asked = self.session.get(selector).consolidation(ConsolidationMode::None).timeout(HISTORY_PATIENCE);
        let replies = asked.wait().map_err(refused)?;
        let mut lines: Option<Vec<String>> = None;
        for sample in replies.iter().filter_map(|r| r.into_result().ok()) {
            let text = String::from_utf8_lossy(&sample.payload().to_bytes()).into_owned();
            lines.get_or_insert_default().extend(text.lines().map(str::to_owned));
        }
        Ok(lines)
    }
}

impl Filter {
    /// Events and heartbeats of cameras, and of nodes unless one camera was asked for.
    fn keys(&self) -> Vec<String> {
        let site = self.site.as_deref().unwrap_or("*");
        let camera = self.camera.as_deref().unwrap_or("*");
        let mut keys = vec![format!("{ROOT}/{site}/{camera}/**"), format!("{ROOT}/{site}/{camera}/@head")];
        if self.camera.is_none() {
            keys.push(format!("{ROOT}/{site}/@node/*/*"));
            keys.push(format!("{ROOT}/{site}/@node/*/@head"));
        }
        keys
    }
}

impl Subscription<'_> {
    /// The next delivery, or `None` when nothing came within `patience`.
    pub fn next_within(&mut self, patience: Duration) -> Option<Delivery> {
        let deadline = now() + patience;
        loop {
            if let Some(ready) = self.ready.pop_front() {
                return Some(ready);
            }
            if self.ask_whom_is_due() {
                continue;
            }
            let left = deadline.saturating_duration_since(now());
            match self.incoming.recv_timeout(left.min(self.until_asking())) {
                Ok(Incoming::Event { key, text }) => self.take(&key, text),
                Ok(Incoming::Head(head)) => self.catch_up_to(&head),
                Err(_) if now() < deadline => {}
                Err(_) => return None,
            }
        }
    }

    fn take(&mut self, key: &str, text: String) {
        let event = match Event::from_json(text.as_bytes()) {
            Ok(event) => Box::new(event),
            Err(cause) => {
                return self.ready.push_back(Delivery::Unreadable { key: key.to_owned(), cause: cause.to_string() });
            }
        };
        if let Some(owed) = self.owed.get_mut(&event.source) {
            return owed.hold((event, text));
        }
        match self.follower.hear(&event) {
            Heard::Next => self.ready.push_back(Delivery::Event(event, text)),
            Heard::Again => {}
            Heard::Missing { since } => {
                let (source, mut owed) = (event.source.clone(), Owed::new(since, event.sequence.0, now()));
                owed.hold((event, text));
                self.collect(source, owed);
            }
        }
    }

    fn catch_up_to(&mut self, head: &Head) {
        if let Some(owed) = self.owed.get_mut(&head.source) {
            owed.kept(head.kept, now());
        } else if let Some(since) = self.follower.behind(head) {
            let mut owed = Owed::new(since, head.sequence, now());
            owed.kept(head.kept, now());
            self.collect(head.source.clone(), owed);
        }
    }

    /// Asks for what is due; whether anything was.
    fn ask_whom_is_due(&mut self) -> bool {
        let now = now();
        let due = self.owed.iter().find(|(_, owed)| owed.is_due(now)).map(|(source, _)| source.clone());
        let Some((source, owed)) = due.and_then(|source| self.owed.remove_entry(&source)) else { return false };
        self.collect(source, owed);
        true
    }

    fn until_asking(&self) -> Duration {
        let now = now();
        self.owed.values().map(|owed| owed.due_in(now)).min().unwrap_or(Duration::MAX)
    }

    /// Fetches what is owed; if nobody answers it stays so, and is asked for again.
    fn collect(&mut self, source: String, mut owed: Owed) {
        match self.fetch(&source, owed.since, owed.upto) {
            Fetched::Unanswered(since) if !owed.is_given_up(now()) => {
                owed.unanswered(since, now());
                self.owed.insert(source, owed);
            }
            Fetched::Unanswered(_) | Fetched::Answered => self.settle(owed),
        }
    }

    /// Delivers what was held; says so if some before it stayed away.
    fn settle(&mut self, mut owed: Owed) {
        while let Some((event, text)) = owed.held.pop_front() {
            match self.follower.hear(&event) {
                Heard::Again => {}
                Heard::Next => self.ready.push_back(Delivery::Event(event, text)),
                Heard::Missing { since } if event.sequence.0 > owed.upto => {
                    return self.owe_further(since, owed, (event, text));
                }
                Heard::Missing { since } => {
                    let (source, last) = (event.source.clone(), event.sequence.0 - 1);
                    self.ready.push_back(Delivery::Lost { source, first: since + 1, last });
                    self.follower.accept(&event);
                    self.ready.push_back(Delivery::Event(event, text));
                }
            }
        }
    }

    /// Between events that were held some are missing too.
    fn owe_further(&mut self, since: u64, mut owed: Owed, next: Came) {
        let (source, upto) = (next.0.source.clone(), next.0.sequence.0);
        owed.held.push_front(next);
        let held = std::mem::take(&mut owed.held);
        self.owed.insert(source, owed.further(since, held, upto));
    }

    /// Fetches page after page until `upto` is reached or there is no more.
    fn fetch(&mut self, source: &str, mut since: u64, upto: u64) -> Fetched {
        let Ok(origin) = Origin::from_source(source) else {
            return Fetched::Answered;
        };
        while since < upto {
            let lines = match self.bus.history(&origin, since) {
                Ok(Some(lines)) => lines,
                Ok(None) => return Fetched::Unanswered(since),
                Err(cause) => {
                    tracing::warn!(source, %cause, "history could not be asked for");
                    return Fetched::Unanswered(since);
                }
            };
            match self.deliver_page(lines) {
                Some(last) if last > since => since = last,
                _ => break,
            }
        }
        Fetched::Answered
    }

    /// Delivers a page in order; answers with its last number.
    fn deliver_page(&mut self, lines: Vec<String>) -> Option<u64> {
        let mut last = None;
        for text in lines {
            let event = match Event::from_json(text.as_bytes()) {
                Ok(event) => event,
                Err(cause) => {
                    self.ready.push_back(Delivery::Unreadable { key: "@history".into(), cause: cause.to_string() });
                    continue;
                }
            };
            last = Some(event.sequence.0);
            if self.follower.hear(&event) != Heard::Again {
                self.follower.accept(&event);
                self.ready.push_back(Delivery::Event(Box::new(event), text));
            }
        }
        last
    }
}

#[allow(clippy::disallowed_methods, reason = "a subscriber waits in real time")]
fn now() -> Instant {
    Instant::now()
}

/// The event's JSON, also when it came as CBOR. What cannot be read stays as it is, and is reported when it is read.
fn text(sample: &Sample, payload: &[u8]) -> String {
    let is_cbor = sample.encoding().id() == Encoding::APPLICATION_CBOR.id();
    let event = is_cbor.then(|| Event::from_cbor(payload).ok()).flatten();
    let json = event.and_then(|event| serde_json::to_string(&event).ok());
    json.unwrap_or_else(|| String::from_utf8_lossy(payload).into_owned())
}

/// Runs on Zenoh's thread and must not wait: what does not fit into the queue is fetched later.
fn queue_sample(queue: &SyncSender<Incoming>, sample: &Sample) {
    let key = sample.key_expr().as_str();
    let payload = sample.payload().to_bytes();
    let incoming = if key.ends_with("/@head") {
        serde_json::from_slice(&payload).ok().map(Incoming::Head)
    } else {
        Some(Incoming::Event { key: key.to_owned(), text: text(sample, &payload) })
    };
    if incoming.is_some_and(|incoming| queue.try_send(incoming).is_err()) {
        tracing::debug!(key, "too many events at once; this one will be fetched from history");
    }
}
