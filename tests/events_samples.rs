//! The subscribers people copy from, really run: each reconnects by itself, fills gaps from the journal, prints nothing twice,
//! says what nobody has any more, and is short enough to be read.
#![cfg(all(feature = "cli", feature = "zenoh"))]
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking and says aloud what it skips")]

mod events_common;

use std::{
    fs,
    io::{BufRead, BufReader, Lines, Write},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, ChildStderr, ChildStdout, Command, Stdio},
    sync::Arc,
    time::SystemTime,
};

use events_common::{draft, place};
use flyball::events::{
    Beginning, BusConfig, EventSink, MemoryBus, Recorded, Started, begin,
    journal::Limits,
    wire::{Data, Event},
    zenoh::ZenohBus,
};
use uuid::Uuid;

/// Lines a sample may have at most.
const SHORT: usize = 60;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A Flyball as subscribers see it.
struct Node {
    started: Started,
    bus: ZenohBus,
    published: MemoryBus,
}

impl Node {
    fn start(endpoint: &str, journal: &Path, limits: Limits) -> Self {
        let config = BusConfig { listen: vec![endpoint.into()], ..BusConfig::default() };
        let mut bus = ZenohBus::open(&config).unwrap();
        let published = MemoryBus::default();
        let started = begin(Beginning {
            site: place("hq"),
            node: place("box"),
            journal: Some((journal.to_path_buf(), limits)),
            sinks: vec![Box::new(bus.sink().unwrap()), Box::new(published.clone())],
            #[allow(clippy::disallowed_methods, reason = "as in a real run")]
            clock: Arc::new(SystemTime::now),
            fresh_id: Box::new(Uuid::now_v7),
        })
        .unwrap();
        bus.serve(&place("hq"), &place("box"), started.history.as_ref().unwrap()).unwrap();
        Self { started, bus, published }
    }

    /// Posts, and waits until everything is on its way.
    fn post(&self, count: u64) {
        let upto = self.started.postbox.figures().published + count;
        for n in 0..count {
            assert!(self.started.postbox.post(draft(n)));
        }
        while self.started.postbox.figures().published < upto {
            std::thread::yield_now();
        }
    }

    /// Publishes these once more, as a network that repeats does.
    fn repeat(&self, events: &[Recorded]) {
        let mut sink = self.bus.sink().unwrap();
        for event in events {
            sink.publish(event);
        }
        sink.finish();
    }

    fn stop(self) {
        let Self { started, bus, .. } = self;
        drop((started.postbox, started.history));
        started.outbox.finish();
        drop(bus);
    }
}

fn free_endpoint() -> String {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    format!("tcp/127.0.0.1:{port}")
}

/// A sample that runs; ended with the test.
struct Sample {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    complaints: Lines<BufReader<ChildStderr>>,
}

impl Drop for Sample {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _status = self.child.wait();
    }
}

impl Sample {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let complaints = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, lines, complaints }
    }

    /// The next events it prints.
    fn events(&mut self, count: usize) -> Vec<Event> {
        self.lines.by_ref().take(count).map(|line| Event::from_json(line.unwrap().as_bytes()).unwrap()).collect()
    }
}

/// The built example beside this test. `cargo test` builds it; `cargo test --test events_samples` alone does not.
fn rust(endpoint: &str, count: u64) -> Option<Command> {
    let sample = std::env::current_exe().ok()?.parent()?.parent()?.join("examples/subscribe");
    let mut command = Command::new(built(sample, "cargo build --features checks --example subscribe")?);
    command.args([endpoint, "0", &count.to_string()]);
    Some(command)
}

fn python(endpoint: &str, count: u64) -> Option<Command> {
    let mut command = Command::new(built(root().join(".venv/bin/python"), "make setup")?);
    command.arg(root().join("samples/subscribe.py"));
    command.args(["--connect", endpoint, "--since", "0", "--count", &count.to_string()]);
    Some(command)
}

fn built(path: PathBuf, by: &str) -> Option<PathBuf> {
    if path.exists() {
        return Some(path);
    }
    eprintln!("SKIPPED: {} is missing, so a sample was NOT run; `{by}` makes it", path.display());
    None
}

