//! The figures of one bench: a table for people, and one JSON object for scripts.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    time::Duration,
};

use comfy_table::{CellAlignment, Table, presets::UTF8_HORIZONTAL_ONLY};
use serde_json::{Value, json};

use super::{policy::Policy, visits::Told};
use crate::flow::{Percentiles, StageTotals};
use crate::inference::{RunCount, RunKey};

/// What the pipeline pass showed.
pub(super) struct Figures {
    pub(super) frames: u64,
    pub(super) wall: Duration,
    pub(super) cpu: Duration,
    /// Highest resident memory of the process, bytes.
    pub(super) peak: u64,
    /// Faces seen, over all frames.
    pub(super) faces: u64,
    /// What subscribers heard.
    pub(super) told: Told,
    pub(super) latency: Percentiles,
    pub(super) drops: u64,
    /// Whole frames copied between decoder and tensor.
    pub(super) copies: u64,
    /// Stages in graph order.
    pub(super) stages: Vec<(String, StageTotals)>,
}

/// All three passes.
pub(super) struct Report {
    pub(super) policy: Policy,
    pub(super) decode: Duration,
    pub(super) networks: Duration,
    pub(super) figures: Figures,
    pub(super) runs: BTreeMap<RunKey, RunCount>,
    /// Of every round, in ascending order; empty when there was one.
    pub(super) overheads: Vec<f64>,
}

