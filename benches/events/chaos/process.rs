//! The process's rows: killed at any instant, and a clock that is set back.

use std::{
    collections::HashSet,
    io::{BufRead, BufReader},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use flyball::events::{
    BusConfig,
    journal::{Journal, Limits},
    wire::{Event, UtcMicros},
};
use uuid::Uuid;

use super::seeded;
use crate::{
    books::{Books, Row, Subscriber},
    child::{Killed, command, had},
    world::{Node, Sent, Setup, free_endpoint, listening},
};

const KILLS: u32 = 200;

/// One subscriber follows a publisher through two hundred lives. What counts as sent is what the publisher said was out,
/// and what its journal holds in the end.
pub(super) fn publisher_killed() -> Vec<Row> {
    let (seed, mut random) = seeded();
    let folder = tempfile::tempdir().expect("a folder");
    let (endpoint, journal) = (free_endpoint(), folder.path().join("events.redb"));
    let subscriber = Subscriber::start(BusConfig::connecting_to(&endpoint), Some(0));
    let mut sent = Sent::new();
    for _ in 0..KILLS {
        let mut child = Killed(writer(&endpoint, &journal).spawn().expect("a writer"));
        let output = BufReader::new(child.0.stdout.take().expect("its output"));
        let mut lines = output.lines().map_while(Result::ok);
        assert!(lines.any(|line| line == "ready"), "the publisher did not start");
        thread::park_timeout(Duration::from_micros(random.u64(..300_000)));
        child.0.kill().expect("kill -9");
        note_down(lines, &mut sent);
    }
    let last = Node::start(Setup { bus: Some(listening(&endpoint)), journal: Some(&journal), ..Setup::default() });
    last.post(&["gate", "hall"], 0..100);
    sent.extend(last.sent());
    let (kept, twice) = kept(&last);
    sent.extend(kept);
    let books = subscriber.finish(&sent);
    last.stop();
    let mut row = books.row("publisher kill -9, 200 times", &sent, format!("seed {seed}{}", closings(&books)));
    row.duplicated += twice;
    vec![row]
}

/// Every visit that was opened is closed once, by whoever comes after a crash if need be.
fn closings(books: &Books) -> String {
    let opened = || books.visits.values().filter(|[opened, ..]| *opened > 0);
    let interrupted = opened().filter(|times| times[2] > 0).count();
    let wrong = opened().filter(|times| times[1] != 1).count();
    let wrong = if wrong > 0 { format!("; {wrong} NOT CLOSED ONCE") } else { String::new() };
    format!("; {} visits opened and each closed once, {interrupted} as interrupted{wrong}", opened().count())
}

fn writer(endpoint: &str, journal: &Path) -> std::process::Command {
    command(&["writer", endpoint, journal.to_str().expect("a path"), "5000"])
}

fn note_down(lines: impl Iterator<Item = String>, sent: &mut Sent) {
    for (key, id) in lines.filter_map(|line| had(&line)) {
        let before = sent.insert(key.clone(), id);
        assert!(before.is_none_or(|before| before == id), "{key:?} was given out twice");
    }
}

/// Everything in a running node's journal, and how many ids are there more than once.
fn kept(node: &Node) -> (Sent, u64) {
    let history = node.started.history.as_ref().expect("a journal");
    let mut sent = Sent::new();
    for (source, _) in history.heads().expect("heads") {
        let page = history.since(&source, 0, usize::MAX).expect("a page");
        for text in page.events {
            let event = Event::from_json(text.as_bytes()).expect("an event");
            sent.insert((source.clone(), event.sequence.0), event.id);
        }
    }
    let ids: HashSet<_> = sent.values().collect();
    let twice = (sent.len() - ids.len()) as u64;
    (sent, twice)
}

/// An hour back in mid-run, then a restart under a yet earlier clock; with a journal, and without one.
pub(super) fn clock_set_back() -> Vec<Row> {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = folder.path().join("events.redb");
    let rows = [("clock set back, journal", Some(journal.as_path())), ("clock set back, no journal", None)];
    rows.map(|(row, journal)| {
        let endpoint = free_endpoint();
        let subscriber = Subscriber::start(BusConfig::connecting_to(&endpoint), journal.map(|_| 0));
        let mut sent = Sent::new();
        for run in 0..2 {
            sent.extend(one_run(&endpoint, journal, run, &subscriber));
        }
        if let Some(journal) = journal {
            let opened = Journal::open(journal, Limits::default(), Uuid::now_v7(), UtcMicros::default());
            assert!(opened.is_ok_and(|opened| opened.damage.is_none()));
        }
        // The ids of a run without a journal do not count from 1 again, so every event sent is one of its own.
        subscriber.finish(&sent.iter().map(|(key, id)| (key.clone(), *id)).collect()).row(
            row,
            &sent,
            "an hour back in mid-run, a day at a restart".into(),
        )
    })
    .into()
}

fn one_run(endpoint: &str, journal: Option<&Path>, run: u64, subscriber: &Subscriber) -> Sent {
    let hours = Arc::new(AtomicU64::new(500_000 - 24 * run));
    let told = Arc::clone(&hours);
    let clock = Arc::new(move || UNIX_EPOCH + Duration::from_hours(told.load(Relaxed)) + uptime());
    let told = Arc::clone(&hours);
    let fresh_id = Box::new(move || id_at(told.load(Relaxed) * 3_600_000));
    let bus = Some(listening(endpoint));
    let node = Node::start(Setup { bus, journal, clock, fresh_id, ..Setup::default() });
    let before = subscriber.len();
    // Without a journal only who listens already hears anything; so the first events wait until the subscriber does.
    let mut n = 0;
    while journal.is_none() && subscriber.len() == before {
        node.post(&[if run == 0 { "probe-a" } else { "probe-b" }], n..n + 1);
        n += 1;
        thread::park_timeout(Duration::from_millis(100));
    }
    node.post_paced(&["gate", "hall"], 0..2_000, 4_000);
    hours.fetch_sub(1, Relaxed);
    node.post_paced(&["gate", "hall"], 2_000..4_000, 4_000);
    thread::park_timeout(Duration::from_secs(2));
    let sent = node.stop();
    let of_run = |(source, n): (String, u64)| (if journal.is_some() { source } else { format!("{source}#{run}") }, n);
    sent.into_iter().filter(|((source, _), _)| !source.contains("probe")).map(|(key, id)| (of_run(key), id)).collect()
}

fn uptime() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(Duration::ZERO, |d| Duration::from_nanos(d.as_nanos() as u64 % 3_600_000_000_000))
}

/// A UUID v7 as that clock makes it.
fn id_at(ms: u64) -> Uuid {
    uuid::Builder::from_unix_timestamp_millis(
        ms,
        &fastrand::u128(..).to_le_bytes()[..10].try_into().expect("ten bytes"),
    )
    .into_uuid()
}
