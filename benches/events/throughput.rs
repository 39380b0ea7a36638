//! How much: one publisher with a journal on disk, subscribers in Rust and Python, direct and through a
//! router, and one in JavaScript over the HTTP server.
//!
//! Rates count from the first event posted to a subscriber that is there to the last one it received, each once and in
//! order.

use std::{
    collections::{HashMap, HashSet},
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
    time::{Duration, Instant},
};

use flyball::events::BusConfig;
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use crate::{
    books::Row,
    child::{Killed, command, router},
    latency::latency,
    report,
    web::{Opening, Web},
    world::{Node, PATIENCE, Setup, free_endpoint, listening, now},
};

pub(crate) const CAMERAS: &[&str] = &["gate", "hall", "yard", "dock"];
/// Less than a thousand events a second is no throughput: somebody has lost some.
const SLOWEST: Duration = Duration::from_millis(1);

/// Who receives, and over which way.
const BURSTS: &[(Who, Way)] = &[
    (Who::Rust, Way::Direct),
    (Who::Python, Way::Direct),
    (Who::Node, Way::Server),
    (Who::Rust, Way::Router),
    (Who::Python, Way::Router),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Rust,
    Python,
    Node,
}

impl Who {
    /// Events a second posted to it; as many as the journal takes without one. The samples would only show how long they
    /// take to catch up with a publisher that leaves them no core.
    fn pace(self) -> Option<u64> {
        (self != Self::Rust).then_some(21_000)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Zenoh, publisher to subscriber.
    Direct,
    /// Zenoh, through a router.
    Router,
    /// Our HTTP server's events and history.
    Server,
}

/// Runs both measurements; `events` for each way through. `only` names subscribers: then only theirs, and no report.
pub(crate) fn run(events: u64, only: &[&str]) {
    let wanted = |who: Who| only.is_empty() || only.contains(&format!("{who:?}").as_str());
    let bursts = BURSTS.iter().filter(|(who, _)| wanted(*who));
    let rows: Vec<_> = bursts.filter_map(|&(who, way)| burst(events, who, way)).collect();
    if !only.is_empty() {
        return;
    }
    let latency = latency();
    println!("publish -> subscriber: {latency}");
    report("bench-events.json", &json!({ "bursts": rows, "latency": latency }));
}

/// Everything, at its subscriber's pace, to one: two on two cores would measure each other.
fn burst(events: u64, who: Who, way: Way) -> Option<Value> {
    let stage = Stage::set(way);
    let counted = stage.subscriber(who, events)?;
    // One event ahead: who has it is there.
    stage.node.post(CAMERAS, 0..1);
    counted.there.recv_timeout(PATIENCE).expect("a subscriber that listens");
    let begun = now();
    match who.pace() {
        Some(pace) => stage.node.post_paced(CAMERAS, 1..events + 1, pace),
        None => stage.node.post(CAMERAS, 1..events + 1),
    };
    let posted = begun.elapsed();
    let (ended, row) = counted.done.recv_timeout(PATIENCE + events as u32 * SLOWEST).expect("everything, in time");
    stage.strike();
    let rate = events as f64 / (ended - begun).as_secs_f64();
    let Row { received, duplicated, note, .. } = row;
    println!("{who:?}, {way:?}: {rate:.0} events/s, {received} of {}, {duplicated} twice; {note}", events + 1);
    Some(json!({
        "subscriber": format!("{who:?}"), "way": format!("{way:?}"), "events_per_second": rate, "sent": events + 1,
        "received": received, "duplicated": duplicated, "note": note,
        "journaled_per_second": events as f64 / posted.as_secs_f64(),
    }))
}

/// A publisher, and what lies between it and its subscriber.
struct Stage {
    endpoint: String,
    node: Node,
    web: Option<Web>,
    _relay: Option<Killed>,
    _folder: TempDir,
}

impl Stage {
    fn set(way: Way) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (endpoint, journal) = (free_endpoint(), folder.path().join("events.redb"));
        let relay = (way == Way::Router).then(|| router(&endpoint));
        let opening = (way == Way::Server).then(Opening::new);
        let bus = match way {
            Way::Direct => Some(listening(&endpoint)),
            Way::Router => Some(BusConfig::connecting_to(&endpoint)),
            Way::Server => None,
        };
        let taps = opening.iter().map(Opening::sink).collect();
        let node = Node::start(Setup { bus, journal: Some(&journal), keep_list: false, taps, ..Setup::default() });
        let web = opening.map(|opening| opening.serve(node.started.history.clone()));
        Self { endpoint, node, web, _relay: relay, _folder: folder }
    }

