//! What a run was worth, second by second and as a whole. Next: [`course`](super::course), which runs one.

use serde::Serialize;

use super::scenario::Scenario;
use super::stage::percentile;

/// A disturbance may take this long to settle; latency is not held against the run meanwhile.
pub(super) const SETTLE_S: f64 = 10.0;

/// One second of a run.
#[derive(Clone, Debug, Default)]
pub(super) struct Second {
    /// Quality-weighted items served in time.
    pub(super) value: f64,
    pub(super) latencies: Vec<f64>,
    pub(super) switches: u32,
    pub(super) busy_ms: f64,
    pub(super) cameras: usize,
    pub(super) asking: usize,
    pub(super) ours: f64,
    pub(super) tenant: f64,
    pub(super) ceiling: f64,
    pub(super) setting: String,
    pub(super) p95_ms: f64,
}

/// The score as it is being kept.
pub(super) struct Score {
    pub(super) seconds: Vec<Second>,
    pub(super) dropped: u64,
    objective_ms: f64,
}

/// What a run comes to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Result {
    /// 95th percentile of all frames outside the seconds given to settle.
    pub(super) p95_ms: f64,
    /// Most variant switches in any minute, those in the seconds given to settle left out.
    pub(super) switches_per_min: u32,
    /// Quality-weighted items a second.
    pub(super) throughput: f64,
    /// Longest time from a disturbance to the last second whose p95 was over the objective.
    pub(super) settled_s: f64,
}

impl Score {
    pub(super) fn new(scenario: &Scenario) -> Self {
        let seconds = scenario.seconds.ceil() as usize + 1;
        let objective_ms = scenario.policy.latency_p95_ms;
        Self { seconds: vec![Second::default(); seconds], dropped: 0, objective_ms }
    }

    pub(super) fn second(&mut self, now_ms: f64) -> &mut Second {
        let last = self.seconds.len() - 1;
        &mut self.seconds[((now_ms / 1000.0) as usize).min(last)]
    }

    /// A frame came through; it is worth something if it came in time.
    pub(super) fn served(&mut self, now_ms: f64, latency_ms: f64, value: f64) {
        let in_time = latency_ms <= self.objective_ms;
        let second = self.second(now_ms);
        second.latencies.push(latency_ms);
        second.value += if in_time { value } else { 0.0 };
    }

    pub(super) fn switched(&mut self, now_ms: f64) {
        self.second(now_ms).switches += 1;
    }

    pub(super) fn busy(&mut self, now_ms: f64, ms: f64) {
        self.second(now_ms).busy_ms += ms;
    }

    /// Adds up a run of `scenario`.
    pub(super) fn total(&mut self, scenario: &Scenario) -> Result {
        let disturbances = scenario.disturbances();
        for second in &mut self.seconds {
            second.p95_ms = percentile(&mut second.latencies.clone(), 0.95);
        }
        let settling = |at: usize| disturbances.iter().any(|&from| (from..from + SETTLE_S).contains(&(at as f64)));
        let settled = self.seconds.iter().enumerate().filter(|(at, _)| !settling(*at));
        let mut latencies: Vec<f64> = settled.flat_map(|(_, second)| second.latencies.iter().copied()).collect();
        let switches: Vec<u32> =
            self.seconds.iter().enumerate().map(|(at, s)| if settling(at) { 0 } else { s.switches }).collect();
        Result {
            p95_ms: percentile(&mut latencies, 0.95),
            switches_per_min: busiest_minute(&switches),
            throughput: self.seconds.iter().map(|second| second.value).sum::<f64>() / scenario.seconds,
            settled_s: self.settled(&disturbances),
        }
    }

    fn settled(&self, disturbances: &[f64]) -> f64 {
        let mut longest: f64 = 0.0;
        for (at, _) in self.seconds.iter().enumerate().filter(|(_, second)| second.p95_ms > self.objective_ms) {
            let from = disturbances.iter().copied().filter(|&from| from <= at as f64 + 1.0).fold(0.0, f64::max);
            longest = longest.max(at as f64 + 1.0 - from);
        }
        longest
    }
}

fn busiest_minute(switches: &[u32]) -> u32 {
    (0..switches.len()).map(|from| switches[from..switches.len().min(from + 60)].iter().sum()).max().unwrap_or(0)
}
