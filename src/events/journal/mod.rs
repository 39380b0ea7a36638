//! The journal: every event is written down before anybody hears of it, so that nothing is lost to a crash, a router that
//! is away or a subscriber that comes late.
//!
//! [`open`](Journal::open) finds the file or begins a fresh one, [`store`](Journal) writes, [`read`](JournalReader)
//! answers "everything since number n", `bounds` lets the oldest go. One redb file; a commit is on disk when it returns.
//! When the file is damaged, `salvage` carries over every `record` that is still whole, and `tally` and `lost` say exactly
//! which are not; `mark` remembers what a full disk could not keep.

mod bounds;
mod file;
mod header;
mod lost;
mod mark;
mod open;
mod read;
mod record;
mod salvage;
mod store;
mod tables;
mod tally;

pub use bounds::Limits;
pub use lost::Lost;
pub use open::{Damage, JournalError, Opened};
pub use read::{JournalReader, Page};
pub use record::whole_records;
pub use store::{Journal, interrupted};
