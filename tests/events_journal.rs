//! The journal under what happens to journals: a killed process, a damaged file, bounds, visits left open.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test may say what it found, and end where it is wrong"
)]

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use flyball::events::{
    Beginning, BusConfig, MemoryBus, Recorded, Started, begin,
    journal::{Journal, Limits},
    keys::{Origin, PlaceId},
    wire::{CloseReason, Data, Draft, Event, GapReason, UtcMicros, Visit, VisitState},
};
use flyball::scene::CameraId;
use uuid::Uuid;

/// Set for the child process of the kill test: where its journal is.
const CHILD_FOLDER: &str = "FLYBALL_TEST_JOURNAL";

fn place(name: &str) -> PlaceId {
    PlaceId::new(name).unwrap()
}

fn camera(name: &str) -> Origin {
    Origin::Camera(place("hq"), CameraId::new(name).unwrap())
}

/// A visit event made from a golden sample.
fn visit(origin: &Origin, visit: u64, state: VisitState, id: Uuid) -> Draft {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/events/v1.0-visit-opened.json");
    let sample = Event::from_json(&fs::read(golden).unwrap()).unwrap();
    let mut data: Visit = sample.visit().unwrap().clone();
    data.visit.id = Uuid::from_u128(u128::from(visit));
    data.visit.state = state;
    Draft {
        id,
        origin: origin.clone(),
        subject: data.visit.id.to_string(),
        time: data.time.capture,
        data: Data::Visit(Box::new(data)),
    }
}

fn started(journal: PathBuf, limits: Limits, bus: &MemoryBus) -> Started {
    begin(Beginning {
        site: place("hq"),
        node: place("box"),
        journal: Some((journal, limits)),
        sinks: vec![Box::new(bus.clone())],
        clock: Arc::new(|| UNIX_EPOCH + Duration::from_hours(500_000)),
        fresh_id: Box::new(Uuid::now_v7),
    })
    .unwrap()
}

fn all(journal: &Path, source: &str) -> Vec<Event> {
    let opened = Journal::open(journal, Limits::default(), Uuid::now_v7(), UtcMicros::default()).unwrap();
    let (reader, mut events, mut since) = (opened.journal.reader(), Vec::new(), 0);
    loop {
        // A page ends before a hole.
        let page = reader.since(source, since, usize::MAX).unwrap();
        if page.events.is_empty() {
            return events;
        }
        events.extend(page.events.iter().map(|text| Event::from_json(text.as_bytes()).unwrap()));
        since = page.upto;
    }
}

#[test]
fn events_are_kept_numbered_and_found_again_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state/events.redb");
    for run in 0..3_u64 {
        let started = started(path.clone(), Limits::default(), &MemoryBus::default());
        for n in 0..10 {
            let number = run * 10 + n;
            assert!(started.postbox.post(visit(&camera("gate"), number, VisitState::Closed, Uuid::now_v7())));
        }
        drop(started.postbox);
        assert_eq!(started.outbox.finish().published, 10);
    }
    let numbers: Vec<_> = all(&path, "/flyball/hq/gate").iter().map(|e| e.sequence.0).collect();
    assert_eq!(numbers, (1..=30).collect::<Vec<_>>());
}

#[test]
fn a_visit_left_open_by_a_crash_is_closed_as_interrupted_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.redb");
    let first = started(path.clone(), Limits::default(), &MemoryBus::default());
    first.postbox.post(visit(&camera("gate"), 1, VisitState::Opened, Uuid::now_v7()));
    first.postbox.post(visit(&camera("gate"), 2, VisitState::Opened, Uuid::now_v7()));
    first.postbox.post(visit(&camera("gate"), 2, VisitState::Closed, Uuid::now_v7()));
    drop(first.postbox);
    first.outbox.finish();
    drop(first.history);
    for expected in [1, 0] {
        let bus = MemoryBus::default();
        let next = started(path.clone(), Limits::default(), &bus);
        assert_eq!(next.interrupted, expected);
        drop(next.postbox);
        next.outbox.finish();
        let events = bus.events();
        assert_eq!(events.len(), expected);
        for closed in events {
            let summary = &closed.visit().unwrap().visit;
            assert_eq!(
                (summary.state.clone(), summary.reason.clone()),
                (VisitState::Closed, Some(CloseReason::Interrupted))
            );
            assert_eq!((closed.subject.clone(), closed.sequence.0), (Uuid::from_u128(1).to_string(), 4));
        }
    }
}

