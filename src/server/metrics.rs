//! Every metric there is, in one list, and the sheet they are written on. `figures` fills it in.

use std::{collections::BTreeMap, fmt};

use prometheus_client::{
    encoding::text::encode,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use std::sync::atomic::AtomicU64;

/// Whether a metric only rises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// It only rises while the process lives; its name ends in `_total` where it is read.
    Counter,
    /// It is what it is now.
    Gauge,
}

/// One metric.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Its name; a counter is shown with `_total` after it.
    pub name: &'static str,
    /// Whether it only rises.
    pub kind: MetricKind,
    /// Its labels.
    pub labels: &'static [&'static str],
    /// What it says, with its unit.
    pub help: &'static str,
}

impl Metric {
    /// Its name where it is read.
    pub fn shown_name(&self) -> String {
        match self.kind {
            MetricKind::Counter => format!("{}_total", self.name),
            MetricKind::Gauge => self.name.to_owned(),
        }
    }
}

const fn counter(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Metric {
    Metric { name, kind: MetricKind::Counter, labels, help }
}

const fn gauge(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Metric {
    Metric { name, kind: MetricKind::Gauge, labels, help }
}

/// Every metric; nothing else is ever shown.
pub const METRICS: &[Metric] = &[
    gauge("flyball_build", &["version"], "Always 1; the version is the label"),
    gauge("flyball_camera_state", &["camera", "state"], "Always 1; how the camera is doing is the label"),
    gauge(
        "flyball_camera_decoder",
        &["camera", "codec", "decoder", "way"],
        "Always 1; what decodes the camera is the label",
    ),
    counter("flyball_camera_frames", &["camera"], "Frames decoded"),
    counter("flyball_frame_copies", &[], "Whole frames copied or converted between decoder and tensor"),
    gauge("flyball_camera_frames_per_second", &["camera"], "Frames decoded over the last full second"),
    gauge("flyball_camera_people", &["camera"], "Visits open in front of the camera"),
    counter("flyball_dropped_frames", &["camera", "reason"], "Frames thrown away"),
    counter("flyball_visits", &[], "Visits opened"),
    counter("flyball_stage_batches", &["stage"], "Batches processed"),
    counter("flyball_stage_frames", &["stage"], "Frames processed"),
    counter("flyball_stage_cpu_seconds", &["stage"], "CPU time of the stage's thread while processing"),
    counter("flyball_stage_busy_seconds", &["stage"], "Wall time spent processing"),
    gauge("flyball_stage_batch_limit", &["stage"], "Most frames in one batch, as the governor has set it"),
    gauge("flyball_stage_interval", &["stage"], "The stage looks at every n-th frame, as the governor has set it"),
    gauge("flyball_stage_enabled", &["stage"], "0 while the governor does without the stage"),
    gauge("flyball_latency_seconds", &["quantile"], "Capture to the end of the graph, since the start"),
    gauge("flyball_frames_waiting", &[], "Frames in the lanes before the first stage"),
    gauge("flyball_frames_in_flight", &[], "Frames on their way through the graph"),
    counter("flyball_trace_spans", &["fate"], "Steps of traced frames: `sent` to the receiver, or `lost`"),
    counter("flyball_events", &["type"], "Events published"),
    gauge("flyball_viewers", &[], "Browsers that watch cameras"),
    gauge("flyball_event_readers", &[], "Readers of server-sent events"),
    counter("flyball_courier_delivered", &["courier"], "Events that a webhook or broker has taken"),
    counter(
        "flyball_courier_lost",
        &["courier"],
        "Events let go of and announced: too many waited, or they were refused",
    ),
    counter("flyball_courier_failures", &["courier"], "Attempts that failed and were made again"),
    gauge("flyball_courier_waiting", &["courier"], "Events on their way to a webhook or broker"),
    gauge(
        "flyball_governor_rung",
        &["lever", "subject", "rung"],
        "Always 1; what the governor has chosen is the label",
    ),
    gauge("flyball_governor_degraded", &[], "1 while something is given up"),
    gauge("flyball_memory_bytes", &["whose"], "Memory: `ours`, `free` and `total`"),
    counter("flyball_cpu_seconds", &[], "CPU time of the process"),
];

type Labels = Vec<(&'static str, String)>;

/// Values, before they are text.
#[derive(Debug, Default)]
pub(super) struct Sheet(BTreeMap<&'static str, Vec<(Labels, f64)>>);

/// A label's text as OpenMetrics writes it; the library puts it down as it is.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

impl Sheet {
    /// Writes one value down; labels in the order of the list.
    pub(super) fn set(&mut self, name: &'static str, labels: &[&str], value: f64) {
        let Some(metric) = METRICS.iter().find(|metric| metric.name == name) else {
            debug_assert!(false, "{name} is not in the list of metrics");
            return;
        };
        debug_assert_eq!(metric.labels.len(), labels.len(), "labels of {name}");
        let labels = metric.labels.iter().copied().zip(labels.iter().map(|text| escaped(text))).collect();
        self.0.entry(name).or_default().push((labels, value));
    }

    /// OpenMetrics text.
    pub(super) fn text(self) -> Result<String, fmt::Error> {
        let mut registry = Registry::default();
        for metric in METRICS {
            register(&mut registry, metric, self.0.get(metric.name).map(Vec::as_slice).unwrap_or_default());
        }
        let mut text = String::new();
        encode(&mut text, &registry)?;
        Ok(text)
    }
}

fn register(registry: &mut Registry, metric: &Metric, values: &[(Labels, f64)]) {
    let only = values.first().map_or(0.0, |(_, value)| *value);
    match (metric.kind, metric.labels) {
        (MetricKind::Counter, []) => {
            let alone = Counter::<f64, AtomicU64>::default();
            alone.inc_by(only);
            registry.register(metric.name, metric.help, alone);
        }
        (MetricKind::Gauge, []) => {
            let alone = Gauge::<f64, AtomicU64>::default();
            alone.set(only);
            registry.register(metric.name, metric.help, alone);
        }
        (MetricKind::Counter, _) => {
            let family = Family::<Labels, Counter<f64, AtomicU64>>::default();
            for (labels, value) in values {
                family.get_or_create(labels).inc_by(*value);
            }
            registry.register(metric.name, metric.help, family);
        }
        (MetricKind::Gauge, _) => {
            let family = Family::<Labels, Gauge<f64, AtomicU64>>::default();
            for (labels, value) in values {
                family.get_or_create(labels).set(*value);
            }
            registry.register(metric.name, metric.help, family);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_shown_under_their_names() {
        let mut sheet = Sheet::default();
        sheet.set("flyball_camera_frames", &["gate"], 7.0);
        sheet.set("flyball_camera_frames", &["odd \"name\"\n"], 1.0);
        sheet.set("flyball_frames_waiting", &[], 2.0);
        let text = sheet.text().unwrap();
        assert!(text.contains("flyball_camera_frames_total{camera=\"gate\"} 7.0"), "{text}");
        assert!(text.contains("camera=\"odd \\\"name\\\"\\n\""), "{text}");
        assert!(text.contains("flyball_frames_waiting 2.0") && text.ends_with("# EOF\n"), "{text}");
    }

    /// What is listed and never written would be documentation of nothing.
    #[test]
    fn every_metric_is_written_somewhere() {
        let writes = include_str!("figures.rs");
        for metric in METRICS {
            assert!(
                writes.contains(&format!("set(\"{}\"", metric.name)),
                "{} is listed and never written",
                metric.name
            );
        }
    }

    #[test]
    fn names_are_told_apart_and_well_formed() {
        for (at, metric) in METRICS.iter().enumerate() {
            assert!(METRICS[..at].iter().all(|earlier| earlier.name != metric.name), "{} is there twice", metric.name);
            assert!(metric.name.starts_with("flyball_") && !metric.name.ends_with("_total"), "{}", metric.name);
            assert!(!metric.help.ends_with('.'), "{}: the text format adds the full stop", metric.name);
        }
    }
}
