//! The governor in a closed loop with the simulated machine, on every scenario under `tests/plant`.
//!
//! Zero failed allocations and latency within the objective are asked of every scenario, on seeds nothing was tuned on too.
//! How much a run is worth beside the best fixed settings and the oracle differs by scenario: each row holds what is
//! reached on the scenario's own seed, rounded down, so that a change that costs something is seen. `flyball simulate` prints the
//! figures themselves, and the most that any governor could gain (`most_vs_…`): the fixed settings know the whole scenario.
//!
//! Twenty minutes of machine time are played many times over: with the other checks, where some optimisation is on.

use std::path::PathBuf;

use flyball::simulate::{Scenario, SimulateArgs, Summary, promises, run, simulate};

/// A disturbance is over after this.
const SETTLED_S: f64 = 10.0;
/// Variant switches in any minute once settled.
const MOST_SWITCHES: u32 = 4;

/// What a scenario is held to.
struct Row {
    name: &'static str,
    /// Least worth beside the best fixed setting that serves its frames in time.
    fixed: f64,
    /// Least worth beside the oracle.
    oracle: f64,
}

const fn row(name: &'static str, fixed: f64, oracle: f64) -> Row {
    Row { name, fixed, oracle }
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/plant").join(format!("{name}.toml"))
}

fn hold(row: &Row) -> Summary {
    let (scenario, device) = Scenario::read(&path(row.name)).expect("a scenario of ours");
    let summary = simulate(&scenario, &device).summary;
    assert_eq!(summary.oom, 0, "{summary:?}");
    assert!(summary.p95_ms <= summary.objective_ms, "{summary:?}");
    assert!(summary.settled_s <= SETTLED_S, "{summary:?}");
    assert!(summary.switches_per_min <= MOST_SWITCHES, "{summary:?}");
    assert!(summary.vs_static_in_time >= row.fixed, "{summary:?}");
    assert!(summary.vs_oracle >= row.oracle, "{summary:?}");
    summary
}

#[test]
fn budget_squeeze() {
    hold(&row("budget_squeeze", 1.01, 0.99));
}

#[test]
fn camera_churn() {
    hold(&row("camera_churn", 0.99, 0.99));
}

#[test]
fn crowd_burst() {
    hold(&row("crowd_burst", 1.04, 0.96));
}

#[test]
fn day_night() {
    hold(&row("day_night", 0.99, 0.97));
}

#[test]
fn flapping() {
    hold(&row("flapping", 0.98, 0.97));
}

#[test]
fn foreign_tenant() {
    hold(&row("foreign_tenant", 1.09, 0.98));
}

#[test]
fn fragmentation() {
    hold(&row("fragmentation", 1.04, 0.98));
}

#[test]
fn noisy_neighbour() {
    hold(&row("noisy_neighbour", 1.04, 0.97));
}

#[test]
fn opening_hours() {
    hold(&row("opening_hours", 1.10, 0.96));
}

#[test]
fn slow_leak() {
    hold(&row("slow_leak", 1.09, 0.97));
}

#[test]
fn too_many_cameras() {
    hold(&row("too_many_cameras", 0.97, 0.95));
}

#[test]
fn ramp() {
    hold(&row("ramp", 1.01, 0.97));
}

/// Cameras come all the time, while the costs are still being learned.
#[test]
fn wrong_profile() {
    hold(&row("wrong_profile", 1.00, 0.97));
}

#[test]
fn loader_failure() {
    hold(&row("loader_failure", 1.03, 0.96));
}

/// Loads of five to ten seconds, one switch at a time: stepping down takes some twenty seconds, and the camera rate bridges the
/// time. A fixed setting never loads anything; here it is the better choice.
#[test]
fn slow_loads() {
    hold(&row("slow_loads", 1.00, 0.95));
}

/// A peak beyond what the machine can serve at any quality: a setting made for it looks at faces less often all day.
#[test]
fn rush_hour() {
    hold(&row("rush_hour", 1.10, 0.96));
}

/// The same, twice.
#[test]
fn match_day() {
    hold(&row("match_day", 1.11, 0.96));
}

/// A device that is slow for a while, likewise.
#[test]
fn slow_neighbour() {
    hold(&row("slow_neighbour", 1.17, 0.95));
}

#[test]
fn the_promises_hold_on_other_seeds() {
    let folder = std::fs::read_dir(path("x").parent().expect("a folder")).expect("the scenarios");
    for entry in folder.map(|entry| entry.expect("an entry").path()).filter(|path| path.extension().is_some()) {
        let (mut scenario, device) = Scenario::read(&entry).expect("a scenario of ours");
        scenario.seed += 1_000;
        let kept = promises(&scenario, &device);
        assert_eq!(kept.oom, 0, "{} with seed {}: {kept:?}", scenario.name, scenario.seed);
        assert!(kept.p95_ms <= scenario.policy.latency_p95_ms, "{}, seed {}: {kept:?}", scenario.name, scenario.seed);
    }
}

/// The whole folder in one go: a row each, and the one setting that a device would have on all of its days.
#[test]
fn a_folder_is_played_whole() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("devices")).unwrap();
    for file in ["budget_squeeze.toml", "flapping.toml", "devices/cpu2.toml"] {
        std::fs::copy(path("x").with_file_name(file), folder.path().join(file)).unwrap();
    }
    let played = |path: PathBuf| {
        let mut printed = Vec::new();
        let outcome = run(&SimulateArgs { scenario: Some(path), ..Default::default() }, &mut printed);
        outcome.map(|()| String::from_utf8(printed).unwrap())
    };
    let printed = played(folder.path().to_owned()).unwrap();
    let last: serde_json::Value = serde_json::from_str(printed.lines().last().unwrap()).unwrap();
    let names: Vec<&str> =
        last["scenarios"].as_array().unwrap().iter().filter_map(|row| row["scenario"].as_str()).collect();
    assert_eq!(names, ["budget_squeeze", "flapping"]);
    for row in last["scenarios"].as_array().unwrap() {
        let (own, one) = (row["vs_best_static"].as_f64().unwrap(), row["vs_one_static"].as_f64().unwrap());
        assert!(one > 0.9 * own, "a setting for both days is hardly better than each day's own: {row}");
    }
    let args = SimulateArgs { scenario: Some(folder.path().to_owned()), decisions: true, ..Default::default() };
    let refused = run(&args, &mut Vec::new()).unwrap_err().to_string();
    assert!(refused.contains("--decisions is about one run"), "{refused}");
    let empty = played(folder.path().join("devices")).unwrap_err().to_string();
    assert!(empty.contains("cpu2.toml"), "a device is not a scenario, and is named: {empty}");
}

#[test]
fn a_recorded_run_is_decided_again_the_same_way() {
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("run.jsonl");
    let chart = folder.path().join("run.svg");
    let scenario = Some(path("budget_squeeze"));
    let args =
        SimulateArgs { scenario, record: Some(record.clone()), chart: Some(chart.clone()), ..Default::default() };
    run(&args, &mut Vec::new()).unwrap();
    assert!(std::fs::read_to_string(chart).unwrap().matches("<polyline").count() >= 7);
    let mut printed = Vec::new();
    run(&SimulateArgs { replay: Some(record), ..Default::default() }, &mut printed).unwrap();
    let last = String::from_utf8(printed).unwrap().lines().last().unwrap().to_owned();
    let verdict: serde_json::Value = serde_json::from_str(&last).unwrap();
    assert_eq!(verdict["different"], 0, "{last}");
    assert_eq!(verdict["steps"], 1800, "{last}");
}
