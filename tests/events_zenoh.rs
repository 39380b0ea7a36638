//! Events over a real Zenoh on loopback: live, late, after a restart; who is there; how cameras are.
#![cfg(all(feature = "cli", feature = "zenoh"))]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test may say what it found, and end where it is wrong"
)]

mod events_common;

use std::{
    net::TcpListener,
    path::Path,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use clap::Parser as _;
use events_common::{draft, place};
use flyball::events::{
    Beginning, BusConfig, BusMode, Encoding, Started, begin,
    journal::Limits,
    keys::Origin,
    wire::{CameraCondition, CameraState, Data, Draft, Event, UtcMicros},
    zenoh::{Delivery, Filter, Subscription, ZenohBus, ZenohFigures},
};
use flyball::scene::CameraId;
use uuid::Uuid;
use zenoh::Wait as _;

const PATIENCE: Duration = Duration::from_secs(20);
/// Where pages are, and what they are.
const PAGE: (&str, &str) = ("flyball/v1/hq/gate/@page", "application/x-ndjson");

type FifoSubscriber = zenoh::pubsub::Subscriber<zenoh::handlers::FifoChannelHandler<zenoh::sample::Sample>>;

/// A Flyball as subscribers see it.
struct Node {
    started: Started,
    bus: ZenohBus,
    figures: Box<dyn Fn() -> ZenohFigures + Send + Sync>,
}

fn free_endpoint() -> String {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    format!("tcp/127.0.0.1:{port}")
}

fn listening(endpoint: &str) -> BusConfig {
    BusConfig { listen: vec![endpoint.into()], ..BusConfig::default() }
}

/// A session such as others have, who know Zenoh and not us; it tries for as long as it takes.
fn others(endpoint: &str) -> zenoh::Session {
    let mut config = zenoh::Config::default();
    for (key, value) in [
        ("mode", "\"client\""),
        ("connect", &*format!("{{ \"timeout_ms\": -1, \"endpoints\": [\"{endpoint}\"] }}")),
        ("scouting/multicast/enabled", "false"),
    ] {
        config.insert_json5(key, value).unwrap();
    }
    zenoh::open(config).wait().unwrap()
}

impl Node {
    fn start(endpoint: &str, journal: &Path) -> Self {
        Self::with(&listening(endpoint), journal)
    }

    fn with(config: &BusConfig, journal: &Path) -> Self {
        let mut bus = ZenohBus::open(config).unwrap();
        let sink = bus.sink().unwrap();
        let figures = Box::new(sink.figures());
        let started = begin(Beginning {
            site: place("hq"),
            node: place("box"),
            journal: Some((journal.to_path_buf(), Limits::default())),
            sinks: vec![Box::new(sink)],
            #[allow(clippy::disallowed_methods, reason = "publish times are what the latency is measured from")]
            clock: Arc::new(SystemTime::now),
            fresh_id: Box::new(Uuid::now_v7),
        })
        .unwrap();
        bus.announce(&place("hq"), &place("box"), &[CameraId::new("gate").unwrap()]).unwrap();
        bus.serve(&place("hq"), &place("box"), started.history.as_ref().unwrap()).unwrap();
        Self { started, bus, figures }
    }

    /// Posts without ever filling the queue: overflow is another test's matter.
    fn post(&self, numbers: std::ops::Range<u64>) {
        let before = self.started.postbox.figures().published;
        let first = numbers.start;
        for n in numbers {
            while n - first > self.started.postbox.figures().published - before + 4_000 {
                std::thread::yield_now();
            }
            assert!(self.started.postbox.post(draft(n)));
        }
    }

    fn stop(self) {
        let Self { started, bus, .. } = self;
        drop((started.postbox, started.history));
        started.outbox.finish();
        drop(bus);
    }
}

/// The next `count` visit numbers, in the order they came.
fn numbers(subscription: &mut Subscription<'_>, count: usize) -> Vec<u128> {
    let mut numbers = Vec::new();
    while numbers.len() < count {
        match subscription.next_within(PATIENCE) {
            Some(Delivery::Event(event, _)) => numbers.extend(event.visit().map(|v| v.visit.id.as_u128())),
            Some(other) => panic!("{other:?}"),
            None => panic!("only {} of {count} events came within {PATIENCE:?}", numbers.len()),
        }
    }
    numbers
}

#[test]
fn a_late_subscriber_has_everything_once_and_in_order_also_across_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (endpoint, journal) = (free_endpoint(), folder.path().join("events.redb"));
    let node = Node::start(&endpoint, &journal);
    node.post(0..2_500);
    let bus = ZenohBus::open(&BusConfig::connecting_to(&endpoint)).unwrap();
    let mut subscription = bus.subscribe(&Filter::default(), Some(0)).unwrap();
    assert_eq!(numbers(&mut subscription, 2_500), (0..2_500).collect::<Vec<u128>>());
    assert!(bus.alive().unwrap().contains(&"flyball/v1/hq/gate/@alive".to_owned()));
    node.stop();
    // While nobody was connected a new run goes on; the subscription reconnects by itself and misses nothing.
    let node = Node::start(&endpoint, &journal);
    node.post(2_500..3_000);
    assert_eq!(numbers(&mut subscription, 500), (2_500..3_000).collect::<Vec<u128>>());
    node.stop();
}

