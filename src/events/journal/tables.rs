//! The tables of the journal file.

use redb::TableDefinition;

/// Layout of this file; a file with another one is not touched.
pub(super) const LAYOUT: u64 = 2;

/// What is written down of an event.
pub(super) type Written = (i64, &'static str);

/// (source, sequence) → (written at, in µs since 1970; the JSON text in a [`record`](super::record)'s frame).
pub(super) const EVENTS: TableDefinition<(&str, u64), Written> = TableDefinition::new("events");
/// source → newest sequence number; survives the events themselves.
pub(super) const HEADS: TableDefinition<&str, u64> = TableDefinition::new("heads");
/// source → newest number let go of because it was too old, or too much.
pub(super) const EXPIRED: TableDefinition<&str, u64> = TableDefinition::new("expired");
/// visit id → its newest event, while the visit is open.
pub(super) const OPEN_VISITS: TableDefinition<&str, &str> = TableDefinition::new("open_visits");
/// source → its newest camera-state event.
pub(super) const STATES: TableDefinition<&str, &str> = TableDefinition::new("states");
/// Names below → numbers.
pub(super) const FIGURES: TableDefinition<&str, u64> = TableDefinition::new("figures");
/// `"epoch"` → the epoch's UUID.
pub(super) const NAMES: TableDefinition<&str, &str> = TableDefinition::new("names");

/// Key in [`FIGURES`]: layout of the file.
pub(super) const FIGURE_LAYOUT: &str = "layout";
/// Key in [`FIGURES`]: bytes of all event texts.
pub(super) const FIGURE_BYTES: &str = "bytes";
/// Key in [`FIGURES`]: numbers up to here may have been given out before the file was damaged or the disk full.
pub(super) const FIGURE_FLOOR: &str = "floor";
/// Key in [`NAMES`].
pub(super) const NAME_EPOCH: &str = "epoch";
