//! Which numbers are gone: what is missing between the events that are there, and behind them up to the newest given out.

use std::collections::BTreeMap;

use super::tally::Count;
use crate::events::wire::{Data, Event, GapReason};

/// Ranges of one source that are told apart; what lies beyond is said as one range, from the first to the last.
const RANGES: usize = 100;

/// Numbers of one source that are not in the journal although they were given out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// The source.
    pub source: String,
    /// First number gone.
    pub first: u64,
    /// Last number gone.
    pub last: u64,
    /// Why.
    pub reason: GapReason,
    /// Whether each of them was given out. Otherwise they may have been: nobody knows any more how far the numbering was.
    pub exact: bool,
}

/// Goes through the events that are there, in order, and notes what is not.
#[derive(Debug, Default)]
pub(super) struct Holes {
    sources: BTreeMap<String, Series>,
}

#[derive(Debug, Default)]
struct Series {
    /// The number before the next one that should be there; `None` where nobody knows where the series began.
    last: Option<u64>,
    holes: Vec<(u64, u64)>,
    /// Ranges that a gap event in the journal speaks of already.
    said: Vec<(u64, u64)>,
}

impl Holes {
    /// Every series begins behind what expired of it, where that is known.
    pub(super) fn new(counts: &BTreeMap<String, Count>) -> Self {
        let series = |count: &Count| Series { last: Some(count.expired), ..Series::default() };
        Self { sources: counts.iter().map(|(source, count)| (source.clone(), series(count))).collect() }
    }

    /// The next event that is there.
    pub(super) fn there(&mut self, event: &Event) {
        self.sources.entry(event.source.clone()).or_default().there(event);
    }

    /// The series goes on behind this number.
    pub(super) fn upto(&mut self, source: &str, given: u64) {
        self.sources.entry(source.to_owned()).or_default().reach(given + 1);
    }

    /// What is lost by damage, and was not said before.
    pub(super) fn lost(self) -> Vec<Lost> {
        self.sources.into_iter().flat_map(|(source, series)| series.lost(&source)).collect()
    }
}

impl Series {
    fn there(&mut self, event: &Event) {
        let number = event.sequence.0;
        self.reach(number);
        self.last = self.last.max(Some(number));
        if let Data::Gap(gap) = &event.data {
            self.said.extend(gap.first.zip(gap.last));
        }
    }

    fn reach(&mut self, number: u64) {
        if let Some(last) = self.last.filter(|last| last + 1 < number) {
            self.holes.push((last + 1, number - 1));
            self.last = Some(number - 1);
        }
    }

    fn lost(self, source: &str) -> Vec<Lost> {
        let said = |hole: &(u64, u64)| self.said.iter().any(|said| said.0 <= hole.0 && hole.1 <= said.1);
        let holes: Vec<_> = self.holes.iter().filter(|hole| !said(hole)).collect();
        let (apart, beyond) = holes.split_at(holes.len().min(RANGES));
        let lost = |first, last, exact| Lost {
            source: source.to_owned(),
            first,
            last,
            reason: GapReason::JournalDamaged,
            exact,
        };
        let together = beyond.first().zip(beyond.last()).map(|(first, last)| lost(first.0, last.1, beyond.len() == 1));
        apart.iter().map(|(first, last)| lost(*first, *last, true)).chain(together).collect()
    }
}
