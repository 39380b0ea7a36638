//! Variants kept loaded beside those in use, so that a step down need not wait for one: where loading takes long, and only in
//! memory that nothing else wants. Whatever needs the room gets it at once. Next:
//! [`follow`](super::follow), what becomes of what was asked for.

use super::ladder::Pick;
use super::names::Elapsed;
use super::plan::Reason;
use super::policy::Lever;
use super::pressure;
use super::reading::Reading;
use super::seat::Seat;
use super::sight::Sight;
use super::step::{Change, Draft, Governor};
use super::switch::Aim;

/// Where a load takes at least this long, what would be switched to is loaded beforehand.
const SLOW_MS: f64 = 2_000.0;
/// Between two looks for something to load.
const LOOK_MS: f64 = 2_000.0;
/// What would be switched to if so many times as much were asked for,
const SURGE: f64 = 2.0;
/// and so many times as many looks at faces: a crowd comes faster than cameras do.
const CROWD: f64 = 10.0;

impl Governor {
    /// Loads one variant that would be switched to if much more were asked for, if there is memory nobody wants.
    pub(super) fn prepare(&mut self, sight: &Sight<'_>, draft: &mut Draft) {
        let busy = !self.loading.is_empty() || self.ledger.awaits_memory() || self.seats.iter().any(Seat::is_vacant);
        if busy || sight.now < self.next_spare || !self.loads_slowly() || self.door.is_busy() {
            return;
        }
        self.next_spare = sight.now.plus_ms(LOOK_MS);
        let models = self.asked().into_iter().zip(&self.profile.models);
        let asked = models.map(|(asked, model)| asked * if model.looks_at_followed() { CROWD } else { SURGE });
        let asked: Vec<f64> = asked.collect();
        let limits = self.limits(sight, sight.water.memory_target, sight.water.time_target);
        let target = self.solve_downwards(&asked, limits, sight);
        let room = sight.ceiling * sight.water.memory_low - self.planned();
        let lacks = |(at, pick): &(usize, Pick)| {
            let variant = &self.profile.models[*at].variants[pick.variant];
            self.seats[*at].spare.is_none() && variant.memory(pick.batch) <= room
        };
        let wanted = self.differing(&target).into_iter().filter(lacks);
        let relief = |(at, pick): &(usize, Pick)| self.relief(sight, *at, *pick);
        let Some((at, pick)) = wanted.max_by(|a, b| relief(a).total_cmp(&relief(b))) else { return };
        let change = self.spare_change(at, pick.variant, "loaded beside");
        self.load(sight.now, draft, (at, pick), Aim::Spare);
        self.decided(sight, draft, change, Reason::Prepare);
    }

    /// What is kept beside the variant in use, where it relieves as much as the one picked: that would have to be loaded.
    pub(super) fn at_hand(&self, sight: &Sight<'_>, at: usize, pick: Pick) -> Pick {
        let spare = self.seats[at].spare.map(|variant| Pick { variant, ..pick });
        spare.filter(|spare| self.relief(sight, at, *spare) >= self.relief(sight, at, pick)).unwrap_or(pick)
    }

    fn loads_slowly(&self) -> bool {
        self.profile.models.iter().flat_map(|model| &model.variants).any(|variant| variant.load_ms >= SLOW_MS)
    }

    /// Once another variant is in use, the old one is kept if there is memory nobody wants, and dropped otherwise.
    pub(super) fn keep_or_retire(&mut self, (now, reading): (Elapsed, &Reading), draft: &mut Draft, at: usize) {
        let ceiling = pressure::ceiling(reading, &self.policy);
        let room = ceiling * self.policy.water.of(ceiling).memory_low;
        let keeps = self.loads_slowly() && self.seats[at].spare.is_none() && self.planned() <= room;
        if keeps {
            self.seats[at].spare = self.seats[at].using.take();
        } else {
            self.retire(now, draft, at);
        }
    }

    /// Drops every spare; how many bytes come back.
    pub(super) fn drop_spares(&mut self, sight: &Sight<'_>, draft: &mut Draft, reason: Reason) -> f64 {
        let mut bytes = 0.0;
        for at in 0..self.seats.len() {
            let Some(spare) = self.seats[at].spare.take() else { continue };
            bytes += self.ledger.held_by(&self.profile, at, spare);
            self.drop(sight.now, draft, at, spare);
            let change = self.spare_change(at, spare, "dropped");
            self.decided(sight, draft, change, reason);
        }
        self.next_spare = sight.now.plus_ms(5.0 * LOOK_MS);
        bytes
    }

    /// What is being loaded for later is wanted now.
    pub(super) fn adopt(&mut self) {
        for loading in &mut self.loading {
            loading.aim = if loading.aim == Aim::Spare { Aim::Lower } else { loading.aim };
        }
    }

    fn spare_change(&self, at: usize, variant: usize, to: &str) -> Change {
        let (model, variant) = self.names(at, variant);
        Change { lever: Lever::Precision, subject: model.to_string(), from: variant.to_string(), to: to.to_owned() }
    }

    /// Whether what a step down must free is freed by dropping spares.
    pub(super) fn spares_make_room(&mut self, sight: &Sight<'_>, draft: &mut Draft, reason: Reason) -> bool {
        let bytes = self.drop_spares(sight, draft, reason);
        bytes > 0.0 && sight.reading.memory.ours as f64 - bytes <= sight.ceiling * sight.water.memory_target
    }
}
