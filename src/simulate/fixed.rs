//! Settings that never change, to compare with.
//!
//! Every combination of interval, rate, optional stages, variants and batch that fits the memory at its scarcest is rated
//! by a simple sum over the load; the most promising are then really run, because the sum knows nothing of queues. So the
//! governor is compared with settings chosen by somebody who knew the whole day beforehand: the best that never runs out
//! of memory, however many frames it loses at the peak, and the best that also keeps what the governor must keep, 95 of
//! 100 frames within the objective once settled. Next: [`oracle`](super::oracle).

use crate::governor::levels::of_those_taken;
use crate::governor::{Admission, Elapsed, Event, Move, Plan, Reading, Rung, Verdict};

use super::course::{self, Hand};
use super::load::{Moment, mean, moments, thinned, worth};
use super::scenario::{Device, MIB, Scenario};
use super::store::size;

/// Candidates that are really run of those that may lose frames, and of those that should not.
const REALLY_RUN: usize = 2;
/// Share of the lanes' time up to which a setting should lose no frames.
const KEEPS_UP: f64 = 0.95;
/// Share of its frames a setting must serve in time to keep the objective.
pub(super) const IN_TIME: f64 = 0.95;
/// Seconds between two looks at the load.
const LOOK_S: f64 = 2.0;

/// A setting.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fixed {
    pub(super) interval: u32,
    pub(super) rate: f64,
    /// Variant and batch a model; `None`: off.
    pub(super) picks: Vec<Option<(usize, u32)>>,
    /// Cameras it lets in: as many as memory at its scarcest holds.
    pub(super) cameras: f64,
}

/// The best fixed settings, as really run: value a second, and which setting.
#[derive(Default)]
pub(super) struct Rivals {
    /// The best for the mean load.
    pub(super) mean: f64,
    /// The best that never runs out of memory.
    pub(super) best: (f64, String),
    /// The best that also serves its frames in time.
    pub(super) in_time: (f64, String),
    run: Vec<(Fixed, f64)>,
}

