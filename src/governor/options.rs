//! What there is to choose from: every variant and batch of every model that is on, with what it costs now. Next:
//! [`demand`](super::demand).

use super::knapsack::{self, Choice};
use super::ladder::Problem;
use super::levels::{Levels, best_allowed, permitted, thinning};
use super::profile::ModelProfile;

/// Work a second that counts when a model is asked for nothing, so that idle models still prefer quality.
const IDLE_DEMAND: f64 = 0.1;

impl Problem<'_> {
    /// The classes without choices that cannot be part of a best answer.
    pub(super) fn thin(&self, levels: Levels) -> (Vec<usize>, Vec<Vec<Choice>>) {
        let (models, mut classes) = self.classes(levels);
        classes.iter_mut().for_each(knapsack::prune);
        (models, classes)
    }

    /// The choices of every model that is on, and which models those are.
    pub(super) fn classes(&self, levels: Levels) -> (Vec<usize>, Vec<Vec<Choice>>) {
        let on = |(_, model): &(usize, &ModelProfile)| !levels.switches_off(self.policy, model);
        let kept = self.profile.models.len().saturating_sub(self.without);
        let models: Vec<usize> =
            self.profile.models.iter().enumerate().take(kept).filter(on).map(|(at, _)| at).collect();
        let classes = models.iter().map(|&at| self.class(at, levels)).collect();
        (models, classes)
    }

    pub(super) fn class(&self, at: usize, levels: Levels) -> Vec<Choice> {
        let model = &self.profile.models[at];
        let best = best_allowed(self.policy, model);
        let mut class = Vec::with_capacity(model.variants.len() * model.batches.len());
        for (position, variant) in model.variants.iter().enumerate() {
            let usable = self.usable[at][position] && best.is_none_or(|best| permitted(levels, best, variant));
            if usable {
                self.add_batches(&mut class, at, position, levels);
            }
        }
        class
    }

    /// One choice a batch whose two runs fit the model's share of the objective (one waiting, one running: Nexus). The
    /// smallest batch is always a choice: a slow model beats none.
    pub(super) fn add_batches(&self, class: &mut Vec<Choice>, at: usize, position: usize, levels: Levels) {
        let model = &self.profile.models[at];
        let variant = &model.variants[position];
        let asked = self.demand[at] * thinning(self.policy, model, levels);
        let interval = levels.interval(self.policy);
        let tracked = if model.follows_interval { self.policy.interval_worth(interval) } else { 1.0 };
        for (place, &batch) in model.batches.iter().enumerate() {
            let late = 2.0 * variant.batch_ms(f64::from(batch)) * self.pace > model.share * self.policy.latency_p95_ms;
            if late && place > 0 {
                return;
            }
            class.push(Choice {
                value: model.weight * self.demand[at].max(IDLE_DEMAND) * variant.quality * tracked,
                memory: variant.memory(batch),
                time: asked * variant.item_cost_ms(f64::from(batch)) * self.pace / 1000.0,
                variant: position,
                batch,
            });
        }
    }
}
