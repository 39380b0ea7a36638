//! How one variant replaces another: load, use, retire, one at a time. Only seats that are empty are filled side by side.
//!
//! Make before break where both fit; otherwise break before make, and the stage passes items through unasked in between.
//! Next:
//! [`spares`](super::spares), what is kept beside.

use super::ladder::Pick;
use super::names::{Elapsed, ModelName, VariantName};
use super::plan::{Move, Reason};
use super::policy::Lever;
use super::profile::VariantProfile;
use super::sight::Sight;
use super::step::{Change, Draft, Governor};

/// What a load is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aim {
    /// A step up.
    Raise,
    /// A step down.
    Lower,
    /// A seat that is empty.
    Fill,
    /// To be there when it is wanted.
    Spare,
}

/// The load under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Loading {
    pub(super) model: usize,
    pub(super) pick: Pick,
    pub(super) aim: Aim,
    /// Whether it is there already, kept beside another: then it takes no memory, and says nothing of how long a load takes.
    pub(super) there: bool,
    pub(super) since: Elapsed,
}

impl Governor {
    /// Begins to replace the variant of `model`; false if there is no room for it, not even after retiring the old.
    pub(super) fn begin(
        &mut self,
        sight: &Sight<'_>,
        draft: &mut Draft,
        at: usize,
        pick: Pick,
        reason: Reason,
    ) -> bool {
        if !self.loading.is_empty() || self.ledger.awaits_memory() {
            return false;
        }
        let using = self.seats[at].using;
        let quality = |variant: usize| self.profile.models[at].variants[variant].quality;
        let rises = using.is_some_and(|using| quality(pick.variant) > quality(using));
        let variant = &self.profile.models[at].variants[pick.variant];
        let there = self.seats[at].spare == Some(pick.variant);
        let (need, gap_ms) = (if there { 0.0 } else { variant.memory(pick.batch) }, variant.load_ms);
        let change = self.variant_change(at, self.seats[at].variant(), Some(pick.variant));
        if need <= self.room(sight) {
            self.load(sight.now, draft, (at, pick), if rises { Aim::Raise } else { Aim::Lower });
        } else if self.drop_spares(sight, draft, reason) > 0.0 {
            return false; // there is more room at one of the next readings
        } else {
            let Some(old) = using else { return false };
            let freed = self.profile.models[at].variants[old].memory(self.seats[at].cap);
            let too_long = reason == Reason::RoomToRaise && gap_ms > self.policy.dwell.longest_gap_ms;
            if too_long || need > self.room(sight) + freed {
                return false;
            }
            self.retire(sight.now, draft, at);
            self.seats[at].want = Some(pick);
        }
        self.decided(sight, draft, change, reason);
        true
    }

    /// Loads one model that has no variant: what it should have, or the best below that which fits.
    pub(super) fn fill_vacancy(&mut self, sight: &Sight<'_>, draft: &mut Draft) {
        if self.loading.iter().any(|loading| loading.aim != Aim::Fill) || self.ledger.awaits_memory() {
            return;
        }
        let waits = |at: usize| self.loading.iter().any(|loading| loading.model == at);
        let vacant = |at: &usize| self.seats[*at].is_vacant() && !waits(*at);
        let found = (0..self.seats.len()).filter(vacant).find_map(|at| Some((at, self.best_that_fits(sight, at)?)));
        let Some((at, pick)) = found else { return };
        self.load(sight.now, draft, (at, pick), Aim::Fill);
        let change = self.variant_change(at, None, Some(pick.variant));
        self.decided(sight, draft, change, Reason::FillVacancy);
    }

    /// Whether a model stands empty because nothing of what it may run fits: others have to make room.
    pub(super) fn lacks_room(&self, sight: &Sight<'_>) -> bool {
        let busy = !self.loading.is_empty() || self.ledger.awaits_memory();
        !busy && (0..self.seats.len()).any(|at| self.seats[at].is_vacant() && self.nothing_fits(sight, at))
    }

    fn nothing_fits(&self, sight: &Sight<'_>, at: usize) -> bool {
        let (model, room) = (&self.profile.models[at], self.room(sight));
        let smallest = model.batches.first().copied().unwrap_or(1);
        let most = self.quality(at).unwrap_or(1.0);
        let mut usable = model
            .variants
            .iter()
            .filter(|variant| variant.quality <= most && self.policy.allows(&model.name, &variant.name));
        usable.all(|variant| variant.memory(smallest) > room)
    }

