//! What events promise, measured and put to the test: `make chaos-events`, `make bench-events`.
//!
//! `chaos` kills, stalls, fills and damages, and counts what got lost without a word; `throughput` measures how much and
//! `latency` how soon. Both write `target/reports/`. Everything runs on loopback, without multicast.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::needless_pass_by_value,
    clippy::struct_field_names,
    reason = "a bench prints, reads the clock, and ends where something is wrong"
)]

mod books;
mod chaos;
mod child;
mod latency;
mod pipeline;
mod throughput;
mod web;
mod world;

use std::{env, fs, path::Path};

fn main() {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["chaos", rows @ ..] => chaos::run(rows),
        ["throughput"] => throughput::run(1_000_000, &[]),
        ["throughput", events, only @ ..] if let Ok(events) = events.parse() => throughput::run(events, only),
        ["router", endpoint] => child::run_router(endpoint),
        ["writer", endpoint, journal, pace] => {
            child::run_writer(endpoint, journal, pace.parse().expect("events a second"));
        }
        ["subscriber", endpoint, count] => child::run_subscriber(endpoint, count),
        _ => println!("usage: events chaos [ROW…] | events throughput [EVENTS [Rust|Python|Node]…]"),
    }
}

/// Writes a report where the reports are.
pub(crate) fn report(name: &str, content: &serde_json::Value) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/reports");
    fs::create_dir_all(&folder).expect("the folder of reports");
    let text = serde_json::to_string_pretty(content).expect("JSON") + "\n";
    fs::write(folder.join(name), text).expect("the report");
    println!("written: target/reports/{name}");
}