    fn subscriber(&self, who: Who, events: u64) -> Option<Counted> {
        match who {
            Who::Rust => rust(&self.endpoint, events),
            Who::Python => python(&self.endpoint, events),
            Who::Node => javascript(&self.web.as_ref()?.base, events),
        }
    }

    fn strike(self) {
        if let Some(web) = self.web {
            web.stop();
        }
        self.node.stop();
    }
}

/// A subscriber whose events are counted.
struct Counted {
    /// Says when its first one came.
    there: Receiver<()>,
    done: Receiver<(Instant, Row)>,
}

impl Counted {
    /// Runs `count` on a thread of its own.
    fn by(count: impl FnOnce(&Sender<()>) -> (Instant, Row) + Send + 'static) -> Option<Self> {
        let ((say, there), (tell, done)) = (channel(), channel());
        let counting = move || drop(tell.send(count(&say)));
        let _runs_until_its_subscriber_ends = thread::Builder::new().name("counts".into()).spawn(counting).ok()?;
        Some(Self { there, done })
    }
}

fn rust(endpoint: &str, events: u64) -> Option<Counted> {
    let mut child = Killed(command(&["subscriber", endpoint, &(events + 1).to_string()]).spawn().ok()?);
    let mut lines = BufReader::new(child.0.stdout.take()?).lines().map_while(Result::ok);
    assert_eq!(lines.next().as_deref(), Some("ready"));
    Counted::by(move |there| {
        there.send(()).expect("somebody waits");
        let heard = lines.find(|line| line.starts_with("heard ")).expect("its last word");
        let ended = now();
        let heard: Vec<u64> = heard.split(' ').skip(1).map(|n| n.parse().expect("a number")).collect();
        drop(child);
        (ended, row(heard[0], heard[1], heard[2]))
    })
}

fn row(received: u64, duplicated: u64, out_of_order: u64) -> Row {
    let note = if out_of_order > 0 { format!("{out_of_order} OUT OF ORDER") } else { "in order".into() };
    Row { row: String::new(), sent: 0, received, lost_silently: 0, duplicated, note }
}

/// The sample itself, as users copy it; its lines are counted here.
fn python(endpoint: &str, events: u64) -> Option<Counted> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(root.join(".venv/bin/python"));
    command.arg(root.join("samples/subscribe.py")).args(["--connect", endpoint, "--since", "0"]);
    sample(command, events, ".venv is missing; run `make setup`")
}

/// The same in JavaScript, over our own server.
fn javascript(base: &str, events: u64) -> Option<Counted> {
    let mut command = Command::new("node");
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/subscribe.mjs")).args([base, "--since", "0"]);
    sample(command, events, "there is no `node`; run `make setup`")
}

fn sample(mut command: Command, events: u64, missing: &str) -> Option<Counted> {
    let Ok(child) = command.args(["--count", &(events + 1).to_string()]).stdout(Stdio::piped()).spawn() else {
        println!("SKIPPED: {missing}");
        return None;
    };
    Counted::by(move |there| count_lines(child, there))
}

/// Cheap, since it takes its share of the same two cores.
fn count_lines(mut child: Child, there: &Sender<()>) -> (Instant, Row) {
    let (mut ids, mut last) = (HashSet::new(), HashMap::<String, u64>::new());
    let (mut twice, mut disorder) = (0, 0);
    let (mut output, mut line) = (BufReader::new(child.stdout.take().expect("its output")), String::new());
    while output.read_line(&mut line).is_ok_and(|read| read > 0) {
        let word = |name: &str| line.split_once(name).and_then(|(_, rest)| rest.split_once('"')).map(|(word, _)| word);
        let id = word("\"id\":\"").and_then(|id| id.parse::<Uuid>().ok());
        let number = word("\"sequence\":\"").and_then(|number| number.parse().ok());
        if let (Some(id), Some(source), Some(number)) = (id, word("\"source\":\""), number) {
            if ids.is_empty() {
                there.send(()).expect("somebody waits");
            }
            twice += u64::from(!ids.insert(id));
            match last.get_mut(source) {
                Some(before) => disorder += u64::from(std::mem::replace(before, number) >= number),
                None => drop(last.insert(source.to_owned(), number)),
            }
        }
        line.clear();
    }
    let ended = now();
    let _status = child.wait();
    (ended, row(ids.len() as u64, twice, disorder))
}
