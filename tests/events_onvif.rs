//! Faces in ONVIF's words: the committed samples are what is said, and Zenoh carries it on a second key that nobody hears who
//! did not ask for it.
#![cfg(feature = "zenoh")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs, net::TcpListener, path::Path, time::Duration};

use flyball::events::{
    BusConfig, EventSink, Recorded, onvif,
    wire::Event,
    zenoh::{Filter, ZenohBus},
};
use serde_json::Value;
use zenoh::Wait;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

fn event(name: &str) -> Event {
    Event::from_json(read(&format!("tests/golden/events/{name}.json")).as_bytes()).unwrap()
}

#[test]
fn a_known_face_is_said_as_the_golden_sample_says_it() {
    let said = onvif::face(&event("v1.0-visit-opened")).unwrap();
    let golden: Value = serde_json::from_str(&read("tests/golden/onvif/face.json")).unwrap();
    assert_eq!(said, golden, "ONVIF's words changed; consumers rely on them:\n{said:#}");
    for silent in
        ["v1.0-visit-closed", "v1.0-visit-opened-least", "v1.0-camera-state", "v1.0-gap", "v1.1-moderation-verdict"]
    {
        assert_eq!(
            onvif::face(&event(silent)),
            None,
            "{silent}: ONVIF's event is about somebody enrolled who is there"
        );
    }
}

#[test]
fn the_second_key_is_heard_by_those_who_ask_for_it_alone() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let endpoint = format!("tcp/127.0.0.1:{port}");
    let bus = ZenohBus::open(&BusConfig { listen: vec![endpoint.clone()], ..BusConfig::default() }).unwrap();
    let ours = ZenohBus::open(&BusConfig::connecting_to(&endpoint)).unwrap();
    let mut events = ours.subscribe(&Filter::default(), None).unwrap();
    let mut config = zenoh::Config::default();
    for (key, value) in [
        ("mode", "\"client\"".to_owned()),
        ("connect/endpoints", format!("[\"{endpoint}\"]")),
        ("scouting/multicast/enabled", "false".to_owned()),
    ] {
        config.insert_json5(key, &value).unwrap();
    }
    let session = zenoh::open(config).wait().unwrap();
    let faces = session.declare_subscriber("flyball/v1/*/*/@onvif-ej/**").wait().unwrap();
    let (mut plain, mut onvif) = (bus.sink().unwrap(), bus.onvif_sink().unwrap());
    let opened = event("v1.0-visit-opened");
    // Until both subscriptions are known to the publisher, nothing is promised: say it until both have heard it. Each keeps what
    // it heard: a subscriber to events hears the same one only once.
    let (mut heard, mut seen) = (None, None);
    while heard.is_none() || seen.is_none() {
        for sink in [&mut plain as &mut dyn EventSink, &mut onvif] {
            sink.publish(&Recorded::new(opened.clone()).unwrap());
        }
        heard = heard.or(faces.recv_timeout(Duration::from_millis(200)).unwrap());
        seen = seen.or(events.next_within(Duration::from_millis(200)));
    }
    let (heard, seen) = (heard.unwrap(), seen.unwrap());
    assert_eq!(heard.key_expr().as_str(), "flyball/v1/hq/gate-1/@onvif-ej/RuleEngine/Recognition/Face");
    let said: Value = serde_json::from_slice(&heard.payload().to_bytes()).unwrap();
    assert_eq!(said["Topic"], onvif::TOPIC);
    assert!(format!("{seen:?}").contains("VisitOpened"), "who subscribes to events hears events: {seen:?}");
}
