//! What a run was worth, second by second and as a whole. Next: [`course`](super::course), which runs one.

use serde::Serialize;

use super::scenario::Scenario;

/// A disturbance may take this long to settle; latency is not held against the run meanwhile.
pub(super) const SETTLE_S: f64 = 10.0;

/// One second of a run.
#[derive(Clone, Debug, Default)]
pub(super) struct Second {
    /// Quality-weighted items served in time.
    pub(super) value: f64,
    pub(super) latencies: Vec<f32>,
    /// Frames that were to be served, those later dropped or late included; those left out by the rate are not.
    pub(super) asked: u32,
    /// Frames served within the objective.
    pub(super) in_time: u32,
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
    /// Share of the frames to be served that were served within the objective, outside the seconds given to settle.
    pub(super) in_time: f64,
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
        second.latencies.push(latency_ms as f32);
        second.value += if in_time { value } else { 0.0 };
        second.in_time += u32::from(in_time);
    }

    /// A frame came that is to be served.
    pub(super) fn asked(&mut self, now_ms: f64) {
        self.second(now_ms).asked += 1;
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
            second.p95_ms = late(&mut second.latencies);
        }
        let settling = |at: usize| is_settling(&disturbances, at);
        let settled = self.seconds.iter().enumerate().filter(|(at, _)| !settling(*at));
        let (mut latencies, mut asked, mut in_time) = (Vec::new(), 0_u32, 0_u32);
        for (_, second) in settled {
            latencies.extend_from_slice(&second.latencies);
            (asked, in_time) = (asked + second.asked, in_time + second.in_time);
        }
        let switches: Vec<u32> =
            self.seconds.iter().enumerate().map(|(at, s)| if settling(at) { 0 } else { s.switches }).collect();
        Result {
            p95_ms: late(&mut latencies),
            in_time: (f64::from(in_time) / f64::from(asked.max(1))).min(1.0),
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

/// Whether the second at `at` is one of those given to settle.
pub(super) fn is_settling(disturbances: &[f64], at: usize) -> bool {
    disturbances.iter().any(|&from| (from..from + SETTLE_S).contains(&(at as f64)))
}

/// The 95th percentile; 0 of nothing.
fn late(latencies: &mut [f32]) -> f64 {
    let at = ((latencies.len() as f64 * 0.95) as usize).min(latencies.len().saturating_sub(1));
    if latencies.is_empty() { 0.0 } else { f64::from(*latencies.select_nth_unstable_by(at, f32::total_cmp).1) }
}

fn busiest_minute(switches: &[u32]) -> u32 {
    (0..switches.len()).map(|from| switches[from..switches.len().min(from + 60)].iter().sum()).max().unwrap_or(0)
}
