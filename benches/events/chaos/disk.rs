//! A disk that is full: events go on to subscribers, and once there is room they are kept too.
//!
//! The disk is a limit on the size of files for the publisher's process, which fails as a full disk does and needs no root.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use flyball::events::BusConfig;

use crate::{
    books::{Row, Subscriber},
    child::{Killed, had},
    world::{Node, Sent, Setup, free_endpoint, listening, now},
};

/// The disk's size in blocks of 512 bytes: room for some hundred events.
const BLOCKS: u32 = 4_000;

pub(super) fn disk_full() -> Vec<Row> {
    vec![full("disk full, then room again", true), full("disk full, then kill -9", false)]
}

fn full(row: &str, room_again: bool) -> Row {
    let folder = tempfile::tempdir().expect("a folder");
    let (endpoint, journal) = (free_endpoint(), folder.path().join("events.redb"));
    let subscriber = Subscriber::start(BusConfig::connecting_to(&endpoint), Some(0));
    let mut child = Killed(limited(&endpoint, &journal));
    let lines = listen(&mut child.0);
    let mut sent = Sent::new();
    hear(&lines, &mut sent, Duration::from_secs(6));
    let at_limit = std::fs::metadata(&journal).map_or(0, |m| m.len());
    if room_again {
        let id = child.0.id().to_string();
        let raised = Command::new("prlimit").args(["--pid", &id, "--fsize=unlimited"]).status();
        assert!(raised.expect("prlimit").success());
        hear(&lines, &mut sent, Duration::from_secs(4));
    }
    drop(child);
    hear(&lines, &mut sent, Duration::from_secs(1));
    let last = Node::start(Setup { bus: Some(listening(&endpoint)), journal: Some(&journal), ..Setup::default() });
    last.post(&["gate", "hall"], 0..1_000);
    sent.extend(last.sent());
    let books = subscriber.finish(&sent);
    let late = late_subscriber(&endpoint, &sent);
    last.stop();
    let note = format!("journal stood at {} KiB; a late subscriber: {late}", at_limit >> 10);
    books.row(row, &sent, note)
}

/// What somebody who comes afterwards gets, in words.
fn late_subscriber(endpoint: &str, sent: &Sent) -> String {
    let late = Subscriber::start(BusConfig::connecting_to(endpoint), Some(0));
    let row = late.finish(sent).row("late", sent, String::new());
    assert_eq!((row.lost_silently, row.duplicated), (0, 0), "late subscriber: {row:?}");
    format!("{} received{}", row.received, row.note)
}

fn limited(endpoint: &str, journal: &Path) -> Child {
    let program = std::env::current_exe().expect("our own path");
    let script = format!("trap '' XFSZ; ulimit -S -f {BLOCKS}; exec \"$@\"");
    Command::new("sh")
        .args(["-c", &script, "sh"])
        .arg(program)
        .args(["writer", endpoint, journal.to_str().expect("a path"), "1000"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("a writer")
}

fn listen(child: &mut Child) -> Receiver<String> {
    let (tell, lines) = channel();
    let output = BufReader::new(child.stdout.take().expect("its output"));
    let told = move || output.lines().map_while(Result::ok).for_each(|line| drop(tell.send(line)));
    thread::Builder::new().name("child's words".into()).spawn(told).expect("a thread");
    lines
}

fn hear(lines: &Receiver<String>, sent: &mut Sent, patience: Duration) {
    let begun = now();
    while let Ok(line) = lines.recv_timeout(patience.saturating_sub(begun.elapsed())) {
        sent.extend(had(&line));
    }
}
