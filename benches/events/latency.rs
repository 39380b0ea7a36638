//! How soon: from the publish time in an event, and from its handing over to Zenoh, to its subscriber's hands; at an even
//! pace, while a pipeline runs beside.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use flyball::events::{
    BusConfig, CallSink, EventSink, Recorded,
    zenoh::{Delivery, Filter, ZenohBus},
};
use hdrhistogram::Histogram;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    pipeline::Pipeline,
    throughput::CAMERAS,
    world::{Node, Setup, free_endpoint, listening, now},
};

/// Events a second while latency is measured, and for how many seconds.
const PACE: (u64, u64) = (1_000, 20);

/// Whatever takes longer counts as this.
const LONGEST_US: u64 = 60_000_000;

/// When each event had been journaled and was handed on.
type HandedOn = Arc<Mutex<HashMap<Uuid, Instant>>>;

/// Both ways to measure it, in milliseconds, while a pipeline runs.
pub(crate) fn latency() -> Value {
    let folder = tempfile::tempdir().expect("a folder");
    let (endpoint, journal) = (free_endpoint(), folder.path().join("events.redb"));
    let handed_on = HandedOn::default();
    let (bus, taps) = (Some(listening(&endpoint)), vec![note(&handed_on)]);
    let node = Node::start(Setup { bus, taps, journal: Some(&journal), ..Setup::default() });
    let (pace, seconds) = PACE;
    let measured = thread::Builder::new()
        .name("measures".into())
        .spawn(move || Times::measured(&endpoint, pace * seconds, &handed_on));
    let pipeline = Pipeline::start(node.started.postbox.clone());
    let (frames, _) = pipeline.rate(|| node.post_paced(CAMERAS, 0..pace * seconds, pace));
    let beside = format!("{}, {frames:.1} frames/s detected", pipeline.stop());
    let times = measured.expect("a thread").join().expect("no panic");
    node.stop();
    json!({
        "per_second": pace, "beside": beside, "events": times.handed_on.len(),
        "handed_on_to_subscriber": quantiles(&times.handed_on), "stamped_to_subscriber": quantiles(&times.stamped),
    })
}

/// Hears of every event just before Zenoh does.
fn note(handed_on: &HandedOn) -> Box<dyn EventSink> {
    let handed_on = Arc::clone(handed_on);
    Box::new(CallSink(move |recorded: &Recorded| {
        handed_on.lock().expect("no panic").insert(recorded.event.id, now());
    }))
}

struct Times {
    /// Since the publish time in the event, the journal's commit included.
    stamped: Histogram<u64>,
    /// Since it was on disk and handed to Zenoh.
    handed_on: Histogram<u64>,
}

impl Times {
    fn measured(endpoint: &str, events: u64, handed_on: &HandedOn) -> Self {
        let bus = ZenohBus::open(&BusConfig::connecting_to(endpoint)).expect("a session");
        let mut subscription = bus.subscribe(&Filter::default(), Some(0)).expect("a subscription");
        let fresh = || Histogram::new_with_bounds(1, LONGEST_US, 3).expect("a histogram");
        let mut times = Self { stamped: fresh(), handed_on: fresh() };
        while times.stamped.len() < events {
            if let Some(Delivery::Event(event, _)) = subscription.next_within(Duration::from_secs(20)) {
                // The pipeline beside it also says how its cameras and its governor fare.
                let Some(visit) = event.visit() else { continue };
                let published = visit.time.publish.system_time();
                record(&mut times.stamped, published.elapsed().unwrap_or_default());
                let handed =
                    handed_on.lock().expect("no panic").remove(&event.id).expect("an event that was handed on");
                record(&mut times.handed_on, handed.elapsed());
            }
        }
        times
    }
}

fn record(times: &mut Histogram<u64>, took: Duration) {
    times.saturating_record(took.as_micros() as u64);
}

fn quantiles(times: &Histogram<u64>) -> Value {
    let ms = |quantile: f64| times.value_at_quantile(quantile) as f64 / 1e3;
    json!({ "p50_ms": ms(0.5), "p95_ms": ms(0.95), "p99_ms": ms(0.99), "max_ms": times.max() as f64 / 1e3 })
}
