//! The tables of the journal file.

use redb::TableDefinition;

/// Layout of this file; a file with another one is not touched.
pub(super) const LAYOUT: u64 = 1;

/// (source, sequence) → (written at, in µs since 1970; JSON text).
pub(super) const EVENTS: TableDefinition<(&str, u64), (i64, &str)> = TableDefinition::new("events");
/// source → newest sequence number; survives the events themselves.
pub(super) const HEADS: TableDefinition<&str, u64> = TableDefinition::new("heads");
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
/// Key in [`NAMES`].
pub(super) const NAME_EPOCH: &str = "epoch";