/// For those who want only some events, and for those who want all.
#[test]
fn each_event_comes_alone_in_the_encoding_asked_for_and_in_a_page_of_lines() {
    let folder = tempfile::tempdir().unwrap();
    let endpoint = free_endpoint();
    let config = BusConfig { encoding: Encoding::Cbor, ..listening(&endpoint) };
    let node = Node::with(&config, &folder.path().join("events.redb"));
    let session = others(&endpoint);
    let [closed, pages] = ["faces/*/closed", "@page"]
        .map(|key| session.declare_subscriber(format!("flyball/v1/*/*/{key}")).wait().unwrap());
    node.post(0..200);
    let heard = |end: &FifoSubscriber| end.recv_timeout(PATIENCE).unwrap().expect("a message");
    let alone = (0..200).map(|_| Event::from_cbor(&heard(&closed).payload().to_bytes()).unwrap());
    let alone: Vec<Event> = alone.collect();
    let mut together = Vec::new();
    while together.len() < alone.len() {
        let page = heard(&pages);
        assert_eq!((page.key_expr().as_str(), &*page.encoding().to_string()), PAGE);
        let text = page.payload().try_to_string().unwrap().into_owned();
        together.extend(text.split('\n').map(|line| Event::from_json(line.as_bytes()).unwrap()));
    }
    assert_eq!(together, alone);
    node.stop();
}

/// Somebody who wants single events, and how far the node has posted.
struct Alone<'a> {
    node: &'a Node,
    closed: FifoSubscriber,
    posted: u64,
}

impl<'a> Alone<'a> {
    fn of(session: &zenoh::Session, node: &'a Node) -> Self {
        let closed = session.declare_subscriber("flyball/v1/*/*/faces/*/closed").wait().unwrap();
        Self { node, closed, posted: 0 }
    }

    /// Posts until one is heard that came after all that were posted before.
    #[allow(clippy::disallowed_methods, reason = "patience ends in real time")]
    fn hears(&mut self) {
        let (begun, from) = (Instant::now(), self.posted);
        loop {
            assert!(begun.elapsed() < PATIENCE, "nothing was heard of {} events", self.posted);
            self.node.post(self.posted..self.posted + 1);
            self.posted += 1;
            let heard = self.closed.recv_timeout(Duration::from_millis(20)).unwrap();
            let number = heard.map(|sample| Event::from_json(&sample.payload().to_bytes()).unwrap().sequence.0);
            if number.is_some_and(|number| number > from) {
                return;
            }
        }
    }
}

fn router(endpoint: &str, next: Option<&str>) -> ZenohBus {
    let connect = next.map(str::to_owned).into_iter().collect();
    ZenohBus::open(&BusConfig { mode: BusMode::Router, connect, ..listening(endpoint) }).unwrap()
}

/// Single events are only sent while somebody wants them: that is known through a router too, and through the next one.
#[test]
fn who_wants_single_events_gets_them_through_a_router_and_through_the_one_that_replaces_it() {
    let folder = tempfile::tempdir().unwrap();
    let endpoint = free_endpoint();
    let relay = router(&endpoint, None);
    let node = Node::with(&BusConfig::connecting_to(&endpoint), &folder.path().join("events.redb"));
    let session = others(&endpoint);
    let mut alone = Alone::of(&session, &node);
    alone.hears();
    drop(relay);
    let _next = router(&endpoint, None);
    alone.hears();
    drop(alone);
    node.stop();
}

#[test]
fn who_wants_single_events_gets_them_through_two_routers_in_a_row() {
    let folder = tempfile::tempdir().unwrap();
    let [near, far] = [free_endpoint(), free_endpoint()];
    let _relays = [router(&near, None), router(&far, Some(&near))];
    let node = Node::with(&BusConfig::connecting_to(&near), &folder.path().join("events.redb"));
    let session = others(&far);
    let mut alone = Alone::of(&session, &node);
    alone.hears();
    drop(alone);
    node.stop();
}

#[test]
fn watch_prints_what_passes_its_filters() {
    let folder = tempfile::tempdir().unwrap();
    let endpoint = free_endpoint();
    let node = Node::start(&endpoint, &folder.path().join("events.redb"));
    node.post(0..3);
    let watch = |extra: &[&str]| {
        let words = ["watch", "--connect", &endpoint, "--since", "0"].into_iter().chain(extra.iter().copied());
        let args = Watch::parse_from(words).args;
        let mut printed = Vec::new();
        flyball::cli::watch::run(&args, &mut printed);
        String::from_utf8(printed).unwrap()
    };
    let people = watch(&["--count", "3", "--person", "p-0042"]);
    assert_eq!(
        people.lines().filter(|l| l.contains("gate") && l.contains("closed") && l.contains("p-0042 0.71")).count(),
        3,
        "{people}"
    );
    let json = watch(&["--count", "1", "--json", "--camera", "gate", "--kind", "closed"]);
    assert_eq!(Event::from_json(json.trim().as_bytes()).unwrap().sequence.0, 1);
    node.stop();
}

