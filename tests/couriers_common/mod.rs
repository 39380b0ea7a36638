//! What the tests of couriers share: events of one camera, through a real outbox.
#![allow(missing_docs, clippy::unwrap_used, reason = "test support: read it where it is used")]
#![allow(dead_code, unreachable_pub, clippy::missing_panics_doc, reason = "each test binary uses its own part of this")]

use std::{
    fs,
    ops::RangeInclusive,
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use flyball::events::{
    Beginning, EventSink, Started, begin,
    keys::{Origin, PlaceId},
    wire::{Data, Draft, Event, VisitState},
};
use flyball::scene::CameraId;
use uuid::Uuid;

/// Only a hang reaches it.
pub const PATIENCE: Duration = Duration::from_mins(1);
pub const SECRET: &str = "webhook-secret-0123456789";

/// A node without cameras: events are posted by hand.
pub struct World(Started);

pub fn started(sink: Box<dyn EventSink>) -> World {
    let place = |name: &str| PlaceId::new(name).unwrap();
    let beginning = Beginning {
        site: place("hq"),
        node: place("box"),
        journal: None,
        sinks: vec![sink],
        #[allow(clippy::disallowed_methods, reason = "publish times are wall-clock times")]
        clock: Arc::new(SystemTime::now),
        fresh_id: Box::new(Uuid::now_v7),
    };
    World(begin(beginning).unwrap())
}

impl World {
    /// Posts one event for each number; the first gets number 1, and so on.
    pub fn post(&self, numbers: RangeInclusive<u64>) {
        numbers.for_each(|number| assert!(self.0.postbox.post(draft(number))));
    }

    /// Ends as a run does: waits for the outbox, which waits a little for its sinks.
    pub fn end(self) {
        let Started { outbox, postbox, .. } = self.0;
        drop(postbox);
        outbox.finish();
    }
}

fn draft(number: u64) -> Draft {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/events/v1.0-visit-opened.json");
    let sample = Event::from_json(&fs::read(golden).unwrap()).unwrap();
    let mut data = sample.visit().unwrap().clone();
    data.visit.id = Uuid::from_u128(number.into());
    data.visit.state = VisitState::Updated;
    Draft {
        id: Uuid::now_v7(),
        origin: Origin::Camera(PlaceId::new("hq").unwrap(), CameraId::new("gate").unwrap()),
        subject: data.visit.id.to_string(),
        time: data.time.capture,
        data: Data::Visit(Box::new(data)),
    }
}

pub fn numbers(events: &[Event]) -> Vec<u64> {
    events.iter().map(|event| event.sequence.0).collect()
}
