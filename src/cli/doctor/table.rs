//! The report as one table, and under it what to do.

use std::io::{self, Write};

use comfy_table::{ContentArrangement, Table, presets::UTF8_HORIZONTAL_ONLY};

use crate::doctor::{Area, Check, Health, Report, Weight};

/// Widest table; a terminal wraps longer notes badly.
const WIDTH: u16 = 140;

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    if table.width().is_none_or(|width| width > WIDTH) {
        table.set_width(WIDTH);
    }
    table.set_header(["", "piece", "state", "found", "wanted", "mend it with"]);
    for check in &report.checks {
        table.add_row(row(check));
    }
    writeln!(out, "{table}")?;
    for check in report.complaints() {
        writeln!(out, "{}", sentence(check))?;
    }
    writeln!(out, "{}", verdict(report))
}

fn row(check: &Check) -> [String; 6] {
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    let state = match (check.health, check.weight) {
        (Health::Healthy, _) => check.health.word().to_owned(),
        (health, Weight::NotNeeded) => format!("{}, not needed", health.word()),
        (health, _) => health.word().to_owned(),
    };
    let mend = if check.is_complaint() { text(&check.mend) } else { String::new() };
    [area(check.area).to_owned(), check.name.clone(), state, text(&check.found), text(&check.wanted), mend]
}

fn area(area: Area) -> &'static str {
    match area {
        Area::Program => "program",
        Area::Gstreamer => "GStreamer",
        Area::Onnxruntime => "inference",
        Area::Gpu => "GPU",
        Area::Zenoh => "events",
        Area::Models => "models",
        Area::Footage => "footage",
        Area::Machine => "machine",
        Area::Ports => "ports",
    }
}

fn sentence(check: &Check) -> String {
    format!("{} {check}", if check.is_fatal() { "cannot run:" } else { "advice:" })
}

fn verdict(report: &Report) -> String {
    match (report.fatal().count(), report.complaints().count()) {
        (0, 0) => "all is well".to_owned(),
        (0, advice) => format!("it runs; {advice} to look at"),
        (fatal, _) => format!("it cannot run: {fatal} to mend first"),
    }
}
