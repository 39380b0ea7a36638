//! `flyball metrics`: every metric that `/metrics` can show, with its labels and what it says.

use std::io::{self, Write};

use clap::Args;
use comfy_table::{ContentArrangement, Table, presets::UTF8_HORIZONTAL_ONLY};
use serde_json::json;

use crate::server::{METRICS, Metric, MetricKind};

/// Widest table; a terminal wraps longer lines badly.
const WIDTH: u16 = 140;

/// List every metric that `/metrics` shows while a deployment with `[server]` runs
#[derive(Args, Debug)]
#[command(after_help = "Example: flyball metrics --json | jq -r '.[].name'")]
pub(super) struct MetricsArgs {
    /// Print one JSON list instead of a table
    #[arg(long)]
    json: bool,
}

/// Prints the list.
pub(super) fn run(args: &MetricsArgs, out: &mut dyn Write) -> io::Result<u8> {
    if args.json {
        let list: Vec<_> = METRICS.iter().map(as_json).collect();
        writeln!(out, "{}", json!(list))?;
        return Ok(0);
    }
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(WIDTH).set_header(["metric", "kind", "labels", "what it says"]);
    for metric in METRICS {
        table.add_row([metric.shown_name(), kind(metric).to_owned(), metric.labels.join(", "), metric.help.to_owned()]);
    }
    writeln!(out, "{table}")?;
    Ok(0)
}

fn as_json(metric: &Metric) -> serde_json::Value {
    json!({ "name": metric.shown_name(), "kind": kind(metric), "labels": metric.labels, "help": metric.help })
}

fn kind(metric: &Metric) -> &'static str {
    match metric.kind {
        MetricKind::Counter => "counter",
        MetricKind::Gauge => "gauge",
    }
}
