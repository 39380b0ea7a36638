//! All scenarios of a folder, a row each: what a change of the governor or of a policy does to every kind of day. Here
//! the simulator ends.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use comfy_table::{Table, presets};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::SimulateError;
use super::one::{self, Day, One};
use super::scenario::{Device, Scenario};
use super::summary::{Outcome, Summary, simulate};

/// A scenario, and the governor beside the one setting that its device would have on every day.
#[derive(Serialize)]
struct Row {
    #[serde(flatten)]
    summary: Summary,
    /// The governor's value over that of the one best setting for all days of the device.
    vs_one_static: f64,
}

struct Run {
    scenario: Scenario,
    device: Device,
    outcome: Outcome,
}

/// The table, the one setting of each device, and the JSON line.
pub(super) fn text(folder: &Path, seed: Option<u64>) -> Result<String, SimulateError> {
    let runs = run_all(folder, seed)?;
    let ones = ones(&runs);
    let rows = rows(&runs, &ones);
    let line = |(device, one): (&String, &One)| format!("one setting for all days of {device}: {}\n", one.setting);
    let settings: String = ones.iter().map(line).collect();
    let summary = serde_json::json!({ "scenarios": rows });
    Ok(format!("{}\n\n{settings}{summary}\n", table(&rows)))
}

fn run_all(folder: &Path, seed: Option<u64>) -> Result<Vec<Run>, SimulateError> {
    let files = scenarios(folder)?;
    let bar = ProgressBar::new(files.len() as u64).with_style(style());
    let run = |path: &PathBuf| {
        bar.set_message(path.file_stem().unwrap_or_default().to_string_lossy().into_owned());
        let (mut scenario, device) = Scenario::read(path)?;
        scenario.seed = seed.unwrap_or(scenario.seed);
        let outcome = simulate(&scenario, &device);
        bar.inc(1);
        Ok(Run { scenario, device, outcome })
    };
    let runs = files.iter().map(run).collect();
    bar.finish_and_clear();
    runs
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}").unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// The TOML files of a folder, by name.
fn scenarios(folder: &Path) -> Result<Vec<PathBuf>, SimulateError> {
    let unreadable = |error| SimulateError::Read { path: folder.to_owned(), error };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_file() && path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    files.sort();
    let none = || SimulateError::Scenario {
        path: folder.to_owned(),
        problem: "no scenario in this folder; it needs files like tests/plant/ramp.toml".to_owned(),
    };
    if files.is_empty() { Err(none()) } else { Ok(files) }
}

/// Each device's one setting.
fn ones(runs: &[Run]) -> BTreeMap<String, One> {
    let mut days: BTreeMap<String, Vec<Day<'_>>> = BTreeMap::new();
    for Run { scenario, device, outcome } in runs {
        let day = Day { scenario, device, oracle: outcome.oracle_mean() };
        days.entry(device.name.clone()).or_default().push(day);
    }
    days.into_iter().filter_map(|(device, days)| Some((device, one::best(&days)?))).collect()
}

fn rows(runs: &[Run], ones: &BTreeMap<String, One>) -> Vec<Row> {
    let mut values: BTreeMap<&str, std::slice::Iter<'_, f64>> =
        ones.iter().map(|(device, one)| (device.as_str(), one.values.iter())).collect();
    let row = |run: &Run| {
        let summary = run.outcome.summary.clone();
        let one = values.get_mut(run.device.name.as_str()).and_then(Iterator::next).copied().unwrap_or(0.0);
        let gain = summary.quality_throughput / one.max(1e-9);
        Row { vs_one_static: (gain * 1000.0).round() / 1000.0, summary }
    };
    runs.iter().map(row).collect()
}

fn table(rows: &[Row]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header([
        "scenario",
        "oom",
        "p95 ms",
        "settled s",
        "switches/min",
        "value/s",
        "÷ own fixed",
        "÷ one fixed",
        "÷ oracle",
        "÷ oracle settled",
    ]);
    for Row { summary, vs_one_static } in rows {
        table.add_row([
            summary.scenario.clone(),
            summary.oom.to_string(),
            format!("{:.0}", summary.p95_ms),
            format!("{:.0}", summary.settled_s),
            summary.switches_per_min.to_string(),
            format!("{:.0}", summary.quality_throughput),
            format!("{:.2}", summary.vs_best_static),
            format!("{vs_one_static:.2}"),
            format!("{:.2}", summary.vs_oracle),
            format!("{:.2}", summary.vs_oracle_settled),
        ]);
    }
    table
}