/// The round with the median overhead (of an even number the lower one); it names the others'.
pub(super) fn median(mut rounds: Vec<Report>) -> Option<Report> {
    rounds.sort_by(|a, b| a.overhead().total_cmp(&b.overhead()));
    let all: Vec<f64> = rounds.iter().map(Report::overhead).collect();
    let middle = rounds.len().saturating_sub(1) / 2;
    let mut report = rounds.into_iter().nth(middle)?;
    report.overheads = if all.len() > 1 { all } else { Vec::new() };
    Some(report)
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Three decimals are more than any of these figures deserves.
fn short(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

impl Report {
    /// CPU time of the pipeline over decoding and networks alone.
    fn overhead(&self) -> f64 {
        let floor = (self.decode + self.networks).as_secs_f64();
        if floor > 0.0 { self.figures.cpu.as_secs_f64() / floor } else { f64::NAN }
    }

    fn per_frame(&self, time: Duration) -> f64 {
        ms(time) / self.figures.frames.max(1) as f64
    }

    fn summary(&self) -> Table {
        let f = &self.figures;
        let mut table = Table::new();
        table.load_style(UTF8_HORIZONTAL_ONLY);
        table.add_row(["policy", self.policy.name()]);
        table.add_row(["frames", &format!("{} ({} dropped, {} copied)", f.frames, f.drops, f.copies)]);
        table.add_row(["faces, visits", &format!("{}, {}", f.faces, f.told.visits())]);
        let pace = f.frames as f64 / f.wall.as_secs_f64();
        table.add_row(["wall", &format!("{:.2} s ({pace:.0} frames/s)", f.wall.as_secs_f64())]);
        table.add_row(["CPU a frame", &format!("{:.2} ms", self.per_frame(f.cpu))]);
        let floor = self.per_frame(self.decode + self.networks);
        let parts =
            format!("decode {:.2} + networks {:.2}", self.per_frame(self.decode), self.per_frame(self.networks));
        table.add_row(["floor a frame", &format!("{floor:.2} ms ({parts})")]);
        table.add_row(["overhead", &format!("{:.3} x floor{}", self.overhead(), self.rounds())]);
        table.add_row(["peak memory", &format!("{} MB", f.peak / 1_000_000)]);
        let l = &f.latency;
        table.add_row([
            "capture to event",
            &format!("p50 {:.1} · p95 {:.1} · p99 {:.1} ms", ms(l.p50), ms(l.p95), ms(l.p99)),
        ]);
        table
    }

    fn rounds(&self) -> String {
        let each: Vec<String> = self.overheads.iter().map(|overhead| format!("{overhead:.2}")).collect();
        if each.is_empty() { String::new() } else { format!(", the median of {}", each.join(", ")) }
    }

    fn stage_table(&self) -> Table {
        let mut table = Table::new();
        table.load_style(UTF8_HORIZONTAL_ONLY).set_header(["stage", "calls", "frames", "CPU ms", "ms a frame"]);
        for (name, totals) in &self.figures.stages {
            let each = ms(totals.cpu) / totals.items.max(1) as f64;
            let cells = [
                totals.calls.to_string(),
                totals.items.to_string(),
                format!("{:.0}", ms(totals.cpu)),
                format!("{each:.3}"),
            ];
            table.add_row(std::iter::once(name.clone()).chain(cells));
        }
        right_aligned(table)
    }

    fn network_table(&self) -> Table {
        let mut table = Table::new();
        table.load_style(UTF8_HORIZONTAL_ONLY).set_header(["network", "batch", "runs", "CPU ms", "ms a run"]);
        for (key, count) in &self.runs {
            let name = format!("{} {}", key.model, key.variant);
            let each = ms(count.cpu) / count.runs.max(1) as f64;
            let cells = [name, key.shape[0].to_string(), count.runs.to_string(), format!("{:.0}", ms(count.cpu))];
            table.add_row(cells.into_iter().chain([format!("{each:.3}")]));
        }
        right_aligned(table)
    }

    fn json(&self) -> Value {
        let f = &self.figures;
        let stage = |(name, t): &(String, StageTotals)| {
            (name.clone(), json!({ "calls": t.calls, "items": t.items, "cpu_ms": short(ms(t.cpu)) }))
        };
        let l = &f.latency;
        json!({
            "frames": f.frames,
            "wall_s": short(f.wall.as_secs_f64()),
            "cpu_s": short(f.cpu.as_secs_f64()),
            "cpu_ms_per_frame": short(self.per_frame(f.cpu)),
            "peak_rss_mb": short(f.peak as f64 / 1e6),
            "faces": f.faces,
            "visits": f.told.visits(),
            "policy": self.policy.name(),
            "latency_ms": { "p50": short(ms(l.p50)), "p95": short(ms(l.p95)), "p99": short(ms(l.p99)) },
            "drops": f.drops,
            "frame_copies": f.copies,
            "stages": f.stages.iter().map(stage).collect::<serde_json::Map<_, _>>(),
            "decode_cpu_ms_per_frame": short(self.per_frame(self.decode)),
            "networks_cpu_ms_per_frame": short(self.per_frame(self.networks)),
            "overhead": short(self.overhead()),
            "overheads": self.overheads.iter().map(|overhead| short(*overhead)).collect::<Vec<_>>(),
        })
    }
}

/// Prints the tables, unless only JSON is wanted, and one JSON object as the last line. Of two runs that object is the
/// second's, with the first's beside it and what differs.
pub(super) fn print(reports: &[Report], json_only: bool, out: &mut dyn Write) -> io::Result<()> {
    for report in reports.iter().filter(|_| !json_only) {
        writeln!(out, "{}\n{}\n{}", report.summary(), report.stage_table(), report.network_table())?;
    }
    let [full, adaptive] = reports else {
        return reports.iter().try_for_each(|report| writeln!(out, "{}", report.json()));
    };
    let (mut all, differences) = (adaptive.json(), full.figures.told.differences(&adaptive.figures.told));
    let ratio = adaptive.per_frame(adaptive.figures.cpu) / full.per_frame(full.figures.cpu).max(f64::MIN_POSITIVE);
    if !json_only {
        let latest = differences.latest_ms;
        writeln!(out, "adaptive over full, CPU a frame: {ratio:.2}")?;
        writeln!(
            out,
            "visits missing {}, extra {}, with another name {}; opened at most {latest:.0} ms later",
            differences.missing, differences.extra, differences.other_names
        )?;
    }
    all["policy"] = json!("both");
    all["full"] = full.json();
    all["cpu_ratio"] = json!(short(ratio));
    all["differences"] = differences.json();
    writeln!(out, "{all}")
}

fn right_aligned(mut table: Table) -> Table {
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