impl Fixed {
    /// Lanes it needs and value a second it brings at `moment`, with everything served.
    fn at(&self, scenario: &Scenario, device: &Device, moment: &Moment) -> (f64, f64) {
        let (mut lanes, mut value) = (0.0, 0.0);
        for (at, pick) in self.picks.iter().enumerate() {
            let Some((variant, batch)) = *pick else { continue };
            let cost = device.models[at].variants[variant].item_cost_ms(f64::from(batch)) / 1000.0;
            let asked = moment.asked[at] * (self.cameras / moment.cameras.max(1.0)).min(1.0);
            let left = thinned(scenario, device, at, self.interval, self.rate);
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
    fn rate_over(&self, scenario: &Scenario, device: &Device, moments: &[Moment]) -> f64 {
        let value = moments.iter().map(|moment| {
            let (lanes, value) = self.at(scenario, device, moment);
            value * (moment.lanes / lanes.max(1e-9)).min(1.0)
        });
        value.sum::<f64>() / moments.len().max(1) as f64
    }

    /// The same with as many cameras as memory holds at its scarcest; `None` if it holds none.
    fn with_room(mut self, device: &Device, moments: &[Moment]) -> Option<Self> {
        let scarcest = moments.iter().map(|moment| moment.memory).fold(f64::INFINITY, f64::min);
        let room = scarcest - self.memory(device, 0.0);
        self.cameras = (room / (device.camera_mib * MIB)).floor();
        (self.cameras >= 1.0).then_some(self)
    }

    /// The same with only as many cameras as it keeps up with at any moment; `None` if that is none.
    fn with_time(mut self, scenario: &Scenario, device: &Device, moments: &[Moment]) -> Option<Self> {
        let most = |moment: &Moment| {
            let all = Self { cameras: moment.cameras, ..self.clone() };
            KEEPS_UP * moment.lanes / all.at(scenario, device, moment).0.max(1e-9) * moment.cameras
        };
        let fewest = moments.iter().map(most).fold(f64::INFINITY, f64::min);
        self.cameras = self.cameras.min(fewest.floor());
        (self.cameras >= 1.0).then_some(self)
    }
}

/// Finds the rivals and runs them.
pub(super) fn rivals(scenario: &Scenario, device: &Device) -> Rivals {
    let moments = moments(scenario, device, LOOK_S);
    let rate = |fixed: Fixed, moments: &[Moment]| (fixed.rate_over(scenario, device, moments), fixed);
    let roomy: Vec<Fixed> =
        every(scenario, device).into_iter().filter_map(|fixed| fixed.with_room(device, &moments)).collect();
    let mean_load = [mean(&moments)];
    let by_mean = roomy.iter().map(|fixed| rate(fixed.clone(), &mean_load)).max_by(|a, b| a.0.total_cmp(&b.0));
    let timely = roomy.iter().filter_map(|fixed| fixed.clone().with_time(scenario, device, &moments));
    let timely = best_of(timely.map(|fixed| rate(fixed, &moments)).collect());
    let any = best_of(roomy.into_iter().map(|fixed| rate(fixed, &moments)).collect());
    let mut rivals = Rivals::default();
    rivals.mean = by_mean.map_or(0.0, |(_, fixed)| rivals.offer(scenario, device, fixed));
    for fixed in timely.into_iter().chain(any) {
        rivals.offer(scenario, device, fixed);
    }
    rivals
}

fn best_of(mut rated: Vec<(f64, Fixed)>) -> Vec<Fixed> {
    rated.sort_by(|a, b| b.0.total_cmp(&a.0));
    rated.into_iter().take(REALLY_RUN).map(|(_, fixed)| fixed).collect()
}

impl Rivals {
    /// Really runs a setting, once; one that runs out of memory counts for nothing, and so do frames that are late.
    fn offer(&mut self, scenario: &Scenario, device: &Device, fixed: Fixed) -> f64 {
        if let Some((_, value)) = self.run.iter().find(|(same, _)| same == &fixed) {
            return *value;
        }
        let setting = fixed.describe(device);
        let course = course::run(scenario, device, &mut Statue { fixed: fixed.clone(), device, started: false }, false);
        let value = if course.run_out == 0 { course.result.throughput } else { 0.0 };
        if value > self.best.0 {
            self.best = (value, setting.clone());
        }
        if value > self.in_time.0 && course.result.in_time >= IN_TIME {
            self.in_time = (value, setting);
        }
        self.run.push((fixed, value));
        value
    }
}

/// Every setting the policy allows, with small and with large batches.
fn every(scenario: &Scenario, device: &Device) -> Vec<Fixed> {
    let policy = &scenario.policy;
    let mut all = Vec::new();
    for &interval in &policy.intervals {
        for &rate in &policy.rates {
            for off in 0..=policy.optional.len() {
                for large in [false, true] {
                    for picks in combinations(scenario, device, off, large) {
                        all.push(Fixed { interval, rate, picks, cameras: 0.0 });
                    }
                }
            }
        }
    }
    all
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

/// Applies one setting for ever.
struct Statue<'a> {
    fixed: Fixed,
    device: &'a Device,
    started: bool,
}

impl Fixed {
    fn describe(&self, device: &Device) -> String {
        let word = |(at, pick): (usize, &Option<(usize, u32)>)| match pick {
            Some((variant, batch)) => format!("{}×{batch}", device.models[at].variants[*variant].name),
            None => "–".to_owned(),
        };
        let rungs: Vec<String> = self.picks.iter().enumerate().map(word).collect();
        let cameras = self.cameras;
        format!("{} | 1/{} | {:.2} | at most {cameras} cameras", rungs.join(" "), self.interval, self.rate)
    }
}

impl Hand for Statue<'_> {
    fn measures(&self) -> bool {
        false
    }

    fn step(&mut self, _now: Elapsed, reading: &Reading) -> Plan {
        let models = || self.device.models.iter().zip(&self.fixed.picks);
        let rungs = models().map(|(model, pick)| Rung {
            model: model.name.clone(),
            variant: pick.map(|(variant, _)| model.variants[variant].name.clone()),
            batch: pick.map_or(1, |(_, batch)| batch),
            linger_ms: 0.0,
            looks: u32::MAX,
        });
        let load = |(model, pick): (&crate::governor::ModelProfile, &Option<(usize, u32)>)| {
            let (variant, batch) = (*pick)?;
            Some(Move::Load { model: model.name.clone(), variant: model.variants[variant].name.clone(), batch })
        };
        let failed = reading.events.iter().any(|event| matches!(event, Event::Failed { .. }));
        let moves = if self.started && !failed { Vec::new() } else { models().filter_map(load).collect() };
        let rungs = rungs.collect();
        let places = (self.fixed.cameras as usize).saturating_sub(reading.cameras.len());
        self.started = true;
        let admit =
            |camera: &crate::governor::Asking| Admission { camera: camera.camera.clone(), verdict: Verdict::Admit };
        Plan {
            rungs,
            moves,
            detect_interval: of_those_taken(self.fixed.interval, self.fixed.rate),
            in_flight: u32::MAX,
            camera_rate: self.fixed.rate,
            admissions: reading.asking.iter().take(places).map(admit).collect(),
            ..Plan::default()
        }
    }
}
