//! Plays recorded events to subscribers as a running node would: on the same keys, with heartbeats, and with the history of
//! what was played so far, so that subscribers come late, reconnect and fill gaps as ever.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ::zenoh::{
    Session, Wait,
    bytes::Encoding,
    key_expr::KeyExpr,
    pubsub::Publisher,
    qos::{CongestionControl, Priority},
    query::Query,
};

use super::{ZenohBus, pages::Pages, session::refused};
use crate::events::{
    bus::BusError,
    hole::Hole,
    keys::{Key, KeyError, Origin, PlaceId, ROOT, Topic},
    sink::Head,
    wire::{Data, Event, GapReason, UtcMicros},
};

/// Events in one answer to `@history`.
const PAGE: usize = 1_000;
/// Schema name behind the media type, as events have it.
const SCHEMA: &str = "flyball.face.v1";

/// Plays events. What was played stays in memory, to be asked for.
pub struct Player {
    session: Session,
    played: Arc<Mutex<BTreeMap<String, Series>>>,
    /// Matched by whoever hears single events, and by whoever hears pages of them.
    listeners: [Publisher<'static>; 2],
}

/// What was played of one source.
#[derive(Debug, Default)]
struct Series {
    /// Numbers, times and texts, in order.
    events: Vec<(u64, UtcMicros, String)>,
    epoch: uuid::Uuid,
    state: Option<String>,
}

/// Why an event could not be played.
#[derive(Debug, thiserror::Error)]
pub enum PlayError {
    /// Its source is none.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Zenoh refused it.
    #[error(transparent)]
    Bus(#[from] BusError),
}

impl ZenohBus {
    /// Gets ready to play, and announces the cameras of these sources as those of a node `node`.
    pub fn player(&mut self, sources: &BTreeSet<String>, node: &str) -> Result<Player, PlayError> {
        let played: Arc<Mutex<BTreeMap<String, Series>>> = Arc::default();
        for key in [format!("{ROOT}/*/*/@history"), format!("{ROOT}/*/@node/*/@history"), format!("{ROOT}/*/*/state")] {
            let shared = Arc::clone(&played);
            let asked = move |query: Query| answer(&query, &lock(&shared));
            self.queryables.push(self.session.declare_queryable(key).callback(asked).wait().map_err(refused)?);
        }
        let node = PlaceId::new(node).map_err(|cause| KeyError::Name(node.to_owned(), cause))?;
        self.announce_sources(sources, &node)?;
        let heard = |below: &str| self.session.declare_publisher(format!("{ROOT}/{below}")).wait().map_err(refused);
        Ok(Player { session: self.session.clone(), played, listeners: [heard("**")?, heard("*/*/@page")?] })
    }

    fn announce_sources(&mut self, sources: &BTreeSet<String>, node: &PlaceId) -> Result<(), PlayError> {
        let mut sites: BTreeMap<PlaceId, Vec<_>> = BTreeMap::new();
        for source in sources {
            match Origin::from_source(source)? {
                Origin::Camera(site, camera) => sites.entry(site).or_default().push(camera),
                Origin::Node(site, _) => drop(sites.entry(site).or_default()),
            }
        }
        for (site, cameras) in &sites {
            self.announce(site, node, cameras)?;
        }
        Ok(())
    }
}

impl Player {
    /// Whether anybody listens.
    pub fn is_heard(&self) -> bool {
        self.listeners.iter().any(|end| end.matching_status().wait().is_ok_and(|status| status.matching()))
    }

    /// Publishes one event; `text` is its JSON as it was recorded.
    pub fn play(&self, event: &Event, text: &str) -> Result<(), PlayError> {
        let key = Key::of(event)?;
        lock(&self.played).entry(event.source.clone()).or_default().add(event, text);
        let mut page = Pages::default();
        page.add(&event.source, text);
        let _told_in_the_log = page.send(&self.session);
        self.put(&key, text, CongestionControl::Block)?;
        Ok(())
    }

    /// Says how far each source has come, as running nodes do once a second.
    pub fn heartbeat(&self) -> Result<(), PlayError> {
        let heads: Vec<Head> = lock(&self.played).iter().filter_map(|(source, series)| series.head(source)).collect();
        for head in heads {
            let key = Origin::from_source(&head.source)?.key(Topic::Head);
            self.put(&key, &serde_json::to_string(&head).unwrap_or_default(), CongestionControl::Drop)?;
        }
        Ok(())
    }

    fn put(&self, key: &Key, text: &str, congestion: CongestionControl) -> Result<(), BusError> {
        let put = self.session.put(key.to_string(), text).encoding(Encoding::APPLICATION_JSON.with_schema(SCHEMA));
        put.congestion_control(congestion).priority(Priority::DataHigh).wait().map_err(refused)
    }
}

impl Series {
    fn add(&mut self, event: &Event, text: &str) {
        if self.epoch != event.epoch {
            // Its numbering began anew, and so does its history.
            self.events.clear();
            self.epoch = event.epoch;
        }
        self.events.push((event.sequence.0, event.time, text.to_owned()));
        if matches!(event.data, Data::CameraState(_)) {
            self.state = Some(text.to_owned());
        }
    }

    fn head(&self, source: &str) -> Option<Head> {
        let (sequence, ..) = self.events.last()?;
        Some(Head { source: source.to_owned(), sequence: *sequence, epoch: self.epoch, kept: true })
    }

    /// One event a line; what was missing when it was recorded is said by a gap event in its place.
    fn since(&self, source: &str, mut since: u64, limit: usize) -> String {
        let from = self.events.partition_point(|(number, ..)| *number <= since);
        let mut lines = Vec::new();
        for (number, time, text) in self.events[from..].iter().take(limit) {
            let (first, last) = (since + 1, number - 1);
            let hole = Hole { source, epoch: self.epoch, first, last, lost: number - first, time: *time };
            let gap = if last < first { None } else { hole.event(GapReason::NotKept, "missing when it was recorded") };
            lines.extend(gap.map(|gap| gap.json.to_string()));
            lines.push(text.clone());
            since = *number;
        }
        lines.join("\n")
    }
}

fn lock(played: &Mutex<BTreeMap<String, Series>>) -> MutexGuard<'_, BTreeMap<String, Series>> {
    played.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One reply for each source that the query covers.
fn answer(query: &Query, played: &BTreeMap<String, Series>) {
    let number = |name: &str| query.parameters().get(name).and_then(|text| text.parse::<u64>().ok());
    let (since, limit) = (number("since").unwrap_or(0), number("limit").map_or(PAGE, |n| n as usize));
    for (source, series) in played {
        let Ok(origin) = Origin::from_source(source) else { continue };
        for topic in [Topic::History, Topic::State] {
            let key = origin.key(topic.clone()).to_string();
            if !KeyExpr::new(key.as_str()).is_ok_and(|expr| query.key_expr().intersects(&expr)) {
                continue;
            }
            let text =
                if topic == Topic::State { series.state.clone() } else { Some(series.since(source, since, limit)) };
            let Some(text) = text else { continue };
            if let Err(cause) = query.reply(key, text).encoding(Encoding::APPLICATION_JSON).wait() {
                tracing::debug!(source, %cause, "an answer was not sent");
            }
        }
    }
}
