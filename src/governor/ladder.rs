//! How far to go: the least of each lever, in the deployment's order, that brings the load under the limits.
//!
//! The dearest lever is settled first, with all cheaper ones at their furthest: the smallest step of it that can work is
//! kept. Then the next dearest, down to the cheapest. Once the levers that change variants are settled, the knapsack picks
//! the best variants still possible, and what is cheaper is settled around those. So a cheap lever is spent entirely
//! before a dear one moves, and a lever that does not help is not pulled. Levers that the policy weighs against each other
//! have no order among them: there the knapsack takes what is worth most. Next:
//! [`closest`](super::closest), where nothing fits.

use super::knapsack::{self, Choice, Limits};
use super::levels::{Levels, best_allowed, with_precision, with_size};
use super::options::Menu;
use super::policy::{Lever, Policy};
use super::profile::{Profile, VariantProfile};

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

/// A longer interval must be worth this much more than a shorter one to be taken.
const WORTH_MORE: f64 = 1.001;

/// Levels, with the choices there and the best of them.
struct Found {
    levels: Levels,
    models: Vec<usize>,
    classes: Vec<Vec<Choice>>,
    picks: Vec<usize>,
}

impl Problem<'_> {
    /// The target; where nothing keeps within the limits, the one that comes closest.
    pub(super) fn solve(&mut self) -> Target {
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

    /// The interval of most value together with the variants it leaves possible; the furthest where that is not asked for.
    fn weigh_intervals(&self, levels: Levels) -> Option<Found> {
        let first = if self.policy.weigh { self.least.interval } else { levels.interval };
        let (mut best, mut floor) = (None, f64::NEG_INFINITY);
        for interval in first..=levels.interval {
            if let Some(found) = self.best(Levels { interval, ..levels }, floor) {
                floor = knapsack::sum(&found.classes, &found.picks).value * WORTH_MORE;
                best = Some(found);
            }
        }
        best
    }

    /// With the variants found, moves back what is cheaper than they are.
    fn settle_around(&mut self, mut found: Found, cheap: &[Lever]) -> Target {
        let mut levels = found.levels;
        self.menu = self.menu.only(&self.spread(&found.models, &found.classes, &found.picks));
        for lever in cheap {
            self.settle(&mut levels, *lever);
        }
        if levels != found.levels {
            let Some(settled) = self.best(levels, f64::NEG_INFINITY) else {
                return Target { levels, picks: vec![None; self.demand.len()], within: false };
            };
            found = settled;
        }
        let picks = self.trim(&found.classes, found.picks);
        let picks = self.spread(&found.models, &found.classes, &picks);
        Target { levels: self.needed(levels, &picks), picks, within: true }
    }

    /// The levels with those that change variants no further than the picks need: where they are weighed, the knapsack had all
    /// of their positions to choose from.
    fn needed(&self, levels: Levels, picks: &[Option<Pick>]) -> Levels {
        let position = |pulls: fn(&VariantProfile, &VariantProfile) -> bool| {
            let mut models = self.profile.models.iter().zip(picks);
            let pulled = models.any(|(model, pick)| {
                let pair = best_allowed(self.policy, model).zip(*pick);
                pair.is_some_and(|(best, pick)| pulls(best, &model.variants[pick.variant]))
            });
            usize::from(pulled)
        };
        let (size, precision) = (position(with_size), position(with_precision));
        Levels { size: levels.size.min(size), precision: levels.precision.min(precision), ..levels }
    }

    /// The choices of most value at these levels, if they are worth more than `floor`.
    fn best(&self, levels: Levels, floor: f64) -> Option<Found> {
        let (models, classes) = self.worthy(levels);
        let picks = knapsack::best_above(&classes, self.limits, floor)?;
        Some(Found { levels, models, classes, picks })
    }

    /// What this setting is worth, whether it fits or not.
    pub(super) fn worth(&self, levels: Levels, variants: impl Fn(usize) -> Option<usize>) -> f64 {
        let worth = |at: usize| variants(at).map(|variant| self.value_of(at, variant) * self.scales(at, levels).1);
        self.on(levels).into_iter().filter_map(worth).sum()
    }

    /// The levers to settle one by one, dearest first: down to the last that changes variants, and those cheaper than that.
    /// Those that are weighed against each other are not among them: the knapsack has all of their positions to choose from.
    fn order_around_variants(&self) -> (Vec<Lever>, Vec<Lever>) {
        let dearest_first: Vec<Lever> = self.policy.order.iter().rev().copied().collect();
        let last = dearest_first.iter().rposition(|lever| matches!(lever, Lever::InputSize | Lever::Precision));
        let (dear, cheap) = dearest_first.split_at(last.map_or(0, |last| last + 1));
        let settled = |levers: &[Lever]| levers.iter().copied().filter(|lever| !self.weighed(*lever)).collect();
        (settled(dear), settled(cheap))
    }

    fn weighed(&self, lever: Lever) -> bool {
        self.policy.weigh && matches!(lever, Lever::DetectInterval | Lever::InputSize | Lever::Precision)
    }

    pub(super) fn can(&self, levels: Levels) -> bool {
        let (models, mut classes) = self.quick(levels);
        self.keep_what_workers_can(&models, &mut classes);
        knapsack::fits(&classes, self.limits)
    }

    /// Moves one lever back to the smallest position that still works, taking it that further works if less far does. Where
    /// interval and rate do not divide that is not quite so (see `of_those_taken`): then what is found works, but a smaller
    /// one may.
    fn settle(&self, levels: &mut Levels, lever: Lever) {
        let (mut least, mut most) = (self.least, self.most);
        let (Some(&mut mut from), Some(&mut mut to)) = (least.position(lever), most.position(lever)) else {
            return;
        };
        while from < to {
            let (middle, mut tried) = (usize::midpoint(from, to), *levels);
            if let Some(position) = tried.position(lever) {
                *position = middle;
            }
            (from, to) = if self.can(tried) { (from, middle) } else { (middle + 1, to) };
        }
        if let Some(position) = levels.position(lever) {
            *position = to;
        }
    }

    /// Smaller batches where time allows: the value is the same and events come sooner.
    fn trim(&self, classes: &[Vec<Choice>], mut picks: Vec<usize>) -> Vec<usize> {
        let mut time = knapsack::sum(classes, &picks).time;
        for (class, pick) in classes.iter().zip(&mut picks) {
            let chosen = class[*pick];
            let smaller = |choice: &&Choice| choice.variant == chosen.variant && choice.batch < chosen.batch;
            let fits = |choice: &&Choice| time - chosen.time + choice.time <= self.limits.time;
            if let Some(choice) = class.iter().filter(smaller).filter(fits).min_by_key(|choice| choice.batch) {
                time += choice.time - chosen.time;
                *pick = class.iter().position(|other| other == choice).unwrap_or(*pick);
            }
        }
        picks
    }

    pub(super) fn spread(&self, models: &[usize], classes: &[Vec<Choice>], picks: &[usize]) -> Vec<Option<Pick>> {
        let mut all = vec![None; self.demand.len()];
        for ((&model, class), &pick) in models.iter().zip(classes).zip(picks) {
            all[model] = Some(Pick { variant: class[pick].variant, batch: class[pick].batch });
        }
        all
    }
}
