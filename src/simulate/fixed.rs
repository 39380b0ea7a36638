//! Settings that never change, to compare with: every combination of interval, rate, optional stages, variants and batch
//! that fits the memory at its scarcest, rated by a simple sum over the load. Next: [`statue`](super::statue), one really run.

use super::load::{Moment, Thinning, thinned, worth};
use super::scenario::{Device, MIB, Scenario};
use super::store::size;

/// Share of the lanes' time up to which a setting should lose no frames.
const KEEPS_UP: f64 = 0.95;

/// How many times later known faces may be asked about.
const AGAIN: [f64; 4] = [1.0, 2.0, 4.0, 8.0];

/// A setting.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fixed {
    pub(super) thinning: Thinning,
    /// Variant and batch a model; `None`: off.
    pub(super) picks: Vec<Option<(usize, u32)>>,
    /// Cameras it lets in: as many as memory at its scarcest holds.
    pub(super) cameras: f64,
}

impl Fixed {
    /// Lanes it needs and value a second it brings at `moment`, with everything served.
    fn at(&self, scenario: &Scenario, device: &Device, moment: &Moment) -> (f64, f64) {
        let (mut lanes, mut value) = (0.0, 0.0);
        for (at, pick) in self.picks.iter().enumerate() {
            let Some((variant, batch)) = *pick else { continue };
            let cost = device.models[at].variants[variant].item_cost_ms(f64::from(batch)) / 1000.0;
            let asked = moment.asked[at] * (self.cameras / moment.cameras.max(1.0)).min(1.0);
            let left = thinned(scenario, device, at, self.thinning);
            lanes += asked * left.work * cost;
            value += asked * left.worth * worth(device, at, variant);
        }
        (lanes, value)
    }

    fn memory(&self, device: &Device, cameras: f64) -> f64 {
        let picks = self.picks.iter().enumerate().filter_map(|(at, pick)| pick.map(|(v, b)| size(device, at, v, b)));
        (device.base_mib + device.camera_mib * cameras) * MIB + picks.sum::<f64>()
    }

    /// Value a second over the whole load; what there is no time for is lost in proportion.
    pub(super) fn rate_over(&self, scenario: &Scenario, device: &Device, moments: &[Moment]) -> f64 {
        let value = moments.iter().map(|moment| {
            let (lanes, value) = self.at(scenario, device, moment);
            value * (moment.lanes / lanes.max(1e-9)).min(1.0)
        });
        value.sum::<f64>() / moments.len().max(1) as f64
    }

    /// The same with as many cameras as memory holds at its scarcest; `None` if it holds none.
    pub(super) fn with_room(mut self, device: &Device, moments: &[Moment]) -> Option<Self> {
        let scarcest = moments.iter().map(|moment| moment.memory).fold(f64::INFINITY, f64::min);
        let room = scarcest - self.memory(device, 0.0);
        self.cameras = (room / (device.camera_mib * MIB)).floor();
        (self.cameras >= 1.0).then_some(self)
    }

    /// The same with only as many cameras as it keeps up with at any moment; `None` if that is none.
    pub(super) fn with_time(mut self, scenario: &Scenario, device: &Device, moments: &[Moment]) -> Option<Self> {
        let most = |moment: &Moment| {
            let all = Self { cameras: moment.cameras, ..self.clone() };
            KEEPS_UP * moment.lanes / all.at(scenario, device, moment).0.max(1e-9) * moment.cameras
        };
        let fewest = moments.iter().map(most).fold(f64::INFINITY, f64::min);
        self.cameras = self.cameras.min(fewest.floor());
        (self.cameras >= 1.0).then_some(self)
    }
}

impl Fixed {
    pub(super) fn describe(&self, device: &Device) -> String {
        let word = |(at, pick): (usize, &Option<(usize, u32)>)| match pick {
            Some((variant, batch)) => format!("{}×{batch}", device.models[at].variants[*variant].name),
            None => "–".to_owned(),
        };
        let rungs: Vec<String> = self.picks.iter().enumerate().map(word).collect();
        let (cameras, Thinning { interval, rate, again }) = (self.cameras, self.thinning);
        format!("{} | 1/{interval} | {rate:.2} | looks 1/{again} | at most {cameras} cameras", rungs.join(" "))
    }
}

/// Every setting the policy allows, with small and with large batches.
pub(super) fn every(scenario: &Scenario, device: &Device) -> Vec<Fixed> {
    let policy = &scenario.policy;
    let mut all = Vec::new();
    for off in 0..=policy.optional.len() {
        for large in [false, true] {
            for picks in combinations(scenario, device, off, large) {
                let fixed = |thinning| Fixed { thinning, picks: picks.clone(), cameras: 0.0 };
                all.extend(thinnings(scenario).map(fixed));
            }
        }
    }
    all
}

fn thinnings(scenario: &Scenario) -> impl Iterator<Item = Thinning> {
    let policy = &scenario.policy;
    let pairs = policy.intervals.iter().flat_map(|&interval| policy.rates.iter().map(move |&rate| (interval, rate)));
    pairs.flat_map(|(interval, rate)| AGAIN.map(|again| Thinning { interval, rate, again }))
}

fn combinations(scenario: &Scenario, device: &Device, off: usize, large: bool) -> Vec<Vec<Option<(usize, u32)>>> {
    let policy = &scenario.policy;
    let mut all = vec![Vec::new()];
    for model in &device.models {
        let is_off = policy.optional.iter().take(off).any(|name| name == &model.name);
        let allowed = (0..model.variants.len()).filter(|&v| policy.allows(&model.name, &model.variants[v].name));
        let choices: Vec<Option<(usize, u32)>> = if is_off {
            vec![None]
        } else {
            allowed.map(|variant| Some((variant, batch_in_time(scenario, device, model, variant, large)))).collect()
        };
        let longer =
            |head: &Vec<_>| choices.iter().map(|choice| [head.clone(), vec![*choice]].concat()).collect::<Vec<_>>();
        all = all.iter().flat_map(longer).collect();
    }
    all
}

/// The smallest batch, or the largest of which two runs fit the model's share of the objective.
fn batch_in_time(
    scenario: &Scenario,
    _device: &Device,
    model: &crate::governor::ModelProfile,
    variant: usize,
    large: bool,
) -> u32 {
    let share = model.share * scenario.policy.latency_p95_ms;
    let in_time = |batch: &&u32| 2.0 * model.variants[variant].batch_ms(f64::from(**batch)) <= share;
    let largest = model.batches.iter().rev().find(in_time).copied();
    if large { largest.unwrap_or(model.batches[0]) } else { model.batches[0] }
}
