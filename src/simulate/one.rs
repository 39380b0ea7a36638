//! One setting for all the days of a device, chosen by somebody who knows how many there are of which kind, but not which one
//! comes: as whoever deploys a fixed setting has to. Next: [`folder`](super::folder), which asks for it.

use super::fixed::{Fixed, every};
use super::load::{Moment, moments};
use super::rivals::LOOK_S;
use super::scenario::{Device, Scenario};
use super::statue::really;

/// Candidates that are really run.
const REALLY_RUN: usize = 8;

/// A day on a device, and what an oracle makes of it.
pub(super) struct Day<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) device: &'a Device,
    pub(super) oracle: f64,
}

/// The setting, and its value a second on each day.
#[derive(Clone, Debug)]
pub(super) struct One {
    pub(super) setting: String,
    pub(super) values: Vec<f64>,
}

/// The setting with the largest mean share of what the oracle makes of each day, running out of memory on none. `days` are of
/// one device and ask the same of the governor.
pub(super) fn best(days: &[Day<'_>]) -> Option<One> {
    let first = days.first()?;
    let loads: Vec<Vec<Moment>> = days.iter().map(|day| moments(day.scenario, day.device, LOOK_S)).collect();
    let scarcest: Vec<Moment> = loads.iter().flatten().cloned().collect();
    let roomy = every(first.scenario, first.device).into_iter();
    let roomy: Vec<Fixed> = roomy.filter_map(|fixed| fixed.with_room(first.device, &scarcest)).collect();
    let timely = roomy.iter().filter_map(|fixed| on_time(fixed, days, &loads));
    let mut rated: Vec<(f64, Fixed)> =
        roomy.iter().cloned().chain(timely).map(|fixed| (hoped(&fixed, days, &loads), fixed)).collect();
    rated.sort_by(|a, b| b.0.total_cmp(&a.0));
    let run = rated.into_iter().take(REALLY_RUN).map(|(_, fixed)| run(&fixed, days));
    run.max_by(|a, b| share(&a.values, days).total_cmp(&share(&b.values, days)))
}

/// The same with only as many cameras as it keeps up with on every day.
fn on_time(fixed: &Fixed, days: &[Day<'_>], loads: &[Vec<Moment>]) -> Option<Fixed> {
    let mut days = days.iter().zip(loads);
    days.try_fold(fixed.clone(), |fixed, (day, load)| fixed.with_time(day.scenario, day.device, load))
}

/// The mean share of the oracle's value by the sum that knows nothing of queues.
fn hoped(fixed: &Fixed, days: &[Day<'_>], loads: &[Vec<Moment>]) -> f64 {
    let values: Vec<f64> =
        days.iter().zip(loads).map(|(day, load)| fixed.rate_over(day.scenario, day.device, load)).collect();
    share(&values, days)
}

fn run(fixed: &Fixed, days: &[Day<'_>]) -> One {
    let values = days.iter().map(|day| really(day.scenario, day.device, fixed).value).collect();
    One { setting: days.first().map_or_else(String::new, |day| fixed.describe(day.device)), values }
}

fn share(values: &[f64], days: &[Day<'_>]) -> f64 {
    let shares = values.iter().zip(days).map(|(value, day)| value / day.oracle.max(1e-9));
    shares.sum::<f64>() / days.len().max(1) as f64
}
