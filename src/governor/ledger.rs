//! What this process holds, item by item, against what the device says it holds.
//!
//! Each loaded variant is entered with the largest batch it was allowed to run, because an arena that has grown keeps its
//! size until the variant is retired or shrunk. What the entries do not explain is overhead: the runtime, decoder
//! surfaces, queues, fragments. Next: [`calm`](super::calm), when to move again.

use super::names::Elapsed;
use super::profile::Profile;

/// A retirement nobody confirmed within this is believed anyway; the next balance shows what really came back.
const CONFIRMED_WITHIN_MS: f64 = 3_000.0;

/// A loaded variant.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Entry {
    model: usize,
    variant: usize,
    batch: u32,
    /// Retired then, and its memory is not back yet.
    leaving: Option<Elapsed>,
}

/// The book.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    entries: Vec<Entry>,
    overhead: f64,
}

impl Ledger {
    /// `variant` is loaded, ready for `batch`.
    pub(super) fn enter(&mut self, model: usize, variant: usize, batch: u32) {
        self.remove(model, variant);
        self.entries.push(Entry { model, variant, batch, leaving: None });
    }

    /// Its retirement was asked for.
    pub(super) fn leave(&mut self, now: Elapsed, model: usize, variant: usize) {
        for entry in &mut self.entries {
            if (entry.model, entry.variant) == (model, variant) {
                entry.leaving = Some(now);
            }
        }
    }

    /// Stops waiting for retirements that nobody confirmed.
    pub(super) fn give_up_waiting(&mut self, now: Elapsed) {
        self.entries.retain(|entry| entry.leaving.is_none_or(|since| now.ms_since(since) < CONFIRMED_WITHIN_MS));
    }

    /// Its memory is back.
    pub(super) fn remove(&mut self, model: usize, variant: usize) {
        self.entries.retain(|entry| (entry.model, entry.variant) != (model, variant));
    }

    /// Whether memory is still on its way back.
    pub(super) fn awaits_memory(&self) -> bool {
        self.entries.iter().any(|entry| entry.leaving.is_some())
    }

    /// A larger batch was allowed, or the workspace beyond a smaller one given back.
    pub(super) fn set_batch(&mut self, model: usize, variant: usize, batch: u32) {
        for entry in &mut self.entries {
            if (entry.model, entry.variant) == (model, variant) {
                entry.batch = batch;
            }
        }
    }

    /// Compares the book with `ours`; not while `loading`, when part of an unentered variant is already there.
    pub(super) fn balance(&mut self, ours: u64, profile: &Profile, loading: bool) {
        if !loading {
            self.overhead = (ours as f64 - self.explained(profile)).max(0.0);
        }
    }

    /// What is loaded: model, variant, largest batch.
    pub(super) fn entries(&self) -> impl Iterator<Item = (usize, usize, u32)> {
        self.entries.iter().map(|entry| (entry.model, entry.variant, entry.batch))
    }

    /// Bytes held that no entry explains.
    pub(super) fn overhead(&self) -> f64 {
        self.overhead
    }

    /// Bytes held, by the book or by the device, whichever is more.
    pub(super) fn held(&self, profile: &Profile) -> f64 {
        self.overhead + self.explained(profile)
    }

    /// Bytes of a loaded variant.
    pub(super) fn held_by(&self, profile: &Profile, model: usize, variant: usize) -> f64 {
        let mut entries = self.entries.iter().filter(|entry| (entry.model, entry.variant) == (model, variant));
        entries.next().map_or(0.0, |entry| profile.models[model].variants[variant].memory(entry.batch))
    }

    fn explained(&self, profile: &Profile) -> f64 {
        let memory = |entry: &Entry| profile.models[entry.model].variants[entry.variant].memory(entry.batch);
        self.entries.iter().map(memory).sum()
    }
}
