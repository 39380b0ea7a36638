//! `flyball top` beside a node that publishes how it stands.
#![cfg(all(feature = "cli", feature = "zenoh"))]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    net::TcpListener,
    process::{Command, Output},
    sync::mpsc::{RecvTimeoutError, channel},
    thread::Builder,
    time::Duration,
};

use flyball::events::{
    BusConfig,
    keys::PlaceId,
    wire::{GovernorState, LIVE_VERSION, LiveFlow, LiveLatency, LiveMemory, UtcMicros},
    zenoh::ZenohBus,
};

fn state() -> GovernorState {
    GovernorState {
        v: LIVE_VERSION,
        site: "hq".into(),
        node: "box".into(),
        time: UtcMicros::from_micros(0),
        uptime_s: 3.0,
        pressure: "critical".into(),
        doing: "settled".into(),
        decision: 7,
        degraded: true,
        memory: LiveMemory { ours: 100 << 20, budget: 200 << 20, ..LiveMemory::default() },
        time_share: 0.5,
        latency: LiveLatency::default(),
        flow: LiveFlow::default(),
        models: Vec::new(),
        cameras: Vec::new(),
        held: Vec::new(),
        decisions: Vec::new(),
    }
}

fn endpoint() -> String {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    format!("tcp/127.0.0.1:{port}")
}

/// Runs `flyball top` while a node at `endpoint` says ten times a second how it stands.
fn top(arguments: &[&str]) -> Output {
    let endpoint = endpoint();
    let bus = ZenohBus::open(&BusConfig { listen: vec![endpoint.clone()], ..BusConfig::default() }).unwrap();
    let [site, node] = ["hq", "box"].map(|name| PlaceId::new(name).unwrap());
    let publish = bus.state_publisher(&site, &node);
    let (done, stop) = channel::<()>();
    let publisher = Builder::new().spawn(move || {
        while stop.recv_timeout(Duration::from_millis(100)) == Err(RecvTimeoutError::Timeout) {
            publish(serde_json::to_string(&state()).unwrap());
        }
    });
    let program = env!("CARGO_BIN_EXE_flyball");
    let output =
        Command::new(program).args(["top", "--once", "--connect", &endpoint]).args(arguments).output().unwrap();
    drop(done);
    publisher.unwrap().join().unwrap();
    output
}

#[test]
fn one_look_at_a_node_says_how_hard_it_is_pressed() {
    let output = top(&[]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("hq/box   pressure critical") && text.contains("100 of 200 MiB"), "{text}");
}

#[test]
fn scripts_get_the_state_as_it_was_published() {
    let output = top(&["--json", "--node", "box"]);
    let read: GovernorState = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(read, state());
}
