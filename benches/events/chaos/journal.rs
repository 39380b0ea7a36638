//! A journal that is truncated, or has one bit flipped, at a thousand random places.

use std::{collections::BTreeMap, fs, path::Path};

use flyball::events::wire::Event;
use uuid::Uuid;

use super::seeded;
use crate::{
    books::{Books, Row},
    world::{Node, Sent, Setup},
};

const PLACES: u32 = 1_000;
const EVENTS: u64 = 400;

pub(super) fn damaged() -> Vec<Row> {
    let (seed, mut random) = seeded();
    let folder = tempfile::tempdir().expect("a folder");
    let (whole, path) = (folder.path().join("whole.redb"), folder.path().join("damaged/events.redb"));
    let node = Node::start(Setup { journal: Some(&whole), ..Setup::default() });
    node.post(&["gate", "hall"], 0..EVENTS);
    let sent = node.stop();
    let bytes = fs::read(&whole).expect("the journal");
    let mut rows = Vec::new();
    for (row, flips) in [("journal truncated, 500 places", false), ("journal bit-flipped, 500 places", true)] {
        let mut sum =
            Row { row: row.into(), sent: 0, received: 0, lost_silently: 0, duplicated: 0, note: String::new() };
        let mut unnoticed = 0;
        for _ in 0..PLACES / 2 {
            let at = random.usize(..bytes.len());
            let mut broken = bytes.clone();
            if flips {
                broken[at] ^= 1 << random.u8(..8);
            } else {
                broken.truncate(at);
            }
            let one = recovered(&path, &broken, &sent);
            sum.sent += one.sent;
            sum.received += one.received;
            sum.lost_silently += one.lost_silently;
            sum.duplicated += one.duplicated;
            unnoticed += u64::from(one.note.contains("unnoticed"));
        }
        let missing = sum.sent - sum.received - sum.lost_silently;
        sum.note = format!("seed {seed}; {missing} said to be missing; {unnoticed} times nothing that counts was hit");
        rows.push(sum);
    }
    rows
}

/// Opens a damaged journal, publishes one more event, and asks for everything, as a late subscriber does.
fn recovered(path: &Path, broken: &[u8], sent: &Sent) -> Row {
    let folder = path.parent().expect("a folder");
    let _first_time = fs::remove_dir_all(folder);
    fs::create_dir_all(folder).expect("a folder");
    fs::write(path, broken).expect("a damaged journal");
    let node = Node::start(Setup { journal: Some(path), ..Setup::default() });
    node.post(&["gate", "hall"], EVENTS..EVENTS + 2);
    let unnoticed = node.started.damage.is_none();
    let mut everything = sent.clone();
    everything.extend(node.sent());
    let books = read_all(&node, sent);
    node.stop();
    books.row("", &everything, if unnoticed { "unnoticed".into() } else { String::new() })
}

/// What a late subscriber hears of a node, page by page.
fn read_all(node: &Node, sent: &Sent) -> Books {
    let history = node.started.history.as_ref().expect("a journal");
    let mut books = Books::default();
    let by_id: BTreeMap<Uuid, &(String, u64)> = sent.iter().map(|(key, id)| (*id, key)).collect();
    for source in ["/flyball/hq/gate", "/flyball/hq/hall", "/flyball/hq/@node/box"] {
        let mut since = 0;
        loop {
            let page = history.since(source, since, 1_000).expect("a page");
            books.said.extend(page.missing.map(|(first, last)| (source.to_owned(), first, last)));
            for text in &page.events {
                let event = Event::from_json(text.as_bytes()).expect("an event");
                let place = (event.source.clone(), event.sequence.0);
                assert!(by_id.get(&event.id).is_none_or(|key| **key == place), "an event moved");
                books.hear(&event);
            }
            if page.events.is_empty() {
                break;
            }
            since = page.upto;
        }
    }
    if node.started.damage.as_ref().is_some_and(|damage| damage.salvaged.is_none()) {
        // Nothing could be read: a new epoch and a gap event without a range say that everything is gone.
        books.said.extend(["gate", "hall"].map(|camera| (format!("/flyball/hq/{camera}"), 0, u64::MAX)));
    }
    books
}
