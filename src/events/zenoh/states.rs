//! How nodes and cameras stand right now. A node's state is published twice a second and followed by `flyball top`; each one
//! replaces the one before, so none is kept, numbered or asked for again. A camera's is an event, and the last one of each
//! is answered from the journal.

use std::{
    sync::mpsc::{Receiver, sync_channel},
    time::Duration,
};

use ::zenoh::{
    Wait, bytes::Encoding, pubsub::Subscriber, qos::CongestionControl, query::ConsolidationMode, sample::Sample,
};

use super::{Filter, ZenohBus, session::refused};
use crate::events::{
    bus::BusError,
    keys::{Origin, PlaceId, ROOT, Topic},
    wire::Event,
};

/// States that may wait to be read; a reader that is slower misses some, and sees newer ones.
const QUEUE: usize = 64;
/// How long to wait for answers about cameras.
const ANSWER_PATIENCE: Duration = Duration::from_secs(5);

/// States of nodes as they come.
pub struct States {
    incoming: Receiver<String>,
    _subscriber: Subscriber<()>,
}

impl ZenohBus {
    /// A function that publishes this node's state; it may be called from any thread and does not wait for slow readers.
    pub fn state_publisher(&self, site: &PlaceId, node: &PlaceId) -> impl Fn(String) + Send + use<> {
        let session = self.session.clone();
        let key = Origin::Node(site.clone(), node.clone()).key(Topic::GovernorState).to_string();
        move |state| {
            let sent = session
                .put(key.as_str(), state)
                .encoding(Encoding::APPLICATION_JSON)
                .congestion_control(CongestionControl::Drop)
                .wait();
            if let Err(cause) = sent {
                tracing::debug!(%cause, "the governor's state was not published; the next one follows");
            }
        }
    }

    /// Follows the states of one node, or of all.
    pub fn states(&self, node: Option<&str>) -> Result<States, BusError> {
        let key = format!("{ROOT}/*/@node/{}/{}", node.unwrap_or("*"), Topic::GovernorState);
        let (queue, incoming) = sync_channel(QUEUE);
        let heard = move |sample: Sample| {
            let text = String::from_utf8_lossy(&sample.payload().to_bytes()).into_owned();
            let _a_newer_one_follows = queue.try_send(text);
        };
        let subscriber = self.session.declare_subscriber(key).callback(heard).wait().map_err(refused)?;
        Ok(States { incoming, _subscriber: subscriber })
    }
}

impl ZenohBus {
    /// The last state event of every camera that the filter lets through and that ever had one, by source.
    pub fn last_states(&self, filter: &Filter) -> Result<Vec<Event>, BusError> {
        let (site, camera) = (filter.site.as_deref().unwrap_or("*"), filter.camera.as_deref().unwrap_or("*"));
        let key = format!("{ROOT}/{site}/{camera}/{}", Topic::State);
        let asked = self.session.get(key).consolidation(ConsolidationMode::None).timeout(ANSWER_PATIENCE);
        let replies = asked.wait().map_err(refused)?;
        let samples = replies.iter().filter_map(|reply| reply.into_result().ok());
        let mut states: Vec<_> =
            samples.filter_map(|sample| Event::from_json(&sample.payload().to_bytes()).ok()).collect();
        states.sort_by(|a, b| a.source.cmp(&b.source));
        Ok(states)
    }
}

impl States {
    /// The next state as JSON text; `None` when none came within `patience`.
    pub fn next_within(&self, patience: Duration) -> Option<String> {
        self.incoming.recv_timeout(patience).ok()
    }
}