    fn best_that_fits(&self, sight: &Sight<'_>, at: usize) -> Option<Pick> {
        let (want, room) = (self.seats[at].want?, self.room(sight));
        let model = &self.profile.models[at];
        let most = model.variants[want.variant].quality;
        let usable = |(position, variant): &(usize, &VariantProfile)| {
            let allowed = self.policy.allows(&model.name, &variant.name);
            variant.quality <= most && allowed && self.seats[at].may_try(sight.now, *position)
        };
        let mut candidates: Vec<_> = model.variants.iter().enumerate().filter(usable).collect();
        candidates.sort_by(|a, b| b.1.quality.total_cmp(&a.1.quality).then(a.0.cmp(&b.0)));
        let smallest = model.batches.first().copied().unwrap_or(1);
        candidates.into_iter().find_map(|(variant, profile)| {
            let batch = [want.batch, smallest].into_iter().find(|&batch| profile.memory(batch) <= room)?;
            Some(Pick { variant, batch })
        })
    }

    pub(super) fn load(&mut self, now: Elapsed, draft: &mut Draft, (at, pick): (usize, Pick), aim: Aim) {
        let (model, variant) = self.names(at, pick.variant);
        draft.moves.push(Move::Load { model, variant, batch: pick.batch });
        let there = self.seats[at].spare == Some(pick.variant);
        self.seats[at].spare = self.seats[at].spare.filter(|_| !there);
        self.loading.push(Loading { model: at, pick, aim, there, since: now });
    }

    /// Retires the variant in use, if one is.
    pub(super) fn retire(&mut self, now: Elapsed, draft: &mut Draft, at: usize) {
        if let Some(using) = self.seats[at].using.take() {
            self.drop(now, draft, at, using);
        }
    }

    pub(super) fn drop(&mut self, now: Elapsed, draft: &mut Draft, at: usize, variant: usize) {
        let (model, name) = self.names(at, variant);
        draft.moves.push(Move::Retire { model, variant: name });
        self.ledger.leave(now, at, variant);
    }

    /// Calls off what is being loaded.
    pub(super) fn abandon(&mut self, sight: &Sight<'_>, draft: &mut Draft) {
        for loading in std::mem::take(&mut self.loading) {
            let (model, variant) = self.names(loading.model, loading.pick.variant);
            draft.moves.push(Move::Retire { model, variant });
            let using = self.seats[loading.model].using;
            let change = self.variant_change(loading.model, Some(loading.pick.variant), using);
            self.decided(sight, draft, change, Reason::Abandoned);
        }
    }

    /// Calls off what is being loaded for a model that is switched off.
    pub(super) fn call_off(&mut self, draft: &mut Draft, at: usize) {
        if let Some(loading) = self.loading.iter().find(|loading| loading.model == at).copied() {
            let (model, variant) = self.names(at, loading.pick.variant);
            draft.moves.push(Move::Retire { model, variant });
            self.loading.retain(|loading| loading.model != at);
        }
    }

    /// Bytes that may be allocated now, after everything asked for is there.
    pub(super) fn room(&self, sight: &Sight<'_>) -> f64 {
        sight.ceiling * sight.water.memory_high - self.planned()
    }

    pub(super) fn names(&self, at: usize, variant: usize) -> (ModelName, VariantName) {
        let model = &self.profile.models[at];
        (model.name.clone(), model.variants[variant].name.clone())
    }

    /// A change of variant as a decision, under the lever it pulls.
    pub(super) fn variant_change(&self, at: usize, from: Option<usize>, to: Option<usize>) -> Change {
        let model = &self.profile.models[at];
        let lever = match (from, to) {
            (Some(from), Some(to)) if model.variants[from].pixels != model.variants[to].pixels => Lever::InputSize,
            (Some(_), Some(_)) => Lever::Precision,
            _ => Lever::OptionalStages,
        };
        let word = |variant: Option<usize>| variant.map_or("none".to_owned(), |v| model.variants[v].name.to_string());
        Change { lever, subject: model.name.to_string(), from: word(from), to: word(to) }
    }
}
