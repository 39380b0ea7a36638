//! `flyball models bench --switches COUNT`: variants change to and fro while a worker runs, and memory is read at rest before
//! and after. A command and not a test, because a process of this size moves by some percent for reasons of its own.

use std::{
    io::Write,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{Builder, JoinHandle},
    time::Duration,
};

use serde_json::json;

use super::{ModelsError, bench::BenchArgs, verify::bar};
use crate::inference::{
    Batch, InferenceError, Outputs, Seat, Session, Shelf, ShelfError, manifest::Catalogue, ort::OrtBackend,
};
use crate::memory::{MemoryMeter, ProcessMeter, return_freed_memory};

/// The model whose variants change unless another is named.
const USUAL: &str = "yunet";
/// Longer than any batch takes.
const PATIENCE: Duration = Duration::from_secs(30);
/// Switches between two readings.
const ROUND: usize = 20;
/// Readings of which the lowest counts, before and after.
const READINGS: usize = 3;

/// A worker that runs whatever variant is current.
struct Worker {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<u64, InferenceError>>,
}

pub(super) fn run(
    switches: usize,
    args: &BenchArgs,
    backend: OrtBackend,
    catalogue: &Catalogue,
    out: &mut dyn Write,
) -> Result<u8, ModelsError> {
    let name = args.only.first().map_or(USUAL, String::as_str);
    let model = catalogue.model(name)?;
    let [from, to] = model.manifest.variant.get(..2).unwrap_or_default() else {
        return Err(InferenceError::Runtime(format!("model {name} has one variant only: nothing to switch to")).into());
    };
    let pair = [from.id.as_str(), to.id.as_str()];
    let (shelf, _events) = Shelf::new([model.clone()].into_iter().collect(), Arc::new(backend)).map_err(told)?;
    shelf.start(name, pair[0], 1).map_err(told)?;
    let (mut marks, mut batches) = (Vec::new(), 0);
    let rounds = switches.div_ceil(ROUND) + 2 * READINGS;
    let bar = bar(rounds);
    for _ in 0..rounds {
        batches += round(&shelf, name, pair)?;
        marks.push(occupied());
        bar.inc(1);
    }
    bar.finish_and_clear();
    let lowest = |marks: &[u64]| marks.iter().copied().min().unwrap_or_default();
    let (before, after) = (lowest(&marks[..READINGS]), lowest(&marks[marks.len() - READINGS..]));
    let grown = 100.0 * (after as f64 - before as f64) / before.max(1) as f64;
    let kib: Vec<u64> = marks.iter().map(|mark| mark / 1024).collect();
    writeln!(out, "{name}: {} switches between {} and {}, {batches} batches", rounds * ROUND, pair[0], pair[1])?;
    writeln!(out, "at rest {} KiB before, {} KiB after: {grown:+.1} %", before / 1024, after / 1024)?;
    let object = json!({ "model": name, "switches": rounds * ROUND, "batches": batches, "before_kib": before / 1024,
        "after_kib": after / 1024, "grown_percent": (grown * 100.0).round() / 100.0, "readings_kib": kib });
    writeln!(out, "{object}")?;
    Ok(0)
}

#[allow(clippy::needless_pass_by_value, reason = "so that it can be given to map_err")]
fn told(error: ShelfError) -> ModelsError {
    InferenceError::Runtime(error.to_string()).into()
}

/// Switches under load; ends with a fresh session of the first variant and nobody at work. The batches that ran.
fn round(shelf: &Shelf, name: &str, pair: [&str; 2]) -> Result<u64, ModelsError> {
    let worker = Worker::start(shelf.seat(name))?;
    let turn = |n: usize| switch(shelf, name, pair[n % 2], pair[(n + 1) % 2]);
    let switched = (0..ROUND - 2).try_for_each(turn);
    let batches = worker.finish()?;
    switched?;
    (0..2).try_for_each(turn)?; // a session that has run keeps a memory pool, so like is compared with like
    shelf.start(name, pair[0], 1).map_err(told)?; // answered after the last retirement
    Ok(batches)
}

fn switch(shelf: &Shelf, name: &str, from: &str, to: &str) -> Result<(), ModelsError> {
    shelf.start(name, to, 1).map_err(told)?;
    shelf.retire(name, from).map_err(told)
}

impl Worker {
    fn start(seat: Seat) -> Result<Self, ModelsError> {
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let thread = Builder::new().name("bench-worker".into()).spawn(move || work(&seat, &told))?;
        Ok(Self { stop, thread })
    }

    fn finish(self) -> Result<u64, InferenceError> {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.join().unwrap_or_else(|_| Err(InferenceError::Runtime("the worker panicked".into())))
    }
}

/// Runs one item after the other at whatever size the current variant wants.
fn work(seat: &Seat, stop: &AtomicBool) -> Result<u64, InferenceError> {
    let (mut batch, mut outputs, mut ran) = (Batch::default(), Outputs::new(), 0);
    while !stop.load(Ordering::SeqCst) {
        let mut lease = seat.lease(PATIENCE)?;
        let loaded = Arc::clone(lease.loaded());
        batch.reshape(loaded.model.manifest.input.shape(1, loaded.variant.size));
        lease.run(&batch, &mut outputs)?;
        ran += 1;
    }
    Ok(ran)
}

/// Bytes this process occupies once freed memory has been returned.
fn occupied() -> u64 {
    return_freed_memory();
    ProcessMeter.read().map_or(0, |figures| figures.ours)
}
