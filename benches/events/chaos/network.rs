//! The network's rows: a router that goes away, a subscriber that stops reading, one that comes late.

use std::{
    io::{BufRead, BufReader},
    thread,
    time::Duration,
};

use flyball::events::BusConfig;

use crate::{
    books::{Row, Subscriber},
    child::{Killed, command, router, signal},
    pipeline::Pipeline,
    world::{Node, Setup, free_endpoint, listening, now},
};

const CAMERAS: &[&str] = &["gate", "hall", "yard"];

pub(super) fn router_restarted() -> Vec<Row> {
    let folder = tempfile::tempdir().expect("a folder");
    let (endpoint, journal) = (free_endpoint(), folder.path().join("events.redb"));
    let first = router(&endpoint);
    let bus = Some(BusConfig::connecting_to(&endpoint));
    let node = Node::start(Setup { bus, journal: Some(&journal), ..Setup::default() });
    let subscriber = Subscriber::start(BusConfig::connecting_to(&endpoint), Some(0));
    node.post_paced(CAMERAS, 0..5_000, 4_000);
    drop(first);
    node.post_paced(CAMERAS, 5_000..25_000, 4_000);
    let second = router(&endpoint);
    node.post_paced(CAMERAS, 25_000..40_000, 4_000);
    let sent = node.sent();
    let begun = now();
    let books = subscriber.finish(&sent);
    let note =
        format!("router killed, 5 s without; complete {:.1} s after the last event", begun.elapsed().as_secs_f64());
    drop(second);
    node.stop();
    vec![books.row("router killed in a burst", &sent, note)]
}

/// A subscriber's process is stopped while events go on; neither another one beside it nor the cameras must notice.
pub(super) fn subscriber_stalled() -> Vec<Row> {
    const EVENTS: u64 = 60_000;
    const PACE: u64 = 4_000;
    let folder = tempfile::tempdir().expect("a folder");
    let (endpoint, journal) = (free_endpoint(), folder.path().join("events.redb"));
    let node = Node::start(Setup { bus: Some(listening(&endpoint)), journal: Some(&journal), ..Setup::default() });
    let beside = Subscriber::start(BusConfig::connecting_to(&endpoint), Some(0));
    let mut child = Killed(command(&["subscriber", &endpoint, &EVENTS.to_string()]).spawn().expect("a subscriber"));
    let mut lines = BufReader::new(child.0.stdout.take().expect("its output")).lines().map_while(Result::ok);
    assert_eq!(lines.next().as_deref(), Some("ready"));
    // It publishes on the same session, so that its events stand in the same queues.
    let pipeline = Pipeline::start(node.started.postbox.clone());
    let (calm, _) = pipeline.rate(|| node.post_paced(CAMERAS, 0..24_000, PACE));
    signal(&child.0, "STOP");
    let (stalled, slowest) = pipeline.rate(|| node.post_paced(CAMERAS, 24_000..60_000 - PACE, PACE));
    signal(&child.0, "CONT");
    node.post_paced(CAMERAS, EVENTS - PACE..EVENTS, PACE);
    let cameras = pipeline.stop();
    let sent = node.sent();
    let books = beside.finish(&sent);
    let heard = lines.find(|line| line.starts_with("heard ")).expect("its last word");
    let heard: Vec<u64> = heard.split(' ').skip(1).map(|n| n.parse().expect("a number")).collect();
    let change = (stalled / calm - 1.0) * 1e2;
    let slower = if change < -2.0 { "; DETECTION SLOWED DOWN" } else { "" };
    let note = format!(
        "stopped for 8 s; {cameras}: {calm:.2} frames/s before, {stalled:.2} meanwhile ({change:+.2} %); slowest post \
         {slowest:.1?}{slower}"
    );
    let all = sent.len() as u64;
    let row = Row {
        row: "subscriber stalled".into(),
        sent: EVENTS,
        received: heard[0].min(EVENTS),
        lost_silently: EVENTS.saturating_sub(heard[0]),
        duplicated: heard[1],
        note: if heard[2] > 0 { "OUT OF ORDER".into() } else { note },
    };
    node.stop();
    vec![row, books.row("another beside the stalled one", &sent, format!("{} of them from cameras", all - EVENTS))]
}

pub(super) fn subscriber_late() -> Vec<Row> {
    let folder = tempfile::tempdir().expect("a folder");
    let (endpoint, journal) = (free_endpoint(), folder.path().join("events.redb"));
    let node = Node::start(Setup { bus: Some(listening(&endpoint)), journal: Some(&journal), ..Setup::default() });
    node.post(CAMERAS, 0..20_000);
    let subscriber = Subscriber::start(BusConfig::connecting_to(&endpoint), Some(0));
    node.post_paced(CAMERAS, 20_000..30_000, 4_000);
    let sent = node.sent();
    let books = subscriber.finish(&sent);
    thread::park_timeout(Duration::from_millis(10));
    node.stop();
    vec![books.row("subscriber late", &sent, "came after 20,000 of 30,000 events".into())]
}
