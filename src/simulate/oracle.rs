//! Somebody who knows the load, the true costs and never pays for a change: an upper bound for any governor.
//!
//! For every second it takes the best of all settings, in whatever order, with an exact knapsack, and serves it without
//! queues, switches or noise. Only what no policy can escape holds it back: memory, and 95 % of the lanes' time, because
//! beyond that queues grow past any latency objective. Next: [`chart`](super::chart).

use crate::governor::knapsack::{self, Choice, Limits};

use super::load::{Moment, moments, thinned, worth};
use super::scenario::{Device, MIB, Scenario};

/// Share of the lanes that can be used with bounded queues.
const USABLE_TIME: f64 = 0.95;
/// Seconds between two looks at the load.
const LOOK_S: f64 = 1.0;

/// Value a second over the scenario.
pub(super) fn throughput(scenario: &Scenario, device: &Device) -> f64 {
    let moments = moments(scenario, device, LOOK_S);
    let mut last: Option<(&Moment, f64)> = None;
    let mut sum = 0.0;
    for moment in &moments {
        let value = match last {
            Some((same, value)) if alike(same, moment) => value,
            _ => best_at(scenario, device, moment),
        };
        last = Some((moment, value));
        sum += value;
    }
    sum / moments.len().max(1) as f64
}

fn alike(a: &Moment, b: &Moment) -> bool {
    let close = |a: f64, b: f64| (a - b).abs() <= 1e-9 * a.abs().max(1.0);
    let asked = a.asked.iter().zip(&b.asked).all(|(a, b)| close(*a, *b));
    asked && close(a.lanes, b.lanes) && close(a.memory, b.memory)
}

/// The best value, with all cameras or with fewer: a fiftieth fewer at a time, until fewer have been worse for long.
fn best_at(scenario: &Scenario, device: &Device, moment: &Moment) -> f64 {
    if let Some(value) = best_setting(scenario, device, moment) {
        return value;
    }
    let (mut best, mut worse): (f64, u32) = (0.0, 0);
    for fiftieths in (1..50).rev() {
        let share = f64::from(fiftieths) / 50.0;
        let mut fewer = moment.clone();
        fewer.cameras = (moment.cameras * share).floor();
        fewer.asked.iter_mut().for_each(|asked| *asked *= share);
        let value = best_setting(scenario, device, &fewer);
        worse = if value.is_some_and(|value| value <= best) { worse + 1 } else { 0 };
        best = best.max(value.unwrap_or(0.0));
        if worse > 5 {
            break;
        }
    }
    best
}

fn best_setting(scenario: &Scenario, device: &Device, moment: &Moment) -> Option<f64> {
    let policy = &scenario.policy;
    let limits = Limits {
        memory: moment.memory - (device.base_mib + device.camera_mib * moment.cameras) * MIB,
        time: moment.lanes * USABLE_TIME,
    };
    let mut best: Option<f64> = None;
    for off in 0..=policy.optional.len() {
        for &rate in &policy.rates {
            for &interval in &policy.intervals {
                let classes = classes(scenario, device, moment, (interval, rate, off));
                if let Some(picks) = knapsack::best(&classes, limits) {
                    let value = knapsack::sum(&classes, &picks).value;
                    best = Some(best.map_or(value, |best| best.max(value)));
                }
            }
        }
    }
    best
}

fn classes(scenario: &Scenario, device: &Device, moment: &Moment, levers: (u32, f64, usize)) -> Vec<Vec<Choice>> {
    let (interval, rate, off) = levers;
    let gone = |name| scenario.policy.optional.iter().take(off).any(|other| other == name);
    let on = device.models.iter().enumerate().filter(|(_, model)| !gone(&model.name));
    on.map(|(at, _)| class(scenario, device, moment, at, (interval, rate))).collect()
}

fn class(scenario: &Scenario, device: &Device, moment: &Moment, at: usize, levers: (u32, f64)) -> Vec<Choice> {
    let (interval, rate) = levers;
    let model = &device.models[at];
    let share = model.share * scenario.policy.latency_p95_ms;
    let mut class = Vec::new();
    for (position, variant) in model.variants.iter().enumerate() {
        let allowed = scenario.policy.allows(&model.name, &variant.name);
        for (place, &batch) in model.batches.iter().enumerate().filter(|_| allowed) {
            if place > 0 && 2.0 * variant.batch_ms(f64::from(batch)) > share {
                break;
            }
            let items = moment.asked[at] * thinned(device, at, interval, rate);
            class.push(Choice {
                value: moment.asked[at] * rate * worth(scenario, device, at, position, interval),
                memory: variant.memory(batch),
                time: items * variant.item_cost_ms(f64::from(batch)) / 1000.0,
                variant: position,
                batch,
            });
        }
    }
    knapsack::prune(&mut class);
    class
}
