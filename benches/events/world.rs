//! A Flyball as subscribers see it, without cameras: journal, outbox, Zenoh, and a list of what it published.

use std::{
    collections::BTreeMap,
    fs,
    net::TcpListener,
    ops::Range,
    path::Path,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant, SystemTime},
};

use flyball::{
    events::{
        Beginning, BusConfig, CallSink, EventSink, FreshId, Recorded, Started, WallClock, begin,
        journal::Limits,
        keys::{Origin, PlaceId},
        wire::{CloseReason, Data, Draft, Event, Visit, VisitState},
        zenoh::ZenohBus,
    },
    scene::CameraId,
};
use uuid::Uuid;

/// Only a hang reaches it.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);
/// Events that may wait in the outbox: fewer than its queue has room for, so that none overflows.
const AHEAD: u64 = 8_000;

/// To wait for less costs more than it is worth.
const WORTH_WAITING: Duration = Duration::from_micros(500);

/// What was published: id by source and number.
pub(crate) type Sent = BTreeMap<(String, u64), Uuid>;

pub(crate) fn place(name: &str) -> PlaceId {
    PlaceId::new(name).expect("a name")
}

pub(crate) fn free_endpoint() -> String {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
    format!("tcp/127.0.0.1:{port}")
}

pub(crate) fn now() -> Instant {
    Instant::now()
}

pub(crate) fn wall() -> WallClock {
    Arc::new(SystemTime::now)
}

pub(crate) fn listening(endpoint: &str) -> BusConfig {
    BusConfig { listen: vec![endpoint.into()], ..BusConfig::default() }
}

/// A visit that closes, made from a golden sample.
pub(crate) fn draft(camera: &str, n: u64) -> Draft {
    draft_of(camera, n.into(), VisitState::Closed)
}

/// A visit's event in a state.
pub(crate) fn draft_of(camera: &str, visit: u128, state: VisitState) -> Draft {
    static SAMPLE: OnceLock<Event> = OnceLock::new();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/events/v1.0-visit-opened.json");
    let read = || Event::from_json(&fs::read(golden).expect("the golden sample")).expect("an event");
    let mut data = SAMPLE.get_or_init(read).visit().expect("a visit").clone();
    data.visit.id = Uuid::from_u128(visit);
    data.visit.state = state;
    Draft {
        id: Uuid::now_v7(),
        origin: Origin::Camera(place("hq"), CameraId::new(camera).expect("a camera")),
        subject: data.visit.id.to_string(),
        time: data.time.capture,
        data: Data::Visit(Box::new(data)),
    }
}

/// A running node.
pub(crate) struct Node {
    pub(crate) started: Started,
    bus: Option<ZenohBus>,
    sent: Arc<Mutex<Sent>>,
    drafted: fn(&str, u64) -> Draft,
    posted: AtomicU64,
    published: Arc<AtomicU64>,
}

/// How to start one.
pub(crate) struct Setup<'a> {
    pub(crate) bus: Option<BusConfig>,
    pub(crate) journal: Option<&'a Path>,
    pub(crate) clock: WallClock,
    pub(crate) fresh_id: FreshId,
    pub(crate) keep_list: bool,
    /// Who else hears the events.
    pub(crate) taps: Vec<Box<dyn EventSink>>,
    /// What is posted on a camera under a number.
    pub(crate) drafted: fn(&str, u64) -> Draft,
}

impl Default for Setup<'_> {
    fn default() -> Self {
        let fresh_id = Box::new(Uuid::now_v7);
        let (taps, drafted) = (Vec::new(), draft as fn(&str, u64) -> Draft);
        Self { bus: None, journal: None, clock: wall(), fresh_id, keep_list: true, taps, drafted }
    }
}

impl Node {
    pub(crate) fn start(setup: Setup<'_>) -> Self {
        let (sent, published) = (Arc::new(Mutex::new(Sent::new())), Arc::new(AtomicU64::new(0)));
        let mut sinks: Vec<Box<dyn EventSink>> = vec![list(&sent, &published, setup.keep_list)];
        sinks.extend(setup.taps);
        let mut bus = setup.bus.map(|config| ZenohBus::open(&config).expect("a session"));
        if let Some(bus) = &bus {
            sinks.push(Box::new(bus.sink().expect("a sink")));
        }
        let limits = Limits { max_bytes: 8 << 30, ..Limits::default() };
        let journal = setup.journal.map(|path| (path.to_path_buf(), limits));
        let (clock, fresh_id) = (setup.clock, setup.fresh_id);
        let parts = Beginning { site: place("hq"), node: place("box"), journal, sinks, clock, fresh_id };
        let started = begin(parts).expect("a journal");
        if let (Some(bus), Some(history)) = (&mut bus, &started.history) {
            bus.serve(&place("hq"), &place("box"), history).expect("queryables");
        }
        Self { started, bus, sent, drafted: setup.drafted, posted: AtomicU64::new(0), published }
    }

    /// Posts as fast as the outbox takes it; answers with the slowest single post, which is what a camera would feel.
    pub(crate) fn post(&self, cameras: &[&str], numbers: Range<u64>) -> Duration {
        let mut slowest = Duration::ZERO;
        for n in numbers {
            while self.posted.load(Relaxed) > self.published.load(Relaxed) + AHEAD {
                thread::park_timeout(Duration::from_micros(100));
            }
            let event = (self.drafted)(cameras[(n % cameras.len() as u64) as usize], n);
            let begun = now();
            assert!(self.started.postbox.post(event), "the outbox overflowed");
            slowest = slowest.max(begun.elapsed());
            self.posted.fetch_add(1, Relaxed);
        }
        slowest
    }

    /// Posts at an even pace.
    pub(crate) fn post_paced(&self, cameras: &[&str], numbers: Range<u64>, per_second: u64) -> Duration {
        let (begun, first, mut slowest) = (now(), numbers.start, Duration::ZERO);
        for n in numbers {
            let due = Duration::from_nanos((n - first) * 1_000_000_000 / per_second);
            let early = due.saturating_sub(begun.elapsed());
            if early > WORTH_WAITING {
                thread::park_timeout(early);
            }
            slowest = slowest.max(self.post(cameras, n..n + 1));
        }
        slowest
    }

    /// Everything published, once nothing posted is on its way any more.
    pub(crate) fn sent(&self) -> Sent {
        while self.posted.load(Relaxed) > self.published.load(Relaxed) {
            thread::park_timeout(Duration::from_millis(1));
        }
        self.sent.lock().expect("no panic").clone()
    }

    pub(crate) fn stop(self) -> Sent {
        let Self { started, bus, sent, .. } = self;
        drop((started.postbox, started.history));
        started.outbox.finish();
        drop(bus);
        std::mem::take(&mut *sent.lock().expect("no panic"))
    }
}

/// Whether a node posted it itself: not a pipeline beside it, nor a restart that closes what was left open.
fn is_ours(event: &Event) -> bool {
    let ours = |visit: &Visit| visit.visit.reason != Some(CloseReason::Interrupted);
    event.visit().is_some_and(ours) && !event.partitionkey.starts_with("cam")
}

fn list(sent: &Arc<Mutex<Sent>>, published: &Arc<AtomicU64>, keep: bool) -> Box<dyn EventSink> {
    let (sent, published) = (Arc::clone(sent), Arc::clone(published));
    Box::new(CallSink(move |recorded: &Recorded| {
        let event = &recorded.event;
        if keep {
            sent.lock().expect("no panic").insert((event.source.clone(), event.sequence.0), event.id);
        }
        published.fetch_add(u64::from(is_ours(event)), Relaxed);
    }))
}
