//! The journal's bounds: what is too old, or too much, goes; oldest first, whoever's it is.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use redb::{ReadableTable, Table, WriteTransaction};

use super::{
    record,
    tables::{EVENTS, EXPIRED, HEADS, Written},
};
use crate::events::wire::UtcMicros;

/// Events looked at in one trim, at most: a commit after a long idle time must not take seconds.
const TRIM_AT_ONCE: usize = 2_000;

/// How much history is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Older events go.
    pub max_age: Duration,
    /// Beyond this many bytes of event text the oldest go. The file itself is up to three times as large.
    pub max_bytes: u64,
}

impl Default for Limits {
    /// A week, or 256 MiB (about 250,000 events).
    fn default() -> Self {
        Self { max_age: Duration::from_hours(7 * 24), max_bytes: 256 << 20 }
    }
}

/// What a trim let go of.
#[derive(Debug, Default)]
pub(super) struct Trimmed {
    /// Bytes of event text.
    pub(super) freed: u64,
    /// Newest number, by source.
    pub(super) upto: BTreeMap<String, u64>,
}

/// Removes the oldest events until `bytes` is within the limit and nothing is too old.
pub(super) fn trim(
    write: &WriteTransaction,
    bytes: u64,
    limits: &Limits,
    now: UtcMicros,
) -> Result<Trimmed, redb::Error> {
    let age = i64::try_from(limits.max_age.as_micros()).unwrap_or(i64::MAX);
    let oldest_kept = now.micros().saturating_sub(age);
    let (mut trimmed, mut line) = (Trimmed::default(), Line::up(write)?);
    for _ in 0..TRIM_AT_ONCE {
        let too_much = bytes.saturating_sub(trimmed.freed) > limits.max_bytes;
        let may_go = |written| too_much || written < oldest_kept;
        let Some((source, sequence, freed)) = line.remove_first_if(may_go)? else { break };
        trimmed.freed += freed;
        trimmed.upto.insert(source, sequence);
    }
    drop(line);
    remember_expired(write, &trimmed.upto)?;
    Ok(trimmed)
}

/// So that what expired can be told from what was lost.
pub(super) fn remember_expired(write: &WriteTransaction, upto: &BTreeMap<String, u64>) -> Result<(), redb::Error> {
    let mut expired = write.open_table(EXPIRED)?;
    for (source, sequence) in upto {
        expired.insert(source.as_str(), sequence)?;
    }
    Ok(())
}

/// Who goes next: the oldest event of every source that may go. The newest of a source always stays: it says how far the
/// numbering had come.
struct Line<'a> {
    events: Table<'a, (&'static str, u64), Written>,
    heads: BTreeMap<String, u64>,
    /// When it was written, source, sequence.
    firsts: BTreeSet<(i64, String, u64)>,
}

impl<'a> Line<'a> {
    fn up(write: &'a WriteTransaction) -> Result<Self, redb::Error> {
        let heads: Result<BTreeMap<_, _>, redb::Error> = write
            .open_table(HEADS)?
            .iter()?
            .map(|head| head.map(|(source, head)| (source.value().to_owned(), head.value())).map_err(Into::into))
            .collect();
        let mut line = Self { events: write.open_table(EVENTS)?, heads: heads?, firsts: BTreeSet::new() };
        let sources: Vec<String> = line.heads.keys().cloned().collect();
        sources.into_iter().try_for_each(|source| line.join(source))?;
        Ok(line)
    }

    /// A source's oldest event gets in line, if it has one that may go.
    fn join(&mut self, source: String) -> Result<(), redb::Error> {
        let head = self.heads.get(&source).copied().unwrap_or_default();
        let first = self.events.range((source.as_str(), 0)..(source.as_str(), head))?.next();
        let first = first.transpose()?.map(|(key, value)| (value.value().0, key.value().1));
        self.firsts.extend(first.map(|(written, sequence)| (written, source, sequence)));
        Ok(())
    }

    /// Removes the oldest of all; answers with its source, its number and the bytes of its text.
    fn remove_first_if(&mut self, may_go: impl Fn(i64) -> bool) -> Result<Option<(String, u64, u64)>, redb::Error> {
        if self.firsts.first().is_none_or(|(written, ..)| !may_go(*written)) {
            return Ok(None);
        }
        let Some((_, source, sequence)) = self.firsts.pop_first() else { return Ok(None) };
        let removed = self.events.remove((source.as_str(), sequence))?.map_or(0, |v| record::json_len(v.value().1));
        self.join(source.clone())?;
        Ok(Some((source, sequence, removed as u64)))
    }
}
