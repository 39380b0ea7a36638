//! The journal as the outbox uses it: a full disk must not silence an alarm, so events go on to subscribers even when they
//! cannot be written; they wait here, and are written as soon as the disk has room.

use std::{collections::BTreeMap, time::Duration};

use super::{
    journal::{Journal, JournalError},
    sink::Recorded,
    wire::UtcMicros,
};

/// Events kept in memory while the journal cannot be written.
const UNKEPT: usize = 8_192;
/// A journal that failed is tried again this often: each try opens its file anew.
const RETRY: Duration = Duration::from_secs(1);

/// Writes events down, later if it must.
#[derive(Debug)]
pub(super) struct Keeper {
    journal: Option<Journal>,
    /// Handed on, but not in the journal yet.
    waiting: Vec<Recorded>,
    /// When writing failed last; `None` while it works.
    failed: Option<UtcMicros>,
    /// Numbers let go of, first and last, by source.
    dropped: BTreeMap<String, (u64, u64)>,
}

impl Keeper {
    pub(super) fn new(journal: Option<Journal>) -> Self {
        Self { journal, waiting: Vec::new(), failed: None, dropped: BTreeMap::new() }
    }

    /// Whether there is a journal.
    pub(super) fn keeps(&self) -> bool {
        self.journal.is_some()
    }

    /// Writes these events and those that wait; answers with how many of these go on without having been written.
    pub(super) fn keep(&mut self, recorded: &[Recorded], now: UtcMicros) -> u64 {
        let Some(journal) = &mut self.journal else {
            return 0;
        };
        self.waiting.extend_from_slice(recorded);
        if self.waiting.is_empty() {
            return 0;
        }
        if self.failed.is_none_or(|failed| is_due(failed, now)) {
            match journal.write(&self.waiting, now) {
                Ok(()) => self.written(),
                Err(cause) => self.not_written(&cause, now),
            }
        }
        // Afterwards: a process killed before the commit must not leave numbers counted that nobody ever had.
        self.given(recorded);
        self.bound();
        if self.failed.is_some() { recorded.len() as u64 } else { 0 }
    }

    fn given(&mut self, recorded: &[Recorded]) {
        if let Some(journal) = &mut self.journal {
            journal.given(recorded);
        }
    }

    /// Ranges let go of, once the journal can be written again and can keep the news of it.
    pub(super) fn take_dropped(&mut self) -> BTreeMap<String, (u64, u64)> {
        if self.failed.is_some() { BTreeMap::new() } else { std::mem::take(&mut self.dropped) }
    }

    fn written(&mut self) {
        self.waiting.clear();
        if self.failed.take().is_some() {
            self.mark(false);
            tracing::info!("the event journal can be written again");
        }
    }

    fn not_written(&mut self, cause: &JournalError, now: UtcMicros) {
        if self.failed.replace(now).is_none() {
            tracing::error!(%cause, "events are published without being kept until the journal can be written again");
            self.mark(true);
        }
    }

    fn mark(&mut self, unkept: bool) {
        if let Some(journal) = &mut self.journal {
            journal.mark_unkept(unkept);
        }
    }

    /// Lets the oldest go when too many wait, and remembers which.
    fn bound(&mut self) {
        let beyond = self.waiting.len().saturating_sub(UNKEPT);
        for Recorded { event, .. } in self.waiting.drain(..beyond) {
            let number = event.sequence.0;
            let range = self.dropped.entry(event.source.clone()).or_insert((number, number));
            *range = (range.0.min(number), range.1.max(number));
        }
    }
}

/// A clock that was set back must not stop the tries.
fn is_due(failed: UtcMicros, now: UtcMicros) -> bool {
    let passed = now.micros() - failed.micros();
    passed < 0 || passed >= RETRY.as_micros() as i64
}
