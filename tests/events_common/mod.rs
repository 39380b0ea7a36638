//! What tests of events over Zenoh have in common: a site, and visits to post there.

use std::{fs, path::Path, sync::OnceLock};

use flyball::events::{
    keys::{Origin, PlaceId},
    wire::{Data, Draft, Event, VisitState},
};
use flyball::scene::CameraId;
use uuid::Uuid;

pub(crate) fn place(name: &str) -> PlaceId {
    PlaceId::new(name).unwrap()
}

/// A closed visit at the gate, made from a golden sample; its number is its visit's id.
pub(crate) fn draft(n: u64) -> Draft {
    static SAMPLE: OnceLock<Event> = OnceLock::new();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/events/v1.0-visit-opened.json");
    let sample = SAMPLE.get_or_init(|| Event::from_json(&fs::read(golden).unwrap()).unwrap());
    let mut data = sample.visit().unwrap().clone();
    data.visit.id = Uuid::from_u128(n.into());
    data.visit.state = VisitState::Closed;
    Draft {
        id: Uuid::now_v7(),
        origin: Origin::Camera(place("hq"), CameraId::new("gate").unwrap()),
        subject: data.visit.id.to_string(),
        time: data.time.capture,
        data: Data::Visit(Box::new(data)),
    }
}