#[test]
fn a_journal_nobody_can_read_is_put_aside_and_the_loss_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.redb");
    fs::write(&path, b"this was an event journal once").unwrap();
    let bus = MemoryBus::default();
    let next = started(path.clone(), Limits::default(), &bus);
    let damage = next.damage.as_ref().expect("nothing was noticed");
    assert!(damage.aside.as_ref().is_some_and(|aside| aside.exists()) && damage.anew);
    next.postbox.post(visit(&camera("gate"), 1, VisitState::Closed, Uuid::now_v7()));
    drop((next.postbox, next.history));
    next.outbox.finish();
    let events = bus.events();
    assert!(matches!(&events[0].data, Data::Gap(gap) if gap.reason == GapReason::JournalDamaged));
    assert_eq!(events[1].sequence.0, 1, "numbering begins anew, under a new epoch");
}

/// Writes 200 events and damages their journal; answers with what was written.
fn damaged(path: &Path, damage: &str) -> Vec<Recorded> {
    let bus = MemoryBus::default();
    let first = started(path.to_path_buf(), Limits::default(), &bus);
    for n in 0..200 {
        first.postbox.post(visit(&camera("gate"), n, VisitState::Closed, Uuid::now_v7()));
    }
    drop((first.postbox, first.history));
    first.outbox.finish();
    let mut bytes = fs::read(path).unwrap();
    match damage {
        "truncated" => bytes.truncate(bytes.len() / 2),
        "emptied" => bytes.clear(),
        _ => bytes.iter_mut().skip(8_192).step_by(20_011).for_each(|b| *b ^= 0x10),
    }
    fs::write(path, bytes).unwrap();
    bus.take()
}

/// Runs once more and posts one event; answers with what was published then, and with everything kept.
fn run_again(path: &Path) -> (Started, Vec<Event>, Vec<Event>) {
    let bus = MemoryBus::default();
    let mut next = started(path.to_path_buf(), Limits::default(), &bus);
    next.postbox.post(visit(&camera("gate"), 1, VisitState::Closed, Uuid::now_v7()));
    next.history = None;
    let Started { outbox, postbox, .. } = next;
    drop(postbox);
    outbox.finish();
    let said = bus.events().iter().map(|event| event.as_ref().clone()).filter(|e| e.partitionkey == "gate").collect();
    let kept = all(path, "/flyball/hq/gate");
    (started(path.to_path_buf(), Limits::default(), &MemoryBus::default()), said, kept)
}

#[test]
fn of_a_damaged_journal_everything_whole_is_carried_over_and_exactly_the_rest_is_announced() {
    for damage in ["truncated", "flipped", "emptied"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.redb");
        let written = damaged(&path, damage);
        let (_, said, kept) = run_again(&path);
        let old: Vec<_> = kept.iter().filter(|e| e.sequence.0 <= 200).collect();
        for event in &old {
            let same = written.iter().any(|w| *w.event == **event);
            assert!(same, "{damage}: event {} is not what was written", event.sequence.0);
        }
        let there: BTreeSet<_> = old.iter().map(|e| e.sequence.0).collect();
        let gaps = said.iter().filter_map(|e| if let Data::Gap(gap) = &e.data { Some(gap) } else { None });
        let announced: Vec<_> = gaps.flat_map(|gap| gap.first.unwrap()..=gap.last.unwrap()).collect();
        let gone: Vec<_> = (1..=200).filter(|n| !there.contains(n)).collect();
        assert_eq!(announced, gone, "{damage}");
        assert!(!gone.is_empty(), "{damage}: nothing was lost, and so nothing was tested");
        assert!(said.iter().zip(201..).all(|(e, n)| e.sequence.0 == n), "{damage}: the numbering goes on behind them");
        assert!(said.iter().all(|e| e.epoch == written[0].event.epoch), "{damage}: still the same series");
    }
}

