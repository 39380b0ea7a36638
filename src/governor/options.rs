//! What there is to choose from: every variant and batch of every model, with what it costs now.
//!
//! Worked out once a problem. Levels only scale it (a longer interval thins one model's work, a lower rate everybody's),
//! so a choice that cannot be part of a best answer at one level cannot be at another and is dropped before any search.
//! Next: [`demand`](super::demand).

use std::cell::OnceCell;

use super::knapsack::{self, Choice};
use super::ladder::{Pick, Problem};
use super::levels::{Levels, best_allowed, thinning, tracked_worth, with_precision, with_size};
use super::profile::ModelProfile;

/// Work a second that counts when a model is asked for nothing, so that idle models still prefer quality.
const IDLE_DEMAND: f64 = 0.1;

/// The choices of each model.
type Classes = Vec<Vec<Choice>>;

/// One way to run a model with no lever pulled, and which levers must be pulled to allow it.
#[derive(Clone, Copy, Debug)]
struct Dish {
    choice: Choice,
    size: bool,
    precision: bool,
}

/// All dishes of a problem, and what is left of them once pruned: for each of the four ways that the size and precision
/// levers can stand, for the most value and for the least time.
#[derive(Debug, Default)]
pub(super) struct Menu {
    dishes: Vec<Vec<Dish>>,
    worthy: [OnceCell<Classes>; 4],
    quick: [OnceCell<Classes>; 4],
}

impl Menu {
    pub(super) fn new(problem: &Problem<'_>, usable: &[Vec<bool>]) -> Self {
        let models = problem.profile.models.iter().enumerate();
        Self { dishes: models.map(|(at, model)| dishes(problem, at, model, &usable[at])).collect(), ..Self::default() }
    }

    /// Only the variants picked, at any of their batches.
    pub(super) fn only(&self, picks: &[Option<Pick>]) -> Self {
        let kept = |(dishes, pick): (&Vec<Dish>, &Option<Pick>)| {
            let picked = |dish: &&Dish| pick.is_some_and(|pick| pick.variant == dish.choice.variant);
            dishes.iter().filter(picked).copied().collect()
        };
        Self { dishes: self.dishes.iter().zip(picks).map(kept).collect(), ..Self::default() }
    }

    fn allowed(&self, levels: Levels, prune: fn(&mut Vec<Choice>)) -> Classes {
        let allowed = |dish: &&Dish| dish.size <= (levels.size > 0) && dish.precision <= (levels.precision > 0);
        let class = |dishes: &Vec<Dish>| {
            let mut class: Vec<Choice> = dishes.iter().filter(allowed).map(|dish| dish.choice).collect();
            prune(&mut class);
            class
        };
        self.dishes.iter().map(class).collect()
    }
}

fn dishes(problem: &Problem<'_>, at: usize, model: &ModelProfile, usable: &[bool]) -> Vec<Dish> {
    let best = best_allowed(problem.policy, model);
    let mut dishes = Vec::with_capacity(model.variants.len() * model.batches.len());
    for (position, variant) in model.variants.iter().enumerate().filter(|(position, _)| usable[*position]) {
        let size = best.is_some_and(|best| with_size(best, variant));
        let precision = best.is_some_and(|best| with_precision(best, variant));
        let value = problem.value_of(at, position);
        // Two runs must fit the model's share of the objective (one waiting, one running: Nexus). The smallest batch is
        // always a choice: a slow model beats none.
        let share_ms = model.share * problem.policy.latency_p95_ms;
        let in_time = |batch: u32| 2.0 * variant.batch_ms(f64::from(batch)) * problem.pace <= share_ms;
        for (place, &batch) in model.batches.iter().enumerate() {
            if place > 0 && !in_time(batch) {
                break;
            }
            let time = problem.demand[at] * variant.item_cost_ms(f64::from(batch)) * problem.pace / 1000.0;
            let choice = Choice { value, memory: variant.memory(batch), time, variant: position, batch };
            dishes.push(Dish { choice, size, precision });
        }
    }
    dishes
}

impl Problem<'_> {
    /// Models that are on at these levels, with the choices that can be part of an answer of most value.
    pub(super) fn worthy(&self, levels: Levels) -> (Vec<usize>, Classes) {
        let kept = self.menu.worthy[place(levels)].get_or_init(|| self.menu.allowed(levels, knapsack::prune));
        let (models, mut classes) = self.scaled(levels, kept);
        self.keep_what_workers_can(&models, &mut classes);
        (models, classes)
    }

    /// Leaves out what is too much for the threads that would run it, however idle the rest of the device is.
    pub(super) fn keep_what_workers_can(&self, models: &[usize], classes: &mut [Vec<Choice>]) {
        for (&at, class) in models.iter().zip(classes) {
            let most = self.workers_time(at);
            class.retain(|choice| choice.time <= most);
        }
    }

    fn workers_time(&self, at: usize) -> f64 {
        let workers = self.profile.models[at].workers;
        if self.unhurried || workers == 0 { f64::INFINITY } else { f64::from(workers) * self.policy.water.time_low }
    }

    /// The same for an answer that takes least, whatever it is worth.
    pub(super) fn quick(&self, levels: Levels) -> (Vec<usize>, Classes) {
        let kept = self.menu.quick[place(levels)].get_or_init(|| self.menu.allowed(levels, knapsack::prune_worth));
        self.scaled(levels, kept)
    }

    fn scaled(&self, levels: Levels, kept: &Classes) -> (Vec<usize>, Classes) {
        let models = self.on(levels);
        let classes = models.iter().map(|&at| {
            let (thinned, tracked) = self.scales(at, levels);
            let scale =
                |choice: &Choice| Choice { value: choice.value * tracked, time: choice.time * thinned, ..*choice };
            kept[at].iter().map(scale).collect()
        });
        let classes = classes.collect();
        (models, classes)
    }

    /// Models that are on.
    pub(super) fn on(&self, levels: Levels) -> Vec<usize> {
        let kept = self.profile.models.len().saturating_sub(self.without);
        (0..kept).filter(|&at| !levels.switches_off(self.policy, &self.profile.models[at])).collect()
    }

    /// What these levels leave of a model's work and of its worth.
    pub(super) fn scales(&self, at: usize, levels: Levels) -> (f64, f64) {
        let model = &self.profile.models[at];
        (thinning(self.policy, model, levels), tracked_worth(self.policy, model, levels))
    }

    /// Quality-weighted items a second of a variant with no lever pulled.
    pub(super) fn value_of(&self, at: usize, variant: usize) -> f64 {
        let model = &self.profile.models[at];
        model.weight * self.demand[at].max(IDLE_DEMAND) * model.variants[variant].quality
    }
}

/// Where the size and precision levers stand, as a position among four.
fn place(levels: Levels) -> usize {
    levels.size.min(1) + 2 * levels.precision.min(1)
}
