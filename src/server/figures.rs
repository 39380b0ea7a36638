//! Reads the instruments of a running graph onto a sheet of metrics: `GET /metrics`.

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{Desk, metrics::Sheet, problem::Refusal};
use crate::flow::FrameTraces;
use crate::memory::{MemoryMeter, ProcessMeter, frame_copies, process_cpu_time};
use crate::topology::CameraLine;

/// The type of the text; what Prometheus asks for.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// `GET /metrics`.
pub(super) async fn metrics(State(desk): State<Desk>) -> Response {
    let mut sheet = Sheet::default();
    sheet.set("flyball_build", &[env!("CARGO_PKG_VERSION")], 1.0);
    cameras(&desk, &mut sheet);
    stages(&desk, &mut sheet);
    events(&desk, &mut sheet);
    process(&mut sheet);
    match sheet.text() {
        Ok(text) => ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(_) => Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "the metrics cannot be written").into_response(),
    }
}

fn cameras(desk: &Desk, sheet: &mut Sheet) {
    let snapshot = desk.board.snapshot(|_| 0);
    for (id, line) in &snapshot.cameras {
        let id = id.as_str();
        sheet.set("flyball_camera_state", &[id, state(line)], 1.0);
        sheet.set("flyball_camera_frames", &[id], line.frames as f64);
        sheet.set("flyball_camera_frames_per_second", &[id], f64::from(line.fps));
        sheet.set("flyball_camera_people", &[id], line.present.len() as f64);
        if let Some((codec, decoder, way)) = decoder(&line.detail) {
            sheet.set("flyball_camera_decoder", &[id, codec, decoder, way], 1.0);
        }
    }
    for (camera, reason, count) in desk.drops.table() {
        sheet.set("flyball_dropped_frames", &[camera.as_str(), &reason], count as f64);
    }
    sheet.set("flyball_visits", &[], snapshot.visits as f64);
}

/// The state's word, without the pause that may follow it.
pub(super) fn state(line: &CameraLine) -> &str {
    line.state.split(',').next().unwrap_or_default()
}

/// `H.264 by avdec_h264 over tcp`, taken apart.
fn decoder(detail: &str) -> Option<(&str, &str, &str)> {
    let (codec, rest) = detail.split_once(" by ")?;
    let (decoder, way) = rest.split_once(" over ").unwrap_or((rest, ""));
    Some((codec, decoder, way))
}

fn stages(desk: &Desk, sheet: &mut Sheet) {
    for stage in desk.stages.iter() {
        let (id, totals) = (stage.id.as_str(), stage.figures.totals());
        sheet.set("flyball_stage_batches", &[id], totals.calls as f64);
        sheet.set("flyball_stage_frames", &[id], totals.items as f64);
        sheet.set("flyball_stage_cpu_seconds", &[id], totals.cpu.as_secs_f64());
        sheet.set("flyball_stage_busy_seconds", &[id], totals.busy.as_secs_f64());
        sheet.set("flyball_stage_batch_limit", &[id], stage.dial.max_batch() as f64);
        sheet.set("flyball_stage_interval", &[id], f64::from(stage.dial.interval()));
        sheet.set("flyball_stage_enabled", &[id], f64::from(u8::from(stage.dial.enabled())));
    }
    let latency = desk.latency.percentiles();
    for (quantile, value) in [("0.5", latency.p50), ("0.95", latency.p95), ("0.99", latency.p99)] {
        sheet.set("flyball_latency_seconds", &[quantile], value.as_secs_f64());
    }
    if let Some(counts) = desk.traces.as_ref().map(FrameTraces::counts) {
        sheet.set("flyball_trace_spans", &["sent"], counts.sent as f64);
        sheet.set("flyball_trace_spans", &["lost"], counts.lost as f64);
    }
    sheet.set("flyball_frames_waiting", &[], desk.lanes.depth() as f64);
    sheet.set("flyball_frames_in_flight", &[], desk.permits.out() as f64);
}

fn events(desk: &Desk, sheet: &mut Sheet) {
    let heard = desk.feed.heard();
    for (kind, count) in &heard.events {
        sheet.set("flyball_events", &[kind], *count as f64);
    }
    for ((lever, subject), rung) in &heard.rungs {
        sheet.set("flyball_governor_rung", &[lever, subject, rung], 1.0);
    }
    sheet.set("flyball_governor_degraded", &[], f64::from(u8::from(heard.degraded)));
    for courier in desk.couriers.iter() {
        let (name, figures) = (courier.name(), courier.figures());
        sheet.set("flyball_courier_delivered", &[name], figures.delivered as f64);
        sheet.set("flyball_courier_lost", &[name], figures.lost as f64);
        sheet.set("flyball_courier_failures", &[name], figures.failures as f64);
        sheet.set("flyball_courier_waiting", &[name], figures.waiting as f64);
    }
    sheet.set("flyball_event_readers", &[], desk.feed.readers() as f64);
    sheet.set("flyball_viewers", &[], desk.cameras.views().count() as f64);
}

fn process(sheet: &mut Sheet) {
    if let Some(memory) = ProcessMeter.read() {
        for (whose, bytes) in [("ours", memory.ours), ("free", memory.free), ("total", memory.total)] {
            sheet.set("flyball_memory_bytes", &[whose], bytes as f64);
        }
    }
    sheet.set("flyball_frame_copies", &[], frame_copies() as f64);
    sheet.set("flyball_cpu_seconds", &[], process_cpu_time().as_secs_f64());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_decodes_is_read_from_the_cameras_own_words() {
        assert_eq!(decoder("H.264 by avdec_h264 over tcp"), Some(("H.264", "avdec_h264", "tcp")));
        assert_eq!(decoder("VP8 by vp8dec"), Some(("VP8", "vp8dec", "")));
        assert_eq!(decoder("waiting for a sender"), None);
    }
}
