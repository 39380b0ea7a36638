//! Levers that are weighed against each other: interval, variants, stages and looks, by what they leave of the declared
//! quality. Next: [`settle`](super::settle), those that are taken in their order.

use super::ladder::{Found, Problem, Target};
use super::levels::Levels;
use super::policy::Lever;

/// A longer interval must be worth this much more than a shorter one to be taken.
const WORTH_MORE: f64 = 1.001;
/// And a stage switched off this much more than one that stays: it has to be loaded again.
const WORTH_A_STAGE: f64 = 1.01;

impl Problem<'_> {
    /// Where levers are weighed and looks can be put off: the best without leaving frames out for it.
    pub(super) fn with_all_frames(&mut self) -> Option<Target> {
        if !self.policy.weigh || !self.profile.looks_at_followed() {
            return None;
        }
        let levels = Levels { rate: self.least.rate, ..self.most };
        let found = if self.can(levels) { self.weigh_intervals(levels) } else { None };
        let value = found.as_ref().map_or(f64::NEG_INFINITY, Found::value);
        if let Some((worth, target)) = self.sparing()
            && worth > value * WORTH_MORE
        {
            return Some(target);
        }
        let (_, cheap) = self.order_around_variants();
        found.map(|found| self.settle_around(found, &cheap))
    }

    /// The interval and the stages of most value together with the variants they leave possible; the furthest where that is not
    /// asked for.
    pub(super) fn weigh_intervals(&self, levels: Levels) -> Option<Found> {
        let least = if self.policy.weigh { self.least } else { levels };
        let (mut best, mut floor) = (None, f64::NEG_INFINITY);
        for off in least.off..=levels.off {
            let dearer = self.dearer(off);
            for interval in least.interval..=levels.interval {
                if let Some(found) = self.best(Levels { interval, off, ..levels }, floor * dearer) {
                    floor = found.value() * WORTH_MORE / dearer;
                    best = Some(found);
                }
            }
        }
        best
    }

    /// How many times as much a setting with so many stages off must be worth.
    pub(super) fn dearer(&self, off: usize) -> f64 {
        WORTH_A_STAGE.powi((off - self.least.off) as i32)
    }

    /// Whether a lever is one of those: the knapsack has all of its positions to choose from.
    pub(super) fn weighed(&self, lever: Lever) -> bool {
        let levers = [Lever::DetectInterval, Lever::InputSize, Lever::Precision, Lever::OptionalStages];
        self.policy.weigh && levers.contains(&lever)
    }
}