/// 1,200 events before it comes, 300 while it listens, 500 behind its back while the node is away.
fn follows(sample: fn(&str, u64) -> Option<Command>) {
    const ALL: usize = 2_000;
    let (folder, endpoint) = (tempfile::tempdir().unwrap(), free_endpoint());
    let journal = folder.path().join("events.redb");
    let Some(command) = sample(&endpoint, ALL as u64) else { return };
    let node = Node::start(&endpoint, &journal, Limits::default());
    node.post(1_200);
    let mut sample = Sample::start(command);
    let mut heard = sample.events(1_200);
    let old = node.published.take();
    node.repeat(&old[..50]);
    node.post(300);
    node.repeat(&old[..50]);
    heard.extend(sample.events(300));
    node.stop();
    // Its connection breaks; these are in the journal before it is back.
    let node = Node::start(&endpoint, &journal, Limits::default());
    node.post(500);
    heard.extend(sample.events(500));
    assert!(sample.lines.next().is_none(), "it prints more than there was");
    assert!(sample.child.wait().unwrap().success());
    let numbers: Vec<_> = heard.iter().map(|event| event.sequence.0).collect();
    assert_eq!(numbers, (1..=ALL as u64).collect::<Vec<_>>(), "each once and in order");
    node.stop();
}

/// Of what the journal had to let go, it says so.
fn says_what_is_lost(sample: fn(&str, u64) -> Option<Command>) {
    let (folder, endpoint) = (tempfile::tempdir().unwrap(), free_endpoint());
    let Some(command) = sample(&endpoint, 5) else { return };
    let small = Limits { max_bytes: 100_000, ..Limits::default() };
    let node = Node::start(&endpoint, &folder.path().join("events.redb"), small);
    node.post(1_000);
    let mut sample = Sample::start(command);
    let heard = sample.events(5);
    let Data::Gap(gap) = &heard[0].data else { panic!("{:?} is no gap", heard[0]) };
    assert_eq!((gap.first, gap.last.unwrap() + 1), (Some(1), heard[1].sequence.0));
    let complaint = sample.complaints.next().expect("a word about it").unwrap();
    assert!(complaint.contains("lost") && complaint.contains("/flyball/hq/gate"), "{complaint}");
    node.stop();
}

#[test]
fn the_rust_sample_reconnects_fills_gaps_and_repeats_nothing() {
    follows(rust);
}

#[test]
fn the_python_sample_reconnects_fills_gaps_and_repeats_nothing() {
    follows(python);
}

#[test]
fn the_samples_say_what_nobody_has_any_more() {
    says_what_is_lost(rust);
    says_what_is_lost(python);
}

#[test]
fn the_samples_are_short() {
    for sample in ["subscribe.rs", "subscribe.py", "subscribe.mjs"] {
        let lines = fs::read_to_string(root().join("samples").join(sample)).unwrap().lines().count();
        assert!(lines < SHORT, "{sample} has {lines} lines");
    }
}

/// One answer to one reader: `events` golden events with numbers of their own, as our server tells them.
fn tell(listener: &TcpListener, events: u64) {
    let golden = fs::read_to_string(root().join("tests/golden/events/v1.0-visit-opened.json")).unwrap();
    let mut event: serde_json::Value = serde_json::from_str(&golden).unwrap();
    let (mut reader, _) = listener.accept().unwrap();
    let mut asked = BufReader::new(reader.try_clone().unwrap()).lines();
    while asked.next().is_some_and(|line| !line.unwrap().is_empty()) {}
    write!(reader, "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n").unwrap();
    for number in 1..=events {
        event["id"] = Uuid::from_u128(number.into()).to_string().into();
        event["sequence"] = format!("{number:020}").into();
        // The reader leaves as soon as it has what it wants.
        let Ok(()) = write!(reader, "id: {number}\ndata: {event}\n\n") else { return };
    }
}

/// Found by measuring: what was printed last was still on its way when the program ended.
#[test]
fn the_javascript_sample_prints_all_it_counts_also_to_a_pipe() {
    const EVENTS: u64 = 400;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let mut node = Command::new("node");
    node.arg(root().join("samples/subscribe.mjs")).args([&base, "--since", "0", "--count", &EVENTS.to_string()]);
    let Ok(child) = node.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn() else {
        return eprintln!("SKIPPED: node is missing, so samples/subscribe.mjs was NOT tested");
    };
    // More than a pipe holds and less than a socket: everything is told before the first line is read.
    tell(&listener, EVENTS);
    let said = child.wait_with_output().unwrap();
    let numbers = said.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let numbers: Vec<u64> = numbers.map(|line| Event::from_json(line).unwrap().sequence.0).collect();
    assert_eq!(numbers, (1..=EVENTS).collect::<Vec<_>>(), "{}", String::from_utf8_lossy(&said.stderr));
}
