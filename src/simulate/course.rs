//! Runs a scenario under somebody's hand: the governor's, or a setting that never changes. Next:
//! [`fixed`](super::fixed).

use crate::governor::{Elapsed, Governor, Plan, Profile, Reading};

use super::plant::Plant;
use super::scenario::{Device, MIB, Scenario};
use super::score::{Result, Score};

/// Between two readings.
const STEP_MS: f64 = 100.0;

/// Whoever answers readings with plans.
pub(super) trait Hand {
    /// What to do now.
    fn step(&mut self, now: Elapsed, reading: &Reading) -> Plan;

    /// Whether it looks at more than who asks and what happened.
    fn measures(&self) -> bool {
        true
    }
}

impl Hand for Governor {
    fn step(&mut self, now: Elapsed, reading: &Reading) -> Plan {
        Governor::step(self, now, reading)
    }
}

/// A finished run.
#[cfg_attr(not(feature = "cli"), allow(dead_code, reason = "what only commands ask for"))]
pub(super) struct Course {
    pub(super) result: Result,
    pub(super) score: Score,
    /// Allocations that failed.
    pub(super) run_out: u32,
    /// Cameras that were refused at least once.
    pub(super) refused: usize,
    /// Every reading with its plan.
    pub(super) log: Vec<(Elapsed, Reading, Plan)>,
}

/// Runs `scenario` to its end.
pub(super) fn run(scenario: &Scenario, device: &Device, hand: &mut dyn Hand, keep_log: bool) -> Course {
    let mut plant = Plant::new(scenario, device);
    let mut log = Vec::new();
    let steps = (scenario.seconds * 1000.0 / STEP_MS) as u64;
    for step in 0..steps {
        plant.run_until(now_ms(step));
        plant.populate(STEP_MS);
        plant.store.pass(device, scenario, plant.now_ms / 1000.0, STEP_MS);
        let now = Elapsed::from_ms(plant.now_ms);
        let reading = if hand.measures() { plant.reading() } else { plant.glance() };
        let plan = hand.step(now, &reading);
        plant.apply(&plan);
        note(&mut plant, &reading);
        if keep_log {
            plant.score.second(now_ms(step)).setting = setting(&plan);
            log.push((now, reading, plan));
        }
    }
    let mut score = plant.score;
    let result = score.total(scenario);
    Course { result, score, run_out: plant.store.run_out, refused: plant.refused.len(), log }
}

fn now_ms(step: u64) -> f64 {
    step as f64 * STEP_MS
}

/// Fills in the second's figures that are read off rather than counted.
fn note(plant: &mut Plant<'_>, reading: &Reading) {
    let (cameras, asking) = (plant.served_cameras(), plant.asking.len());
    let tenant = plant.store.tenant() / MIB;
    let (now, total) = (plant.now_ms, plant.device.memory());
    let second = plant.score.second(now);
    (second.cameras, second.asking) = (cameras, asking);
    second.ours = reading.memory.ours as f64 / MIB;
    second.tenant = tenant;
    second.ceiling = reading.memory.budget.map_or(total, |budget| total.min(budget as f64)) / MIB;
}

/// A plan in a few words: `fp32-640×4 int8×1 | 1/2 | 1.00 | looks 1/1.0`.
fn setting(plan: &Plan) -> String {
    let rung = |rung: &crate::governor::Rung| match &rung.variant {
        Some(variant) => format!("{variant}×{}", rung.batch),
        None => "–".to_owned(),
    };
    let rungs: Vec<String> = plan.rungs.iter().map(rung).collect();
    let Plan { detect_interval, camera_rate, again, .. } = plan;
    format!("{} | 1/{detect_interval} | {camera_rate:.2} | looks 1/{again:.1}", rungs.join(" "))
}

/// The profile the governor starts from: the truth, off by up to the scenario's error, figure by figure.
pub(super) fn believed(scenario: &Scenario, device: &Device) -> Profile {
    let mut random = fastrand::Rng::with_seed(scenario.seed ^ 0x5eed);
    let mut models = device.models.clone();
    let mut off = || 1.0 + scenario.profile_error * (2.0 * random.f64() - 1.0);
    for variant in models.iter_mut().flat_map(|model| &mut model.variants) {
        variant.base_ms *= off();
        variant.item_ms *= off();
        variant.weights = (variant.weights as f64 * off()) as u64;
        variant.workspace = (variant.workspace as f64 * off()) as u64;
    }
    Profile { device: device.name.clone(), models, frame_ms: 0.0 }
}
