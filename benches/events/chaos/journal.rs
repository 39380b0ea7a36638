//! A journal that is truncated, or has one bit flipped, at a thousand random places each; and, more rarely, one whose tally
//! is damaged with it.
//!
//! What may be missing afterwards is decided by the bytes alone: a record of which no whole copy is left in the file. Every
//! other one must be there, and the gaps announced must name exactly those that are not.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    ops::Range,
    path::{Path, PathBuf},
};

use flyball::events::wire::{Data, Event};
use uuid::Uuid;

use super::seeded;
use crate::{
    books::Row,
    world::{Node, Sent, Setup},
};

const PLACES: u32 = 1_000;
/// Places at which the tally is damaged too.
const BOTH: u32 = 100;
const EVENTS: u64 = 400;
/// A record's frame and how its text begins.
const FRAME: usize = 16;
const OPENING: &[u8] = b"{\"specversion\":\"";

/// A number of a source.
type Place = (String, u64);

/// What happens to the file.
#[derive(Clone, Copy)]
enum Hit {
    Cut(usize),
    Flip(usize, u8),
}

/// A journal in good order, and where in its file each event lies.
struct Whole {
    path: PathBuf,
    bytes: Vec<u8>,
    tally: Vec<u8>,
    sent: Sent,
    copies: Vec<(Place, Range<usize>)>,
}

/// What was found after one hit.
#[derive(Default)]
struct Found {
    /// Events by place.
    events: BTreeMap<Place, Uuid>,
    /// Numbers that gap events speak of.
    announced: BTreeSet<Place>,
    /// A gap of which only the beginning is known.
    roughly: Vec<(String, u64, u64)>,
    /// The node's word that its journal was damaged.
    word: bool,
    /// Ids published since.
    new: BTreeSet<Uuid>,
}

pub(super) fn damaged() -> Vec<Row> {
    let (seed, mut random) = seeded();
    let folder = tempfile::tempdir().expect("a folder");
    let whole = Whole::written(folder.path());
    let kinds = [("truncated", PLACES, false), ("bit-flipped", PLACES, true)];
    let mut rows = Vec::new();
    for (kind, places, flips) in kinds {
        let mut sum = empty(format!("journal {kind}, {places} places"));
        for _ in 0..places {
            let hit = hit(&whole.bytes, flips, &mut random);
            exactly(&whole, hit, &mut sum);
        }
        sum.note = format!("seed {seed}; {} gone and said, number by number{}", missing(&sum), sum.note);
        rows.push(sum);
    }
    let mut sum = empty(format!("journal and its tally damaged, {BOTH} places"));
    for n in 0..BOTH {
        let (hit, at) = (hit(&whole.bytes, n % 2 == 0, &mut random), random.usize(..whole.tally.len()));
        roughly(&whole, hit, at, &mut sum);
    }
    sum.note = format!("seed {seed}; {} gone and said, their end roughly{}", missing(&sum), sum.note);
    rows.push(sum);
    rows
}

fn empty(row: String) -> Row {
    Row { row, sent: 0, received: 0, lost_silently: 0, duplicated: 0, note: String::new() }
}

fn missing(sum: &Row) -> u64 {
    sum.sent - sum.received - sum.lost_silently
}

fn hit(bytes: &[u8], flips: bool, random: &mut fastrand::Rng) -> Hit {
    let at = random.usize(..bytes.len());
    if flips { Hit::Flip(at, random.u8(..8)) } else { Hit::Cut(at) }
}

impl Hit {
    fn of(self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        match self {
            Self::Cut(at) => bytes.truncate(at),
            Self::Flip(at, bit) => bytes[at] ^= 1 << bit,
        }
        bytes
    }

    fn spares(self, record: &Range<usize>) -> bool {
        match self {
            Self::Cut(at) => record.end <= at,
            Self::Flip(at, _) => !record.contains(&at),
        }
    }
}

impl Whole {
    fn written(folder: &Path) -> Self {
        let path = folder.join("whole.redb");
        let node = Node::start(Setup { journal: Some(&path), ..Setup::default() });
        node.post(&["gate", "hall"], 0..EVENTS);
        let sent = node.stop();
        let bytes = fs::read(&path).expect("the journal");
        let tally = fs::read(folder.join("whole.redb.tally")).expect("its tally");
        let places: BTreeMap<Uuid, &Place> = sent.iter().map(|(place, id)| (*id, place)).collect();
        let mut copies = Vec::new();
        for at in 0..bytes.len() - OPENING.len() {
            if bytes[at..].starts_with(OPENING)
                && let Some((id, record)) = record_at(&bytes, at)
            {
                copies.push((places[&id].clone(), record));
            }
        }
        let there: BTreeSet<_> = copies.iter().map(|(place, _)| place).collect();
        assert_eq!(there.len(), sent.len(), "every event lies in the file");
        Self { path: folder.join("damaged/events.redb"), bytes, tally, sent, copies }
    }

    /// Events of which a whole copy is left.
    fn spared(&self, hit: Hit) -> BTreeSet<&Place> {
        self.copies.iter().filter(|(_, record)| hit.spares(record)).map(|(place, _)| place).collect()
    }