#[derive(clap::Parser)]
struct Watch {
    #[command(flatten)]
    args: flyball::cli::watch::WatchArgs,
}

#[test]
fn who_is_there_and_how_each_camera_is_can_be_asked() {
    let folder = tempfile::tempdir().unwrap();
    let endpoint = free_endpoint();
    let node = Node::start(&endpoint, &folder.path().join("events.redb"));
    let states =
        [("gate", CameraCondition::Connecting), ("hall", CameraCondition::Live), ("gate", CameraCondition::Stalled)];
    for (camera, condition) in states {
        assert!(node.started.postbox.post(state(camera, condition)));
    }
    while node.started.postbox.figures().published < 3 {
        std::thread::yield_now();
    }
    let bus = ZenohBus::open(&BusConfig::connecting_to(&endpoint)).unwrap();
    let hall = node.bus.presence(&place("hq"), &place("box"));
    hall.came(&CameraId::new("hall").unwrap()).unwrap();
    let there = ["flyball/v1/hq/@node/box/@alive", "flyball/v1/hq/gate/@alive", "flyball/v1/hq/hall/@alive"];
    assert_eq!(alive(&bus, 3), there);
    let last = |filter: &Filter| -> Vec<_> {
        let states = bus.last_states(filter).unwrap();
        let condition = |event: Event| match event.data {
            Data::CameraState(state) => (state.camera, state.condition),
            other => panic!("{other:?}"),
        };
        states.into_iter().map(condition).collect()
    };
    let (gate, here) = (("gate".to_owned(), CameraCondition::Stalled), ("hall".to_owned(), CameraCondition::Live));
    assert_eq!(last(&Filter::default()), [gate.clone(), here]);
    assert_eq!(last(&Filter { camera: Some("gate".into()), ..Filter::default() }), [gate]);
    hall.went(&CameraId::new("hall").unwrap());
    assert_eq!(alive(&bus, 2), there[..2]);
    drop(hall);
    node.stop();
    assert_eq!(alive(&bus, 0), [""; 0], "who is gone is not there");
}

/// Who is there, once it is as many; news of it takes a moment.
#[allow(clippy::disallowed_methods, reason = "a deadline against hangs")]
fn alive(bus: &ZenohBus, count: usize) -> Vec<String> {
    let begun = Instant::now();
    loop {
        let mut keys = bus.alive().unwrap();
        keys.sort();
        keys.dedup();
        if keys.len() == count || begun.elapsed() > PATIENCE {
            return keys;
        }
        std::thread::yield_now();
    }
}

fn state(camera: &str, condition: CameraCondition) -> Draft {
    let since = UtcMicros::from(SystemTime::UNIX_EPOCH);
    let state = CameraState { camera: camera.into(), condition, since, detail: None, evidence: None, clock: None };
    Draft {
        id: Uuid::now_v7(),
        origin: Origin::Camera(place("hq"), CameraId::new(camera).unwrap()),
        subject: camera.into(),
        time: since,
        data: Data::CameraState(state),
    }
}

#[test]
#[allow(clippy::disallowed_methods, reason = "this test measures time")]
fn a_burst_arrives_whole_and_ordinary_traffic_arrives_soon() {
    let folder = tempfile::tempdir().unwrap();
    let endpoint = free_endpoint();
    let node = Node::start(&endpoint, &folder.path().join("events.redb"));
    let bus = ZenohBus::open(&BusConfig::connecting_to(&endpoint)).unwrap();
    let mut subscription = bus.subscribe(&Filter::default(), Some(0)).unwrap();
    node.post(0..1);
    numbers(&mut subscription, 1);
    let mut latencies: Vec<Duration> = (1..201)
        .map(|n| {
            node.post(n..n + 1);
            match subscription.next_within(PATIENCE) {
                Some(Delivery::Event(event, _)) => {
                    event.visit().unwrap().time.publish.system_time().elapsed().unwrap_or_default()
                }
                other => panic!("{other:?}"),
            }
        })
        .collect();
    latencies.sort();
    println!("publish -> subscriber, one at a time: p50 {:?}, p99 {:?}", latencies[100], latencies[198]);
    assert!(latencies[100] < Duration::from_millis(100), "half of the events need longer than 100 ms");
    let (begin, burst) = (Instant::now(), 20_000);
    let posting = std::thread::scope(|scope| {
        let posting = scope.spawn(|| node.post(201..201 + burst));
        let arrived = numbers(&mut subscription, burst as usize);
        assert_eq!(arrived, (201..201 + u128::from(burst)).collect::<Vec<_>>());
        posting.join()
    });
    posting.unwrap();
    let rate = burst as f64 / begin.elapsed().as_secs_f64();
    println!("burst: {rate:.0} events/s journaled, published and received; {:?}", (node.figures)());
    node.stop();
}
