//! `flyball doctor --profile`: what loading each heavy piece takes.

use std::{
    io::{self, Write},
    time::Instant,
};

use bytesize::ByteSize;
use comfy_table::{Table, presets::UTF8_HORIZONTAL_ONLY};

use crate::doctor::{
    Needs, Places,
    cost::{Cost, measure},
};

pub(super) fn run(needs: &Needs, places: &Places, json: bool, out: &mut dyn Write) -> io::Result<()> {
    let costs = measure(needs, places, &now);
    if json {
        return writeln!(out, "{}", serde_json::json!({ "costs": costs }));
    }
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY);
    table.set_header(["piece", "time", "memory", ""]);
    for cost in &costs {
        let problem = cost.problem.clone().unwrap_or_default();
        table.add_row([cost.piece.clone(), format!("{:.1} ms", cost.milliseconds), memory(cost), problem]);
    }
    writeln!(out, "{table}")?;
    let total: f64 = costs.iter().map(|cost| cost.milliseconds).sum();
    let grown = ByteSize(costs.iter().map(|cost| cost.bytes.max(0).unsigned_abs()).sum());
    writeln!(out, "{total:.0} ms and {grown} in all, one after the other")
}

fn memory(cost: &Cost) -> String {
    let sign = if cost.bytes < 0 { "-" } else { "" };
    format!("{sign}{}", ByteSize(cost.bytes.unsigned_abs()))
}

#[allow(clippy::disallowed_methods, reason = "the front reads the clock")]
fn now() -> Instant {
    Instant::now()
}
