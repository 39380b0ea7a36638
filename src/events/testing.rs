//! An event for unit tests that count numbers and do not care what is said.

use uuid::Uuid;

use super::{
    keys::{Origin, PlaceId},
    wire::{Data, Draft, Event, NodeCondition, NodeHealth, UtcMicros},
};

/// Node `hq` at site `hq` is well, for the `number`th time; the number is its id as well.
#[allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
pub(crate) fn numbered(epoch: u128, number: u64) -> Event {
    let place = PlaceId::new("hq").unwrap();
    let health = NodeHealth {
        node: "a".into(),
        condition: NodeCondition::Healthy,
        version: "1".into(),
        cameras: 0,
        detail: None,
    };
    let draft = Draft {
        id: Uuid::from_u128(number.into()),
        origin: Origin::Node(place.clone(), place),
        subject: "a".into(),
        time: UtcMicros::default(),
        data: Data::NodeHealth(health),
    };
    draft.numbered(Uuid::from_u128(epoch), number, UtcMicros::default())
}
