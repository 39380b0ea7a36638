//! How far to go: the least of each lever, in the deployment's order, that brings the load under the limits.
//!
//! The dearest lever is settled first, with all cheaper ones at their furthest: the smallest step of it that can work is
//! kept. Then the next dearest, down to the cheapest. Once the levers that change variants are settled, the knapsack picks
//! the best variants still possible, and what is cheaper is settled around those. So a cheap lever is spent entirely
//! before a dear one moves, and a lever that does not help is not pulled. Next:
//! [`options`](super::options), what there is to choose from.

use super::knapsack::{self, Choice, Limits};
use super::levels::Levels;
use super::policy::{Lever, Policy};
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
#[derive(Clone, Copy)]
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
    /// Which variants may be used, model by model.
    pub(super) usable: &'a [Vec<bool>],
    /// How many of the last models must go without a variant.
    pub(super) without: usize,
}

/// A longer interval must be worth this much more than a shorter one to be taken.
const WORTH_MORE: f64 = 1.001;

impl Problem<'_> {
    /// The target; where nothing keeps within the limits, the one that comes closest.
    pub(super) fn solve(&self) -> Target {
        if !self.can(self.most) {
            return self.closest();
        }
        let mut levels = self.most;
        let (dear, cheap) = self.order_around_variants();
        for lever in dear {
            self.settle(&mut levels, lever);
        }
        levels.interval = self.weighed_interval(levels);
        let Some(frozen) = self.best_variants(levels) else {
            return self.closest();
        };
        let frozen = Problem { usable: &frozen, ..*self };
        for lever in cheap {
            frozen.settle(&mut levels, lever);
        }
        frozen.finish(levels)
    }

    /// The interval of most value together with the variants it leaves possible; the furthest where that is not asked for.
    fn weighed_interval(&self, levels: Levels) -> usize {
        let mut best = (0.0, levels.interval);
        for interval in self.least.interval..=levels.interval {
            let tried = Levels { interval, ..levels };
            if !self.policy.weigh || self.most_value(tried) <= best.0 * WORTH_MORE {
                // What is lost on skipped frames only grows from here.
                break;
            }
            if let Some(value) = self.value(tried).filter(|value| *value > best.0 * WORTH_MORE) {
                best = (value, interval);
            }
        }
        best.1
    }

    /// More than these levels can be worth, whatever fits.
    fn most_value(&self, levels: Levels) -> f64 {
        let (_, classes) = self.classes(levels);
        classes.iter().map(|class| class.iter().map(|choice| choice.value).fold(0.0, f64::max)).sum()
    }

    /// What this setting is worth, whether it fits or not.
    pub(super) fn worth(&self, levels: Levels, variants: impl Fn(usize) -> Option<usize>) -> f64 {
        let (models, classes) = self.classes(levels);
        let found = models.iter().zip(&classes).filter_map(|(&model, class)| {
            let variant = variants(model)?;
            class.iter().find(|choice| choice.variant == variant).map(|choice| choice.value)
        });
        found.sum()
    }

    fn value(&self, levels: Levels) -> Option<f64> {
        let (_, classes) = self.thin(levels);
        knapsack::best(&classes, self.limits).map(|picks| knapsack::sum(&classes, &picks).value)
    }

    /// The levers, dearest first: down to the last that changes variants, and those cheaper than that.
    fn order_around_variants(&self) -> (Vec<Lever>, Vec<Lever>) {
        let weighed = |lever: &Lever| self.policy.weigh && *lever == Lever::DetectInterval;
        let mut dear: Vec<Lever> = self.policy.order.iter().rev().copied().filter(|lever| !weighed(lever)).collect();
        let last = dear.iter().rposition(|lever| matches!(lever, Lever::InputSize | Lever::Precision));
        let cheap = dear.split_off(last.map_or(0, |last| last + 1));
        (dear, cheap)
    }

    /// Only the best variants possible at these levels, as a list of what may be used.
    fn best_variants(&self, levels: Levels) -> Option<Vec<Vec<bool>>> {
        let (models, classes) = self.thin(levels);
        let picks = knapsack::best(&classes, self.limits)?;
        let mut usable: Vec<Vec<bool>> = self.usable.iter().map(|variants| vec![false; variants.len()]).collect();
        for ((&model, class), &pick) in models.iter().zip(&classes).zip(&picks) {
            usable[model][class[pick].variant] = true;
        }
        Some(usable)
    }

    fn finish(&self, levels: Levels) -> Target {
        let (models, classes) = self.thin(levels);
        let picks = knapsack::best(&classes, self.limits).map(|picks| self.trim(&classes, picks));
        let picks = picks.map(|picks| self.spread(&models, &classes, &picks));
        Target { levels, within: picks.is_some(), picks: picks.unwrap_or_else(|| vec![None; self.demand.len()]) }
    }

    /// Whether any setting within the bounds keeps within the limits.
    pub(super) fn possible(&self) -> bool {
        self.can(self.most)
    }

    /// What the cheapest setting within the bounds would take.
    pub(super) fn least_room(&self) -> Choice {
        self.sum_of(|choice| choice.time)
    }

    /// Bytes the smallest setting within the bounds would hold.
    pub(super) fn least_memory(&self) -> f64 {
        self.sum_of(|choice| choice.memory).memory
    }

    /// All models at the choice where `key` is least.
    fn sum_of(&self, key: impl Fn(&Choice) -> f64) -> Choice {
        let (_, mut classes) = self.classes(self.most);
        classes.retain(|class| !class.is_empty());
        let least = |class: &Vec<Choice>| {
            (0..class.len()).min_by(|&a, &b| key(&class[a]).total_cmp(&key(&class[b]))).unwrap_or(0)
        };
        let picks: Vec<usize> = classes.iter().map(least).collect();
        knapsack::sum(&classes, &picks)
    }

    fn can(&self, levels: Levels) -> bool {
        knapsack::fits(&self.classes(levels).1, self.limits)
    }

    /// Moves one lever back to the smallest position that still works.
    fn settle(&self, levels: &mut Levels, lever: Lever) {
        let (mut least, mut most) = (self.least, self.most);
        let (Some(&mut from), Some(&mut to)) = (least.position(lever), most.position(lever)) else {
            return;
        };
        for level in from..to {
            let mut tried = *levels;
            if let Some(position) = tried.position(lever) {
                *position = level;
            }
            if self.can(tried) {
                *levels = tried;
                return;
            }
        }
    }

    /// Where nothing keeps within the limits: if time is short, everything is given up and the quickest variants taken; if
    /// memory is, the last model goes without and the rest is solved again.
    fn closest(&self) -> Target {
        let (models, mut classes) = self.thin(self.most);
        if models.is_empty() {
            return Target { levels: self.least, picks: vec![None; self.demand.len()], within: false };
        }
        for choice in classes.iter_mut().flatten() {
            choice.value = -choice.time;
        }
        let within_memory = Limits { memory: self.limits.memory, time: f64::INFINITY };
        match knapsack::best(&classes, within_memory) {
            Some(picks) => Target { levels: self.most, picks: self.spread(&models, &classes, &picks), within: false },
            None => Target { within: false, ..Problem { without: self.without + 1, ..*self }.solve() },
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

    fn spread(&self, models: &[usize], classes: &[Vec<Choice>], picks: &[usize]) -> Vec<Option<Pick>> {
        let mut all = vec![None; self.demand.len()];
        for ((&model, class), &pick) in models.iter().zip(classes).zip(picks) {
            all[model] = Some(Pick { variant: class[pick].variant, batch: class[pick].batch });
        }
        all
    }
}
