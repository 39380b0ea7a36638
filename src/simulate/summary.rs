//! One scenario under all hands, and the summary of it. Next: [`table`](super::table), for reading.

use serde::Serialize;

use crate::governor::Governor;

use super::course::{self, Course};
use super::oracle;
use super::rivals::{self, Rivals};
use super::scenario::{Device, Scenario};
use super::score::is_settling;

/// What a scenario came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Which scenario.
    pub scenario: String,
    /// Its seed.
    pub seed: u64,
    /// Allocations that failed, and times somebody waited for memory longer than the device's grace.
    pub oom: u32,
    /// 95th percentile of latency outside the ten seconds after each jump of the load, milliseconds.
    pub p95_ms: f64,
    /// What it should be.
    pub objective_ms: f64,
    /// Share of the frames to be served that were served within the objective, outside the same seconds. Frames lost in the
    /// lanes count as late; those left out on purpose, by the camera rate, do not.
    pub in_time: f64,
    /// Most variant switches in one minute, outside the same seconds.
    pub switches_per_min: u32,
    /// Quality-weighted items served in time, a second.
    pub quality_throughput: f64,
    /// The same over that of the best setting that never changes and never runs out of memory.
    pub vs_best_static: f64,
    /// The same over that of the best of these that also serves 95 of 100 frames within the objective, as the governor must.
    pub vs_static_in_time: f64,
    /// The same over that of the setting that is best for the mean load; `None` if that runs out of memory.
    pub vs_mean_static: Option<f64>,
    /// The same for the moment of the most load.
    pub vs_peak_static: Option<f64>,
    /// The oracle over `vs_best_static`'s: no governor can gain more.
    pub most_vs_best_static: f64,
    /// The oracle over `vs_static_in_time`'s.
    pub most_vs_static_in_time: f64,
    /// The same over that of the oracle.
    pub vs_oracle: f64,
    /// The same without the seconds given to settle: what is lost there, a change of load costs whoever does not foresee it.
    pub vs_oracle_settled: f64,
    /// Cameras refused at least once.
    pub refused: usize,
    /// Longest time from a jump of the load to the last second whose p95 was over the objective.
    pub settled_s: f64,
}

/// A simulated scenario.
#[cfg_attr(not(feature = "cli"), allow(dead_code, reason = "what only commands ask for"))]
pub struct Outcome {
    /// In figures.
    pub summary: Summary,
    pub(super) course: Course,
    pub(super) rivals: Rivals,
    /// Value of every second.
    pub(super) oracle: Vec<f64>,
}

impl Outcome {
    /// What the oracle makes of a mean second.
    pub(super) fn oracle_mean(&self) -> f64 {
        mean(&self.oracle)
    }
}

/// What the governor promises, whatever the load.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Promises {
    /// As in [`Summary`].
    pub oom: u32,
    /// As in [`Summary`].
    pub p95_ms: f64,
    /// As in [`Summary`].
    pub in_time: f64,
}

/// Runs a scenario under the governor alone: quick enough for many seeds.
pub fn promises(scenario: &Scenario, device: &Device) -> Promises {
    let mut governor = Governor::new(scenario.policy.clone(), course::believed(scenario, device));
    let course = course::run(scenario, device, &mut governor, false);
    Promises { oom: course.run_out, p95_ms: round(course.result.p95_ms), in_time: round(course.result.in_time) }
}

/// Runs a scenario under the governor, under the settings that never change, and under the oracle.
pub fn simulate(scenario: &Scenario, device: &Device) -> Outcome {
    let mut governor = Governor::new(scenario.policy.clone(), course::believed(scenario, device));
    let course = course::run(scenario, device, &mut governor, true);
    let rivals = rivals::rivals(scenario, device);
    let values = oracle::values(scenario, device);
    let (oracle, result) = (mean(&values), &course.result);
    let summary = Summary {
        scenario: scenario.name.clone(),
        seed: scenario.seed,
        oom: course.run_out,
        p95_ms: round(result.p95_ms),
        objective_ms: scenario.policy.latency_p95_ms,
        switches_per_min: result.switches_per_min,
        quality_throughput: round(result.throughput),
        in_time: round(result.in_time),
        vs_best_static: round(result.throughput / rivals.best.0.max(1e-9)),
        vs_static_in_time: round(result.throughput / rivals.in_time.0.max(1e-9)),
        vs_mean_static: over(result.throughput, rivals.mean.0),
        vs_peak_static: over(result.throughput, rivals.peak.0),
        most_vs_best_static: round(oracle / rivals.best.0.max(1e-9)),
        most_vs_static_in_time: round(oracle / rivals.in_time.0.max(1e-9)),
        vs_oracle: round(result.throughput / oracle.max(1e-9)),
        vs_oracle_settled: round(settled_share(scenario, &course, &values)),
        refused: course.refused,
        settled_s: round(result.settled_s),
    };
    Outcome { summary, course, rivals, oracle: values }
}

fn settled_share(scenario: &Scenario, course: &Course, oracle: &[f64]) -> f64 {
    let disturbances = scenario.disturbances();
    let settled =
        course.score.seconds.iter().zip(oracle).enumerate().filter(|(at, _)| !is_settling(&disturbances, *at));
    let (ours, most) =
        settled.fold((0.0, 0.0), |(ours, most), (_, (second, oracle))| (ours + second.value, most + oracle));
    ours / f64::max(most, 1e-9)
}

/// `None` over nothing.
fn over(ours: f64, theirs: f64) -> Option<f64> {
    (theirs > 0.0).then(|| round(ours / theirs))
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

fn round(figure: f64) -> f64 {
    (figure * 1000.0).round() / 1000.0
}