#[test]
fn without_a_tally_to_be_believed_no_number_comes_twice_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.redb");
    damaged(&path, "truncated");
    fs::remove_file(folder.path().join("events.redb.tally")).unwrap();
    let (_, said, kept) = run_again(&path);
    let head = kept.iter().map(|e| e.sequence.0).filter(|n| *n <= 200).max().unwrap();
    let Data::Gap(range) = &said.iter().rfind(|e| matches!(e.data, Data::Gap(_))).unwrap().data else { unreachable!() };
    assert_eq!((range.first, range.lost), (Some(head + 1), None), "how many is not known");
    assert!(said[0].sequence.0 == range.last.unwrap() + 1, "later numbers go on after the range");
}

#[test]
fn numbers_published_while_the_disk_was_full_are_not_given_out_again() {
    for told in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.redb");
        written_but_not_kept(&path);
        if !told {
            fs::remove_file(folder.path().join("events.redb.tally")).unwrap();
        }
        for run in 0..2 {
            let bus = MemoryBus::default();
            let next = started(path.clone(), Limits::default(), &bus);
            next.postbox.post(visit(&camera("gate"), 2, VisitState::Closed, Uuid::now_v7()));
            drop((next.postbox, next.history));
            next.outbox.finish();
            let events = bus.events();
            assert_eq!(events.len(), 2 - run, "the loss is said once");
            if let Data::Gap(gap) = &events[0].data {
                assert_eq!((gap.first, &gap.reason), (Some(2), &GapReason::NotKept));
                assert_eq!((gap.last == Some(3), gap.lost.is_some()), (told, told), "exactly, where it is known");
                assert_eq!(events[1].sequence.0, gap.last.unwrap() + 2);
            }
        }
    }
}

/// Leaves behind what a process does that was killed with two events out that its full disk could not keep.
fn written_but_not_kept(path: &Path) {
    let opened = Journal::open(path, Limits::default(), Uuid::now_v7(), UtcMicros::default()).unwrap();
    let (mut journal, mut numbering) = (opened.journal, opened.numbering);
    let draft = |n| visit(&camera("gate"), n, VisitState::Closed, Uuid::now_v7());
    let mut next = |n| vec![numbering.number(draft(n), UtcMicros::default()).unwrap()];
    journal.write(&next(1), UtcMicros::default()).unwrap();
    journal.given(&next(2));
    journal.given(&next(3));
    journal.mark_unkept(true);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]

    /// A file of anything, also one that begins like a journal, is a damaged journal and never a panic.
    #[test]
    fn no_bytes_make_opening_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..3_000), like in proptest::prelude::any::<bool>()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.redb");
        let mut file = if like { b"redb\x1A\x0A\xA9\x0D\x0A".to_vec() } else { Vec::new() };
        file.extend(bytes);
        fs::write(&path, file).unwrap();
        let opened = Journal::open(&path, Limits::default(), Uuid::now_v7(), UtcMicros::default()).unwrap();
        proptest::prop_assert!(opened.journal.reader().heads().unwrap().is_empty());
    }
}

#[test]
fn a_journal_in_use_is_not_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.redb");
    let _first = started(path.clone(), Limits::default(), &MemoryBus::default());
    let second = Journal::open(&path, Limits::default(), Uuid::now_v7(), UtcMicros::default());
    assert!(second.unwrap_err().to_string().contains("in use by another flyball"));
}