    /// Lays the damaged files down, runs a node on them, publishes two more events, and asks for everything.
    fn opened(&self, hit: Hit, tally: &[u8]) -> (Found, Sent) {
        let folder = self.path.parent().expect("a folder");
        let _first_time = fs::remove_dir_all(folder);
        fs::create_dir_all(folder).expect("a folder");
        fs::write(&self.path, hit.of(&self.bytes)).expect("a damaged journal");
        fs::write(folder.join("events.redb.tally"), tally).expect("its tally");
        let node = Node::start(Setup { journal: Some(&self.path), ..Setup::default() });
        node.post(&["gate", "hall"], EVENTS..EVENTS + 2);
        let new = node.sent();
        let found = Found { new: new.values().copied().collect(), ..read_all(&node) };
        node.stop();
        (found, new)
    }
}

/// The whole record whose text begins here.
fn record_at(bytes: &[u8], at: usize) -> Option<(Uuid, Range<usize>)> {
    let hex = |range| u32::from_str_radix(std::str::from_utf8(bytes.get(range)?).ok()?, 16).ok();
    let (crc, length) = (hex(at - FRAME..at - 8)?, hex(at - 8..at)?);
    let record = at - FRAME..at + length as usize;
    let text = bytes.get(at..record.end)?;
    (crc32fast::hash(text) == crc).then_some(())?;
    Some((Event::from_json(text).ok()?.id, record))
}

/// With its tally, a journal says exactly what it lost.
fn exactly(whole: &Whole, hit: Hit, sum: &mut Row) {
    let (found, new) = whole.opened(hit, &whole.tally);
    let spared = whole.spared(hit);
    for (place, id) in whole.sent.iter().chain(&new) {
        sum.sent += 1;
        let (is_there, is_said) = (found.events.get(place) == Some(id), found.announced.contains(place));
        sum.received += u64::from(is_there);
        sum.lost_silently += u64::from(!is_there && !is_said);
        let wrongly = is_there == is_said || !is_there && (spared.contains(place) || new.contains_key(place));
        complain(sum, wrongly, place);
    }
    let known = |place: &&Place| whole.sent.contains_key(*place);
    found.announced.iter().filter(|place| !known(place)).for_each(|place| complain(sum, true, place));
    sum.duplicated += twice(&found);
}

/// Without, it says what is gone in between exactly, and from where on nobody knows; no number comes twice.
fn roughly(whole: &Whole, hit: Hit, at: usize, sum: &mut Row) {
    let mut tally = whole.tally.clone();
    tally[at] ^= 1;
    let (found, new) = whole.opened(hit, &tally);
    let spared = whole.spared(hit);
    let roughly = |place: &Place| found.says_roughly(place);
    for (place, id) in whole.sent.iter().chain(&new) {
        sum.sent += 1;
        let (is_there, is_said) =
            (found.events.get(place) == Some(id), found.announced.contains(place) || roughly(place));
        sum.received += u64::from(is_there);
        sum.lost_silently += u64::from(!is_there && !is_said);
        // Where nothing is left numbering begins anew: a new event may then have an old one's number.
        let is_new = new.get(place) == Some(id);
        complain(sum, !is_there && (spared.contains(place) || is_new), place);
    }
    sum.duplicated += twice(&found);
}

fn complain(sum: &mut Row, is_wrong: bool, (source, n): &Place) {
    if is_wrong && sum.note.is_empty() {
        sum.note = format!("; WRONGLY said or missing: {source} {n}");
    }
}

/// Ids under more than one number.
fn twice(found: &Found) -> u64 {
    let ids: BTreeSet<_> = found.events.values().collect();
    (found.events.len() - ids.len()) as u64
}

/// What a late subscriber hears of a node, page by page.
fn read_all(node: &Node) -> Found {
    let history = node.started.history.as_ref().expect("a journal");
    let mut found = Found::default();
    for (source, _) in history.heads().expect("heads") {
        let mut since = 0;
        loop {
            let page = history.since(&source, since, 1_000).expect("a page");
            for text in &page.events {
                found.hear(&Event::from_json(text.as_bytes()).expect("an event"));
            }
            if page.events.is_empty() {
                break;
            }
            since = page.upto;
        }
    }
    found
}

impl Found {
    fn hear(&mut self, event: &Event) {
        self.events.insert((event.source.clone(), event.sequence.0), event.id);
        let Data::Gap(gap) = &event.data else { return };
        match (gap.first, gap.last, gap.lost) {
            (Some(first), Some(last), Some(_)) => {
                self.announced.extend((first..=last).map(|n| (event.source.clone(), n)));
            }
            (Some(first), Some(last), None) => self.roughly.push((event.source.clone(), first, last)),
            _ => self.word = true,
        }
    }

    /// Whether a range without a known end has it; or, where nothing of a source is left to say so, the node's word.
    fn says_roughly(&self, (source, n): &Place) -> bool {
        let is_left = self.events.iter().any(|((s, _), id)| s == source && !self.new.contains(id));
        self.word && !is_left || self.roughly.iter().any(|(s, first, last)| s == source && (first..=last).contains(&n))
    }
}
