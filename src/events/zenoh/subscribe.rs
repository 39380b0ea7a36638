//! Subscribing: to pages of events and to heartbeats. Next: [`caught`](super::caught), what the subscription makes of them.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    time::Duration,
};

use ::zenoh::{Wait, pubsub::Subscriber, query::ConsolidationMode, sample::Sample};

use super::{ZenohBus, owed::Owed, session::refused};
use crate::events::{
    bus::BusError,
    follow::Follower,
    keys::{Origin, ROOT, Topic},
    sink::Head,
    wire::Event,
};

/// Messages that may wait here: at most 60 MB of full pages. What does not fit is noticed as missing and fetched again.
const QUEUE: usize = 1_024;
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
    pub(super) bus: &'a ZenohBus,
    pub(super) follower: Follower,
    pub(super) incoming: Receiver<Incoming>,
    pub(super) ready: VecDeque<Delivery>,
    /// What is missing of each source that is behind.
    pub(super) owed: BTreeMap<String, Owed>,
    _subscribers: Vec<Subscriber<()>>,
}

pub(super) enum Incoming {
    /// Events, one a line.
    Page {
        key: String,
        text: String,
    },
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
    pub(super) fn history(&self, origin: &Origin, since: u64) -> Result<Option<Vec<String>>, BusError> {
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
    /// Pages and heartbeats of cameras, and of nodes unless one camera was asked for.
    fn keys(&self) -> Vec<String> {
        let site = self.site.as_deref().unwrap_or("*");
        let camera = self.camera.as_deref().unwrap_or("*");
        let mut places = vec![format!("{ROOT}/{site}/{camera}")];
        if self.camera.is_none() {
            places.push(format!("{ROOT}/{site}/@node/*"));
        }
        places.iter().flat_map(|place| ["@page", "@head"].map(|topic| format!("{place}/{topic}"))).collect()
    }
}

/// Runs on Zenoh's thread and must not wait: what does not fit into the queue is fetched later.
fn queue_sample(queue: &SyncSender<Incoming>, sample: &Sample) {
    let key = sample.key_expr().as_str();
    let payload = sample.payload().to_bytes();
    let incoming = if key.ends_with("/@head") {
        serde_json::from_slice(&payload).ok().map(Incoming::Head)
    } else {
        Some(Incoming::Page { key: key.to_owned(), text: String::from_utf8_lossy(&payload).into_owned() })
    };
    if incoming.is_some_and(|incoming| queue.try_send(incoming).is_err()) {
        tracing::debug!(key, "too many events at once; these will be fetched from history");
    }
}
