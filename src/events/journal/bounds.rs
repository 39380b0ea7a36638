//! The journal's bounds: what is too old, or too much, goes; oldest first, whoever's it is.

use std::{collections::BTreeMap, time::Duration};

use redb::{ReadableTable, WriteTransaction};

use super::{
    record,
    tables::{EVENTS, EXPIRED, HEADS},
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
    let mut trimmed = Trimmed::default();
    for _ in 0..TRIM_AT_ONCE {
        let Some((written, source, sequence)) = oldest(write)? else {
            break;
        };
        let too_much = bytes.saturating_sub(trimmed.freed) > limits.max_bytes;
        if !too_much && written >= oldest_kept {
            break;
        }
        let removed =
            write.open_table(EVENTS)?.remove((source.as_str(), sequence))?.map_or(0, |v| record::json_len(v.value().1));
        trimmed.freed += removed as u64;
        trimmed.upto.insert(source, sequence);
    }
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

/// The oldest event that may go: the least of every source's first. Sources are few, and so this is a handful of look-ups.
/// The newest event of a source always stays: it says how far the numbering had come.
fn oldest(write: &WriteTransaction) -> Result<Option<(i64, String, u64)>, redb::Error> {
    let events = write.open_table(EVENTS)?;
    let mut oldest: Option<(i64, String, u64)> = None;
    for head in write.open_table(HEADS)?.iter()? {
        let (source, head) = head?;
        let (source, head) = (source.value().to_owned(), head.value());
        let Some(first) = events.range((source.as_str(), 0)..(source.as_str(), head))?.next() else {
            continue;
        };
        let (key, value) = first?;
        let (written, sequence) = (value.value().0, key.value().1);
        if oldest.as_ref().is_none_or(|(least, ..)| written < *least) {
            oldest = Some((written, source, sequence));
        }
    }
    Ok(oldest)
}
