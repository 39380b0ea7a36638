//! The best settings that never change, chosen by somebody who knew the whole day beforehand. Next:
//! [`oracle`](super::oracle), the most anybody could.
//!
//! The most promising by a simple sum over the load are then really run, because the sum knows nothing of queues: the best
//! that never runs out of memory, however many frames it loses at the peak, and the best that also keeps what the governor
//! must keep, 95 of 100 frames within the objective once settled.

use super::fixed::{Fixed, every};
use super::load::{Moment, mean, moments};
use super::scenario::{Device, Scenario};
use super::statue::{Came, really};

/// Candidates that are really run of those that may lose frames, and of those that should not.
const REALLY_RUN: usize = 2;
/// Share of its frames a setting must serve in time to keep the objective.
const IN_TIME: f64 = 0.95;
/// Seconds between two looks at the load.
pub(super) const LOOK_S: f64 = 2.0;

/// The best fixed settings, as really run: value a second, and which setting.
#[derive(Default)]
pub(super) struct Rivals {
    /// The best for the mean load.
    pub(super) mean: (f64, String),
    /// The best for the moment of the most load.
    pub(super) peak: (f64, String),
    /// The best that never runs out of memory.
    pub(super) best: (f64, String),
    /// The best that also serves its frames in time.
    pub(super) in_time: (f64, String),
    run: Vec<(Fixed, f64)>,
}

/// Finds the rivals and runs them.
pub(super) fn rivals(scenario: &Scenario, device: &Device) -> Rivals {
    let moments = moments(scenario, device, LOOK_S);
    let rate = |fixed: Fixed, moments: &[Moment]| (fixed.rate_over(scenario, device, moments), fixed);
    let roomy: Vec<Fixed> =
        every(scenario, device).into_iter().filter_map(|fixed| fixed.with_room(device, &moments)).collect();
    let best_for = |moment: Moment| {
        let moment = [moment];
        let rated = roomy.iter().map(|fixed| rate(fixed.clone(), &moment));
        rated.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, fixed)| fixed)
    };
    let by_mean = best_for(mean(&moments));
    let by_peak = peak(&moments, device).and_then(best_for);
    let timely = roomy.iter().filter_map(|fixed| fixed.clone().with_time(scenario, device, &moments));
    let timely = best_of(timely.map(|fixed| rate(fixed, &moments)).collect());
    let any = best_of(roomy.into_iter().map(|fixed| rate(fixed, &moments)).collect());
    let mut rivals = Rivals::default();
    let mut really = |fixed: Option<Fixed>| {
        fixed.map(|fixed| (rivals.offer(scenario, device, fixed.clone()), fixed.describe(device))).unwrap_or_default()
    };
    let (mean, peak) = (really(by_mean), really(by_peak));
    (rivals.mean, rivals.peak) = (mean, peak);
    for fixed in timely.into_iter().chain(any) {
        rivals.offer(scenario, device, fixed);
    }
    rivals
}

/// The moment at which the best variants, item by item, would need most of what there is.
fn peak(moments: &[Moment], device: &Device) -> Option<Moment> {
    let needs = |moment: &Moment| {
        let times = device
            .models
            .iter()
            .zip(&moment.asked)
            .map(|(model, asked)| model.variants.first().map_or(0.0, |variant| asked * variant.item_cost_ms(1.0)));
        times.sum::<f64>() / moment.lanes
    };
    moments.iter().max_by(|a, b| needs(a).total_cmp(&needs(b))).cloned()
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
        let Came { value, in_time } = really(scenario, device, &fixed);
        if value > self.best.0 {
            self.best = (value, setting.clone());
        }
        if value > self.in_time.0 && in_time >= IN_TIME {
            self.in_time = (value, setting);
        }
        self.run.push((fixed, value));
        value
    }
}
