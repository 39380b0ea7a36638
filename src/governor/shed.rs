//! Memory is gone: what is not kept goes first, and is replaced after. Next: [`apply`](super::apply).

use super::ladder::{Pick, Target};
use super::plan::Reason;
use super::sight::Sight;
use super::step::{Draft, Governor};
use super::switch::Aim;

/// A second shedding this soon after the first says that freed memory is taken as fast as it appears.
const SHED_AGAIN_MS: f64 = 1_500.0;
/// What such a second shedding aims at, as a share of the first's aim.
const SQUEEZE: f64 = 0.75;

impl Governor {
    /// Frees memory at once: whatever the target does not keep is retired now and replaced later.
    pub(super) fn shed(&mut self, sight: &Sight<'_>, draft: &mut Draft) {
        if self.ledger.awaits_memory() {
            return;
        }
        let again = self.last_shed.is_some_and(|last| sight.now.ms_since(last) < SHED_AGAIN_MS);
        self.squeeze = if again { self.squeeze * SQUEEZE } else { 1.0 };
        self.last_shed = Some(sight.now);
        if self.loading.iter().any(|loading| loading.aim == Aim::Spare) {
            self.abandon(sight, draft);
        }
        if self.spares_make_room(sight, draft, self.reason_down(sight)) {
            return;
        }
        let water = sight.water;
        let mut limits = self.limits(sight, water.memory_target, water.time_target);
        let squeezed = self.limits(sight, water.memory_target * self.squeeze, water.time_target).memory;
        let smallest = self.least_memory(sight).min(limits.memory);
        limits.memory = squeezed.max(smallest);
        let target = self.solve_downwards(&self.asked(), limits, sight);
        if !self.loading.is_empty() {
            self.abandon(sight, draft);
        }
        let reason = self.reason_down(sight);
        self.set_levels(sight, draft, target.levels, reason);
        self.set_caps(sight, draft, &target, reason);
        self.vacate(sight, draft, &target, reason);
        self.calm.lowered(sight.now);
    }

    /// Frees what the target does not keep. A model that it has no room for waits for some in its smallest variant: more often
    /// comes back than was believed to be held.
    pub(super) fn vacate(&mut self, sight: &Sight<'_>, draft: &mut Draft, target: &Target, reason: Reason) {
        for (at, pick) in target.picks.iter().enumerate() {
            let using = self.seats[at].using;
            if self.seats[at].off || using.is_some() && using == pick.map(|pick| pick.variant) {
                continue;
            }
            self.seats[at].want = pick.or_else(|| self.smallest(sight, at));
            if using.is_some() {
                let change = self.variant_change(at, using, pick.map(|pick| pick.variant));
                self.retire(sight.now, draft, at);
                self.decided(sight, draft, change, reason);
            }
        }
    }

    fn smallest(&self, sight: &Sight<'_>, at: usize) -> Option<Pick> {
        let (model, seat) = (&self.profile.models[at], &self.seats[at]);
        let batch = model.batches.first().copied().unwrap_or(1);
        let usable = |variant: &usize| {
            seat.may_try(sight.now, *variant) && self.policy.allows(&model.name, &model.variants[*variant].name)
        };
        let memory = |variant: &usize| model.variants[*variant].memory(batch);
        let variants = (0..model.variants.len()).filter(usable);
        variants.min_by(|a, b| memory(a).total_cmp(&memory(b))).map(|variant| Pick { variant, batch })
    }
}