#[test]
fn beyond_its_bounds_the_journal_lets_the_oldest_go_and_says_which() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { max_age: Duration::from_secs(100), max_bytes: 30_000 };
    let path = folder.path().join("events.redb");
    let opened = Journal::open(&path, limits, Uuid::now_v7(), UtcMicros::default()).unwrap();
    let (mut journal, mut numbering) = (opened.journal, opened.numbering);
    let mut write = |origin: &str, n: u64, second: i64| {
        let now = UtcMicros::from_micros(second * 1_000_000);
        let draft = visit(&camera(origin), n, VisitState::Closed, Uuid::from_u128(n.into()));
        let recorded: Recorded = numbering.number(draft, now).unwrap();
        journal.write(&[recorded], now).unwrap();
        journal.bytes()
    };
    write("quiet", 0, 0);
    write("quiet", 1, 0);
    let most = (0..200).map(|n| write("busy", n, n as i64 / 10)).max().unwrap();
    assert!(most <= 30_000 + 2_000, "{most} bytes are kept, the limit is 30,000");
    write("busy", 200, 500);
    let page = journal.reader().since("/flyball/hq/busy", 0, 1_000).unwrap();
    assert_eq!(
        (page.missing, page.events.len(), page.upto),
        (Some((1, 200)), 1, 201),
        "all but the newest are too old"
    );
    let page = journal.reader().since("/flyball/hq/quiet", 0, 1_000).unwrap();
    assert_eq!((page.missing, page.upto), (Some((1, 1)), 2), "the newest of a camera always stays");
}

/// The child: posts events as fast as it can and says which are published, until it is killed.
#[test]
#[ignore = "the child process of the kill test"]
fn child_writes_until_killed() {
    #[allow(clippy::disallowed_methods, reason = "set by the parent test")]
    let folder = PathBuf::from(std::env::var(CHILD_FOLDER).expect("set by the parent"));
    let say = |recorded: &Recorded| println!("had {} {}", recorded.event.id, recorded.event.sequence.0);
    let started = begin(Beginning {
        site: place("hq"),
        node: place("box"),
        journal: Some((folder.join("events.redb"), Limits::default())),
        sinks: vec![Box::new(flyball::events::CallSink(say))],
        clock: Arc::new(|| UNIX_EPOCH + Duration::from_hours(500_000)),
        fresh_id: Box::new(Uuid::now_v7),
    })
    .unwrap();
    for n in 0.. {
        let state = if n % 2 == 0 { VisitState::Opened } else { VisitState::Closed };
        started.postbox.post(visit(&camera("gate"), n / 2, state, Uuid::now_v7()));
        if n % 64 == 0 {
            std::thread::yield_now();
        }
    }
}

#[test]
fn killed_at_any_instant_nothing_published_is_lost_or_doubled() {
    let seed = u64::from(SystemTime::UNIX_EPOCH.elapsed().unwrap().subsec_nanos());
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let folder = tempfile::tempdir().unwrap();
    let mut published = BTreeSet::new();
    for round in 0..12 {
        let before = published.len();
        published.extend(run_and_kill(folder.path(), random.usize(1..400)));
        assert!(published.len() > before, "round {round} published nothing");
        let kept = all(&folder.path().join("events.redb"), "/flyball/hq/gate");
        let ids: BTreeSet<_> = kept.iter().map(|e| e.id).collect();
        assert_eq!(ids.len(), kept.len(), "an event is there twice");
        let lost: Vec<_> = published.difference(&ids).collect();
        assert!(lost.is_empty(), "published but not kept after round {round}: {lost:?}");
        assert!(kept.iter().zip(1..).all(|(e, n)| e.sequence.0 == n), "numbers have a gap");
    }
    let path = folder.path().join("events.redb");
    let last = started(path.clone(), Limits::default(), &MemoryBus::default());
    drop((last.postbox, last.history));
    last.outbox.finish();
    let opened = Journal::open(&path, Limits::default(), Uuid::now_v7(), UtcMicros::default()).unwrap();
    assert!(opened.journal.reader().open_visits().unwrap().is_empty(), "a visit stayed open");
}

/// Runs the child until it has said `lines` lines, kills it, and answers with the ids it said.
fn run_and_kill(folder: &Path, lines: usize) -> BTreeSet<Uuid> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_writes_until_killed", "--ignored", "--nocapture"])
        .env(CHILD_FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    let said: Vec<_> = output.by_ref().map_while(Result::ok).filter(|l| l.starts_with("had ")).take(lines).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    let rest = output.map_while(Result::ok).filter(|l| l.split(' ').count() == 3);
    let id = |line: String| line.split(' ').nth(1).and_then(|id| id.parse().ok());
    said.into_iter().chain(rest).filter_map(id).collect()
}

#[test]
fn the_default_bus_is_safe() {
    BusConfig::default().check().unwrap();
}
