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

/// A subscriber's process is stopped while events go on; another one beside it must not notice.
pub(super) fn subscriber_stalled() -> Vec<Row> {
    const EVENTS: u64 = 60_000;
    let folder = tempfile::tempdir().expect("a folder");
    let (endpoint, journal) = (free_endpoint(), folder.path().join("events.redb"));
    let node = Node::start(Setup { bus: Some(listening(&endpoint)), journal: Some(&journal), ..Setup::default() });
    let beside = Subscriber::start(BusConfig::connecting_to(&endpoint), Some(0));
    let mut child = Killed(command(&["subscriber", &endpoint, &EVENTS.to_string()]).spawn().expect("a subscriber"));
    let mut lines = BufReader::new(child.0.stdout.take().expect("its output")).lines().map_while(Result::ok);
    assert_eq!(lines.next().as_deref(), Some("ready"));
    let calm = now();
    node.post_paced(CAMERAS, 0..12_000, 4_000);
    let calm = calm.elapsed();
    signal(&child.0, "STOP");
    let stalled = now();
    let slowest = node.post_paced(CAMERAS, 12_000..48_000, 4_000);
    let ratio = (stalled.elapsed().as_secs_f64() / 3.0) / calm.as_secs_f64();
    signal(&child.0, "CONT");
    node.post_paced(CAMERAS, 48_000..EVENTS, 4_000);
    let sent = node.sent();
    let books = beside.finish(&sent);
    let heard = lines.find(|line| line.starts_with("heard ")).expect("its last word");
    let heard: Vec<u64> = heard.split(' ').skip(1).map(|n| n.parse().expect("a number")).collect();
    let note =
        format!("stopped for 9 s; slowest post {slowest:.1?}, posting took {:+.1} % longer", (ratio - 1.0) * 1e2);
    let row = Row {
        row: "subscriber stalled".into(),
        sent: EVENTS,
        received: heard[0],
        lost_silently: EVENTS - heard[0],
        duplicated: heard[1],
        note: if heard[2] > 0 { "OUT OF ORDER".into() } else { note },
    };
    node.stop();
    vec![row, books.row("another beside the stalled one", &sent, String::new())]
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
