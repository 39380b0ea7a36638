//! What may happen to events, one row each: nothing may get lost without a word, nothing may come twice.

mod disk;
mod journal;
mod network;
mod process;

use serde_json::json;

use crate::{books::Row, report};

type Action = fn() -> Vec<Row>;

/// A row's name, as written on the command line, and what it does.
const ROWS: &[(&str, Action)] = &[
    ("router", network::router_restarted),
    ("stalled", network::subscriber_stalled),
    ("late", network::subscriber_late),
    ("killed", process::publisher_killed),
    ("disk", disk::disk_full),
    ("damage", journal::damaged),
    ("clock", process::clock_set_back),
];

/// Runs the rows named, or all; panics if anything got lost without a word or came twice.
pub(crate) fn run(wanted: &[&str]) {
    println!("{:<36} {:>9} {:>9} {:>13} {:>10}  note", "row", "sent", "received", "lost silently", "duplicated");
    let mut rows = Vec::new();
    for (_, row) in ROWS.iter().filter(|(name, _)| wanted.is_empty() || wanted.contains(name)) {
        for r in row() {
            let (name, sent, received) = (&r.row, r.sent, r.received);
            println!("{name:<36} {sent:>9} {received:>9} {:>13} {:>10}  {}", r.lost_silently, r.duplicated, r.note);
            rows.push(r);
        }
    }
    if wanted.is_empty() {
        report("chaos-events.json", &json!(rows));
    }
    let loud = ["OUT OF ORDER", "NOT CLOSED ONCE", "WRONGLY", "SLOWED DOWN"];
    let bad = |r: &&Row| r.lost_silently + r.duplicated > 0 || loud.iter().any(|word| r.note.contains(word));
    let bad: Vec<_> = rows.iter().filter(bad).map(|r| &r.row).collect();
    assert!(bad.is_empty(), "not as promised: {bad:?}");
}

/// A seed that is printed, so that a run can be had again: `SEED=…`.
fn seeded() -> (u64, fastrand::Rng) {
    let seed =
        std::env::var("SEED").ok().and_then(|text| text.parse().ok()).unwrap_or_else(|| fastrand::u64(..1 << 32));
    (seed, fastrand::Rng::with_seed(seed))
}
