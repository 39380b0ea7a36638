//! How far to go: the least of each lever, in the deployment's order, that brings the load under the limits.
//!
//! The dearest lever is settled first, with all cheaper ones at their furthest: the smallest step of it that can work is
//! kept. Then the next dearest, down to the cheapest. Once the levers that change variants are settled, the knapsack picks
//! the best variants still possible, and what is cheaper is settled around those. So a cheap lever is spent entirely
//! before a dear one moves, and a lever that does not help is not pulled. Levers that the policy weighs against each other
//! have no order among them: there the knapsack takes what is worth most. Next:
//! [`weigh`](super::weigh), those.

use super::knapsack::{self, Choice, Limits};
use super::levels::Levels;
use super::options::Menu;
use super::policy::Policy;
use super::profile::Profile;

/// A variant and the largest batch it may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pick {
    pub(super) variant: usize,
    pub(super) batch: u32,
}

/// Where to go.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Target {
    pub(super) levels: Levels,
    /// One a model; `None` is off, or nothing fits.
    pub(super) picks: Vec<Option<Pick>>,
    /// Whether it keeps within the limits.
    pub(super) within: bool,
}

/// What to solve.
pub(super) struct Problem<'a> {
    pub(super) policy: &'a Policy,
    pub(super) profile: &'a Profile,
    /// Items a second each model is asked for with no lever pulled.
    pub(super) demand: &'a [f64],
    /// How much slower than profiled the device is now.
    pub(super) pace: f64,
    pub(super) limits: Limits,
    pub(super) least: Levels,
    pub(super) most: Levels,
    /// What may be used.
    pub(super) menu: Menu,
    /// How many of the last models must go without a variant.
    pub(super) without: usize,
    /// Whether a model may be given more work than its threads can do: nothing else is left.
    pub(super) unhurried: bool,
}

/// Levels, with the choices there and the best of them.
pub(super) struct Found {
    pub(super) levels: Levels,
    pub(super) models: Vec<usize>,
    pub(super) classes: Vec<Vec<Choice>>,
    pub(super) picks: Vec<usize>,
}

impl Found {
    pub(super) fn value(&self) -> f64 {
        knapsack::sum(&self.classes, &self.picks).value
    }
}

impl Problem<'_> {
    /// The target; where nothing keeps within the limits, the one that comes closest.
    pub(super) fn solve(&mut self) -> Target {
        if let Some(target) = self.with_all_frames() {
            return target;
        }
        if !self.can(self.most) {
            return self.closest();
        }
        let mut levels = self.most;
        let (dear, cheap) = self.order_around_variants();
        for lever in dear {
            self.settle(&mut levels, lever);
        }
        let Some(found) = self.weigh_intervals(levels) else {
            return self.closest();
        };
        self.settle_around(found, &cheap)
    }

    /// The choices of most value at these levels, if they are worth more than `floor`.
    pub(super) fn best(&self, levels: Levels, floor: f64) -> Option<Found> {
        let (models, classes) = self.worthy(levels);
        let picks = knapsack::best_above(&classes, self.limits, floor)?;
        Some(Found { levels, models, classes, picks })
    }

    /// What this setting is worth, whether it fits or not.
    pub(super) fn worth(&self, levels: Levels, variants: impl Fn(usize) -> Option<usize>) -> f64 {
        let worth = |at: usize| variants(at).map(|variant| self.value_of(at, variant) * self.scales(at, levels).1);
        self.on(levels).into_iter().filter_map(worth).sum()
    }

    pub(super) fn can(&self, levels: Levels) -> bool {
        let (models, mut classes) = self.quick(levels);
        self.keep_what_workers_can(&models, &mut classes);
        knapsack::fits(&classes, self.limits)
    }

    pub(super) fn spread(&self, models: &[usize], classes: &[Vec<Choice>], picks: &[usize]) -> Vec<Option<Pick>> {
        let mut all = vec![None; self.demand.len()];
        for ((&model, class), &pick) in models.iter().zip(classes).zip(picks) {
            all[model] = Some(Pick { variant: class[pick].variant, batch: class[pick].batch });
        }
        all
    }
}
