//! How soon: from the publish time in an event to its subscriber's hands, at an even pace, while a pipeline runs beside.

use std::{thread, time::Duration};

use flyball::events::{
    BusConfig,
    zenoh::{Delivery, Filter, ZenohBus},
};
use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::{
    pipeline::Pipeline,
    throughput::CAMERAS,
    world::{Node, Setup, free_endpoint, listening},
};

/// Events a second while latency is measured, and for how many seconds.
const PACE: (u64, u64) = (1_000, 20);

/// Whatever takes longer counts as this.
const LONGEST_US: u64 = 60_000_000;

/// From the publish time in the event to the subscriber's hands, the journal's commit between them, in milliseconds; while
/// a pipeline runs beside.
pub(crate) fn latency() -> Value {
    let folder = tempfile::tempdir().expect("a folder");
    let (endpoint, journal) = (free_endpoint(), folder.path().join("events.redb"));
    let node = Node::start(Setup { bus: Some(listening(&endpoint)), journal: Some(&journal), ..Setup::default() });
    let (pace, seconds) = PACE;
    let measured = thread::Builder::new().name("measures".into()).spawn(move || measure(&endpoint, pace * seconds));
    let pipeline = Pipeline::start(node.started.postbox.clone());
    let (frames, _) = pipeline.rate(|| node.post_paced(CAMERAS, 0..pace * seconds, pace));
    let beside = format!("{}, {frames:.1} frames/s detected", pipeline.stop());
    let times = measured.expect("a thread").join().expect("no panic");
    node.stop();
    let ms = |quantile: f64| times.value_at_quantile(quantile) as f64 / 1e3;
    json!({ "per_second": pace, "beside": beside, "events": times.len(), "p50_ms": ms(0.5), "p95_ms": ms(0.95), "p99_ms": ms(0.99), "max_ms": times.max() as f64 / 1e3 })
}

fn measure(endpoint: &str, events: u64) -> Histogram<u64> {
    let bus = ZenohBus::open(&BusConfig::connecting_to(endpoint)).expect("a session");
    let mut subscription = bus.subscribe(&Filter::default(), Some(0)).expect("a subscription");
    let mut times = Histogram::new_with_bounds(1, LONGEST_US, 3).expect("a histogram");
    while times.len() < events {
        if let Some(Delivery::Event(event, _)) = subscription.next_within(Duration::from_secs(20)) {
            // The pipeline beside it also says how its cameras and its governor fare.
            let Some(visit) = event.visit() else { continue };
            let published = visit.time.publish.system_time();
            times.saturating_record(published.elapsed().map_or(0, |d| d.as_micros() as u64));
        }
    }
    times
}
