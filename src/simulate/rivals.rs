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
    pub(super) mean: f64,
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
