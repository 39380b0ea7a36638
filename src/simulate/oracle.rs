//! Somebody who knows the load, the true costs and never pays for a change: an upper bound for any governor.
//!
//! For every second it takes the best of all settings, in whatever order, with an exact knapsack, and serves it without
//! queues, switches or noise. Only what no policy can escape holds it back: memory; 95 % of the lanes' time, because beyond
//! that queues grow past any latency objective; batches of which two fit the model's share of the objective at the pace the
//! device has then; and at the start the time to load a variant for the first time. Next: [`chart`](super::chart).

use crate::governor::knapsack::{self, Choice, Limits};

use super::load::{Moment, Thinning, moments, thinned, worth};
use super::scenario::{Device, MIB, Scenario};

/// Share of the lanes that can be used with bounded queues.
const USABLE_TIME: f64 = 0.95;
/// Seconds between two looks at the load.
const LOOK_S: f64 = 1.0;
/// How many times later known faces may be asked about: what lies between two of these is filled up as time allows.
const AGAIN: [f64; 10] = [1.0, 1.26, 1.59, 2.0, 2.52, 3.17, 4.0, 5.04, 6.35, 8.0];
/// Where not all cameras can be served: so many fewer in a row that were worth less end the search.
const MOST_WORSE: u32 = 5;

/// The value of every second of the scenario.
pub(super) fn values(scenario: &Scenario, device: &Device) -> Vec<f64> {
    let moments = moments(scenario, device, LOOK_S);
    let variants = device.models.iter().flat_map(|model| &model.variants);
    let all_loaded_ms = variants.map(|variant| variant.load_ms).fold(0.0, f64::max) * scenario.load_slowness;
    let mut last: Option<(&Moment, f64)> = None;
    let value = |moment| {
        let value = match last {
            Some((same, value)) if same.second * 1000.0 > all_loaded_ms && alike(same, moment) => value,
            _ => best_at(scenario, device, moment),
        };
        last = Some((moment, value));
        value
    };
    moments.iter().map(value).collect()
}

fn alike(a: &Moment, b: &Moment) -> bool {
    let close = |a: f64, b: f64| (a - b).abs() <= 1e-9 * a.abs().max(1.0);
    let asked = a.asked.iter().zip(&b.asked).all(|(a, b)| close(*a, *b));
    asked && close(a.lanes, b.lanes) && close(a.memory, b.memory)
}

/// The best value, with all cameras or with fewer, until fewer have been worse for long.
fn best_at(scenario: &Scenario, device: &Device, moment: &Moment) -> f64 {
    let (mut best, mut worse): (f64, u32) = (0.0, 0);
    for cameras in (1..=moment.cameras as u32).rev() {
        let served = with_cameras(moment, f64::from(cameras));
        let Some(value) = best_setting(scenario, device, &served) else { continue };
        if served.cameras >= moment.cameras {
            return value;
        }
        worse = if value <= best { worse + 1 } else { 0 };
        best = best.max(value);
        if worse > MOST_WORSE {
            break;
        }
    }
    best
}

fn with_cameras(moment: &Moment, cameras: f64) -> Moment {
    let share = cameras / moment.cameras.max(1.0);
    Moment { cameras, asked: moment.asked.iter().map(|asked| asked * share).collect(), ..moment.clone() }
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
                for again in AGAIN {
                    let thinning = Thinning { interval, rate, again };
                    let value = value_of(scenario, device, (moment, limits), thinning, off);
                    best = value.into_iter().chain(best).reduce(f64::max);
                }
            }
        }
    }
    best
}

/// The most with these levers, and with as many more looks at faces as the time that is left allows.
fn value_of(
    scenario: &Scenario,
    device: &Device,
    (moment, limits): (&Moment, Limits),
    thinning: Thinning,
    off: usize,
) -> Option<f64> {
    let classes = classes(scenario, device, moment, thinning, off);
    let only: Vec<_> = classes.iter().map(|(_, class)| class.clone()).collect();
    let picks = knapsack::best(&only, limits)?;
    let looks = classes.iter().zip(&picks).filter(|((at, _), _)| !device.models[*at].follows_rate);
    let looks = looks
        .fold((0.0, 0.0), |(value, time), ((_, class), &pick)| (value + class[pick].value, time + class[pick].time));
    let all = knapsack::sum(&only, &picks);
    let more = ((limits.time - all.time) / f64::max(looks.1, 1e-9)).min(thinning.again - 1.0);
    Some(all.value + looks.0 * more)
}

/// The models that are on, with their choices.
fn classes(
    scenario: &Scenario,
    device: &Device,
    moment: &Moment,
    thinning: Thinning,
    off: usize,
) -> Vec<(usize, Vec<Choice>)> {
    let gone = |name| scenario.policy.optional.iter().take(off).any(|other| other == name);
    let on = device.models.iter().enumerate().filter(|(_, model)| !gone(&model.name));
    let classes = on.map(|(at, _)| (at, class(scenario, device, moment, at, thinning)));
    // Without a detector there is nothing to ask about; any other stage that is not loaded yet passes frames through.
    classes.filter(|(at, class)| *at == 0 || !class.is_empty()).collect()
}

fn class(scenario: &Scenario, device: &Device, moment: &Moment, at: usize, thinning: Thinning) -> Vec<Choice> {
    let model = &device.models[at];
    let share = model.share * scenario.policy.latency_p95_ms;
    let left = thinned(scenario, device, at, thinning);
    let slowness = f64::from(device.lanes) / moment.lanes;
    let mut class = Vec::new();
    for (position, variant) in model.variants.iter().enumerate() {
        let loaded = (moment.second + 0.5 * LOOK_S) * 1000.0 >= variant.load_ms * scenario.load_slowness;
        let allowed = loaded && scenario.policy.allows(&model.name, &variant.name);
        for (place, &batch) in model.batches.iter().enumerate().filter(|_| allowed) {
            if place > 0 && 2.0 * variant.batch_ms(f64::from(batch)) * slowness > share {
                break;
            }
            class.push(Choice {
                value: moment.asked[at] * left.worth * worth(device, at, position),
                memory: variant.memory(batch),
                time: moment.asked[at] * left.work * variant.item_cost_ms(f64::from(batch)) / 1000.0,
                variant: position,
                batch,
            });
        }
    }
    knapsack::prune(&mut class);
    class
}
