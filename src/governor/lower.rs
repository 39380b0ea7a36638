//! Every step down: lower what has to go, ease while a switch is under way. Next:
//! [`shed`](super::shed).

use super::ladder::{Pick, Target};
use super::levels::Levels;
use super::plan::Reason;
use super::sight::Sight;
use super::step::{Draft, Governor};
use super::switch::Aim;

/// A switch that takes longer than this is bridged by levers that act at once.
const BRIDGE_MS: f64 = 500.0;
/// And one that takes longer than this by stages switched off as well.
const LONG_BRIDGE_MS: f64 = 2_000.0;
/// Events later than the objective make a step down aim at less time, down to this many times less.
const LATEST: f64 = 1.25;
/// The same where they stay late through steps down: those were too small, as what is asked for was believed too small.
const LATEST_FOR_LONG: f64 = 2.0;

impl Governor {
    /// Finds the least to give up; begins with the switch that relieves most.
    pub(super) fn lower(&mut self, sight: &Sight<'_>, draft: &mut Draft) {
        let water = sight.water;
        let short = sight.load.memory > water.memory_high || self.lacks_room(sight);
        if short && self.spares_make_room(sight, draft, Reason::MemoryHigh) {
            return;
        }
        if !short && self.calm.has_switched_enough(sight.now) {
            self.bridge(sight, draft, true);
            return self.blame_strain(sight);
        }
        // While more is asked for than can be done, what is asked for cannot be measured; how late events are can.
        let time = water.time_target / self.lateness(sight);
        let limits = self.limits(sight, water.memory_target, time);
        let target = self.solve_downwards(&self.asked(), limits, sight);
        if self.unchanged(&target) {
            return self.blame_strain(sight);
        }
        self.step_down(sight, draft, &target);
    }

    fn step_down(&mut self, sight: &Sight<'_>, draft: &mut Draft, target: &Target) {
        let (reason, before) = (self.reason_down(sight), draft.decisions.len());
        self.set_levels(sight, draft, target.levels, reason);
        self.set_caps(sight, draft, target, reason);
        for (at, pick) in self.order_of_relief(sight, target) {
            if self.begin(sight, draft, at, pick, reason) {
                break;
            }
        }
        if draft.decisions.len() > before {
            self.calm.lowered(sight.now);
        }
    }

    /// Variants to change: what is kept beside those in use first, as it is there at once, then what relieves most.
    fn order_of_relief(&self, sight: &Sight<'_>, target: &Target) -> Vec<(usize, Pick)> {
        let differing = self.differing(target).into_iter();
        let mut order: Vec<_> = differing.map(|(at, pick)| (at, self.at_hand(sight, at, pick))).collect();
        let rank = |at: usize, pick: Pick| (self.seats[at].spare == Some(pick.variant), self.relief(sight, at, pick));
        order.sort_by(|(a, pick_a), (b, pick_b)| {
            let ((there_a, relief_a), (there_b, relief_b)) = (rank(*a, *pick_a), rank(*b, *pick_b));
            there_b.cmp(&there_a).then(relief_b.total_cmp(&relief_a)).then(a.cmp(b))
        });
        order
    }

    /// How many times too much is asked for, going by how late events are.
    fn lateness(&self, sight: &Sight<'_>) -> f64 {
        if self.calm.stays_late(sight.now) {
            return self.latency(sight.reading).clamp(1.0, LATEST_FOR_LONG);
        }
        sight.load.latency.clamp(1.0, LATEST)
    }

    /// Events are late, the sums see no reason, and there is nothing left to try but to trust them less.
    pub(super) fn blame_strain(&mut self, sight: &Sight<'_>) {
        if sight.load.latency > 1.0 && self.pace.strained() {
            self.calm.changed(sight.now);
        }
    }

    /// Share of memory plus share of time that a switch would free.
    pub(super) fn relief(&self, sight: &Sight<'_>, at: usize, pick: Pick) -> f64 {
        let model = &self.profile.models[at];
        let cost = |variant: usize, batch: u32| {
            let variant = &model.variants[variant];
            let time = self.demand.items[at] * variant.item_cost_ms(f64::from(batch)) / 1000.0 / sight.lanes;
            variant.memory(batch) / sight.ceiling.max(1.0) + time
        };
        let now = self.seats[at].variant().map_or(0.0, |variant| cost(variant, self.seats[at].largest_batch()));
        now - cost(pick.variant, pick.batch)
    }

    /// Pressure while a switch is under way: a step up is called off. A step down is left to finish; if it takes long, the
    /// levers that act at once bridge the time.
    pub(super) fn ease(&mut self, sight: &Sight<'_>, draft: &mut Draft) {
        let Some(&loading) = self.loading.first() else { return };
        if loading.aim == Aim::Spare && sight.load.memory > sight.water.memory_high {
            return self.abandon(sight, draft);
        }
        self.adopt();
        if loading.aim == Aim::Raise {
            self.abandon(sight, draft);
            self.calm.lowered(sight.now);
        } else if sight.now.ms_since(loading.since) > BRIDGE_MS {
            self.bridge(sight, draft, false);
        }
    }

    /// Pulls only the levers that act at once, both ways: of a stage switched off nothing is back at once, so looks are put off
    /// before that.
    pub(super) fn bridge(&mut self, sight: &Sight<'_>, draft: &mut Draft, batches: bool) {
        let water = sight.water;
        let limits = self.limits(sight, water.memory_high, water.time_target);
        let kept = |at: usize, quality: f64| self.quality(at).is_none_or(|now| (quality - now).abs() < 1e-12);
        let (least, furthest) =
            (Levels { size: 0, precision: 0, ..self.levels }, Levels::furthest(&self.policy, false));
        let waited = self.loading.first().map_or(0.0, |loading| sight.now.ms_since(loading.since));
        let looks_first = self.policy.weigh && self.profile.looks_at_followed() && waited < LONG_BRIDGE_MS;
        let off = if looks_first { self.levels.off } else { furthest.off };
        let target = self.solve(&self.asked(), limits, (least, Levels { off, ..furthest }), kept, sight);
        let levels = Levels { size: self.levels.size, precision: self.levels.precision, ..target.levels };
        let (reason, before) = (self.reason_down(sight), draft.decisions.len());
        self.set_levels(sight, draft, levels, reason);
        if batches {
            self.set_caps(sight, draft, &target, reason);
        }
        if draft.decisions.len() > before {
            self.calm.lowered(sight.now);
        }
    }

    pub(super) fn reason_down(&self, sight: &Sight<'_>) -> Reason {
        let (load, water) = (&sight.load, &sight.water);
        if load.allocation_failed {
            Reason::OutOfMemory
        } else if load.memory >= 0.98 {
            Reason::MemoryCritical
        } else if load.memory > water.memory_high || self.lacks_room(sight) {
            Reason::MemoryHigh
        } else if load.time > water.time_high {
            Reason::TimeHigh
        } else {
            Reason::LatencyOver
        }
    }
}
