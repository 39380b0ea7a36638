//! Levers taken in the deployment's order, one by one. Next: [`sparing`](super::sparing), looks at faces.

use super::knapsack::{self, Choice};
use super::ladder::{Found, Pick, Problem, Target};
use super::levels::{Levels, best_allowed, with_precision, with_size};
use super::policy::Lever;
use super::profile::VariantProfile;

impl Problem<'_> {
    /// With the variants found, moves back what is cheaper than they are.
    pub(super) fn settle_around(&mut self, mut found: Found, cheap: &[Lever]) -> Target {
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
    pub(super) fn needed(&self, levels: Levels, picks: &[Option<Pick>]) -> Levels {
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

    /// The levers to settle one by one, dearest first: down to the last that changes variants, and those cheaper than that.
    /// Those that are weighed against each other are not among them: the knapsack has all of their positions to choose from.
    pub(super) fn order_around_variants(&self) -> (Vec<Lever>, Vec<Lever>) {
        let dearest_first: Vec<Lever> = self.policy.order.iter().rev().copied().collect();
        let last = dearest_first.iter().rposition(|lever| matches!(lever, Lever::InputSize | Lever::Precision));
        let (dear, cheap) = dearest_first.split_at(last.map_or(0, |last| last + 1));
        let settled = |levers: &[Lever]| levers.iter().copied().filter(|lever| !self.weighed(*lever)).collect();
        (settled(dear), settled(cheap))
    }

    /// Moves one lever back to the smallest position that still works, taking it that further works if less far does. Where
    /// interval and rate do not divide that is not quite so (see `of_those_taken`): then what is found works, but a smaller
    /// one may.
    pub(super) fn settle(&self, levels: &mut Levels, lever: Lever) {
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
}
