//! What became of what was asked for: variants that are ready, failed, gone or late, and batches that found no memory.
//! Next: [`door`](super::door).

use super::names::{Elapsed, ModelName, VariantName};
use super::plan::Move;
use super::reading::{Event, Reading};
use super::step::{Draft, Governor};
use super::switch::{Aim, Loading};

/// A load that takes longer than this many times its usual time, and a little, has failed.
const PATIENCE: f64 = 4.0;
/// The little.
const PATIENCE_MS: f64 = 5_000.0;
/// The same for what nobody waits for.
const UNHURRIED_MS: f64 = 60_000.0;

impl Governor {
    /// Takes in what happened to what was asked for.
    pub(super) fn follow_up(&mut self, now: Elapsed, reading: &Reading, draft: &mut Draft) {
        for event in &reading.events {
            match event {
                Event::Ready { model, variant, bytes } => self.ready((now, reading), draft, (model, variant), *bytes),
                Event::Failed { model, variant, out_of_memory } => self.failed(now, (model, variant), *out_of_memory),
                Event::Retired { model, variant } => {
                    if let Some((at, position)) = self.find((model, variant)) {
                        self.ledger.remove(at, position);
                    }
                }
                Event::OutOfMemory { model, batch } => self.ran_out(draft, model, *batch),
            }
        }
        self.time_out(now, draft);
    }

    fn ready(
        &mut self,
        (now, reading): (Elapsed, &Reading),
        draft: &mut Draft,
        names: (&ModelName, &VariantName),
        bytes: Option<u64>,
    ) {
        let Some((at, variant)) = self.find(names) else { return };
        let (model, name) = self.names(at, variant);
        let mut expected = self.expected(at, variant);
        if expected.is_some_and(|loading| loading.aim == Aim::Raise && self.pressed) {
            // What was asked for in better times is not used in worse.
            expected = None;
            self.calm.lowered(now);
        }
        let Some(loading) = expected else {
            // Called off, but it came all the same.
            if self.seats[at].using != Some(variant) {
                draft.moves.push(Move::Retire { model, variant: name });
            }
            return;
        };
        if let Some(bytes) = bytes {
            self.profile.models[at].variants[variant].learn_memory(loading.pick.batch, bytes);
        }
        if !loading.there {
            self.profile.models[at].variants[variant].learn_load(now.ms_since(loading.since));
        }
        if loading.aim == Aim::Spare {
            self.ledger.enter(at, variant, loading.pick.batch);
            self.seats[at].spare = Some(variant);
            return;
        }
        draft.moves.push(Move::Use { model, variant: name });
        if loading.aim != Aim::Fill || self.seats[at].filled {
            self.calm.switched(now);
        }
        self.ledger.enter(at, variant, loading.pick.batch);
        self.keep_or_retire((now, reading), draft, at);
        let seat = &mut self.seats[at];
        (seat.using, seat.want, seat.cap, seat.filled) = (Some(variant), None, loading.pick.batch, true);
        self.calm.changed(now);
    }

    fn failed(&mut self, now: Elapsed, names: (&ModelName, &VariantName), out_of_memory: bool) {
        let Some((at, variant)) = self.find(names) else { return };
        if out_of_memory {
            self.profile.models[at].variants[variant].raise_memory();
        }
        if self.expected(at, variant).is_some() {
            self.seats[at].bar(now, variant);
        }
    }

    fn ran_out(&mut self, draft: &mut Draft, model: &ModelName, batch: u32) {
        let Some(at) = self.profile.model(model) else { return };
        let smaller = self.profile.models[at].batches.iter().rev().copied().find(|&other| other < batch);
        let seat = &mut self.seats[at];
        seat.batch.halve();
        seat.cap = seat.cap.min(smaller.unwrap_or(1)).max(1);
        draft.moves.push(Move::Shrink { model: model.clone(), batch: seat.cap });
        if let Some(variant) = seat.using {
            self.profile.models[at].variants[variant].raise_memory();
            self.ledger.set_batch(at, variant, self.seats[at].cap);
        }
    }

    fn time_out(&mut self, now: Elapsed, draft: &mut Draft) {
        let too_long = |loading: &Loading| {
            let usual = self.profile.models[loading.model].variants[loading.pick.variant].load_ms;
            let little = if loading.aim == Aim::Spare { UNHURRIED_MS } else { PATIENCE_MS };
            now.ms_since(loading.since) > PATIENCE * usual + little
        };
        let (late, waiting): (Vec<Loading>, _) = self.loading.iter().copied().partition(too_long);
        self.loading = waiting;
        for loading in late {
            self.profile.models[loading.model].variants[loading.pick.variant].learn_load(now.ms_since(loading.since));
            self.seats[loading.model].bar(now, loading.pick.variant);
            let (model, variant) = self.names(loading.model, loading.pick.variant);
            draft.moves.push(Move::Retire { model, variant });
        }
    }

    /// Strikes a load off the list, if it is the one expected.
    fn expected(&mut self, at: usize, variant: usize) -> Option<Loading> {
        let is = |loading: &Loading| (loading.model, loading.pick.variant) == (at, variant);
        self.loading.iter().position(is).map(|position| self.loading.remove(position))
    }

    fn find(&self, (model, variant): (&ModelName, &VariantName)) -> Option<(usize, usize)> {
        let at = self.profile.model(model)?;
        Some((at, self.profile.models[at].variant(variant)?))
    }
}
