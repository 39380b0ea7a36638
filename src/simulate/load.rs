//! The load as a plain list of moments, for whoever may know it beforehand. Next: [`fixed`](super::fixed).

use crate::governor::levels::of_those_taken;

use super::scenario::{Device, MIB, Scenario};

/// The load at one moment.
#[derive(Clone, Debug)]
pub(super) struct Moment {
    /// Seconds since the start.
    pub(super) second: f64,
    pub(super) cameras: f64,
    /// Items a second asked of each model with no lever pulled.
    pub(super) asked: Vec<f64>,
    /// Lanes at the speed models were profiled at.
    pub(super) lanes: f64,
    /// Bytes we can have without anybody going short.
    pub(super) memory: f64,
}

/// The load over the scenario.
pub(super) fn moments(scenario: &Scenario, device: &Device, every_s: f64) -> Vec<Moment> {
    let count = (scenario.seconds / every_s) as usize;
    (0..count).map(|at| moment(scenario, device, (at as f64 + 0.5) * every_s)).collect()
}

fn moment(scenario: &Scenario, device: &Device, second: f64) -> Moment {
    let cameras = scenario.cameras.at(second).round();
    let questions = device.asks_per_face.iter().map(|asks| cameras * scenario.faces.at(second) * asks);
    let frames = cameras * scenario.mean_fps();
    let budget = scenario.budget.as_ref().map_or(f64::INFINITY, |budget| budget.at(second) * MIB);
    Moment {
        second,
        cameras,
        asked: std::iter::once(frames).chain(questions).collect(),
        lanes: f64::from(device.lanes) / scenario.slowness.at(second),
        memory: (device.memory() - scenario.tenant.at(second) * MIB).min(budget),
    }
}

/// How far the levers are pulled that thin what models are asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Thinning {
    /// Detect on every n-th frame, in frames as they come.
    pub(super) interval: u32,
    /// Share of each camera's frames.
    pub(super) rate: f64,
    /// Known faces are asked about this many times later.
    pub(super) again: f64,
}

/// What the levers that thin frames and questions leave of a model's work and of its worth.
#[derive(Clone, Copy, Debug)]
pub(super) struct Thinned {
    /// Share of its items it is asked for.
    pub(super) work: f64,
    /// Share of their worth that is left, with those asked for served: frames left out are worth nothing, those between two
    /// detections less than those detected on.
    pub(super) worth: f64,
}

/// The same arithmetic as in the plant and in the run it stands for: the interval is in frames as they come, and where only
/// some are taken fewer of those lie between two detections. Questions about faces come with time, not with frames.
pub(super) fn thinned(scenario: &Scenario, device: &Device, at: usize, thinning: Thinning) -> Thinned {
    let Thinning { interval, rate, again } = thinning;
    if !device.models[at].follows_rate {
        return Thinned { work: 1.0 / again, worth: 1.0 / again };
    }
    let every = if device.models[at].follows_interval { of_those_taken(interval, rate) } else { 1 };
    Thinned { work: rate / f64::from(every), worth: rate * scenario.policy.interval_worth(every) }
}

/// Value of one of the model's items, served at once.
pub(super) fn worth(device: &Device, at: usize, variant: usize) -> f64 {
    let model = &device.models[at];
    model.weight * model.variants[variant].quality
}

/// One moment with the mean of all figures.
pub(super) fn mean(moments: &[Moment]) -> Moment {
    let count = moments.len().max(1) as f64;
    let over = |of: &dyn Fn(&Moment) -> f64| moments.iter().map(of).sum::<f64>() / count;
    Moment {
        second: over(&|moment| moment.second),
        cameras: over(&|moment| moment.cameras),
        asked: (0..moments[0].asked.len()).map(|at| over(&|moment| moment.asked[at])).collect(),
        lanes: over(&|moment| moment.lanes),
        memory: over(&|moment| moment.memory),
    }
}
