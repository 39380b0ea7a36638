//! Two hundred switches of real networks under load: every batch is answered by exactly one variant, and memory is back
//! where it was. Needs `make setup`; says so aloud where it has not run.
#![allow(clippy::print_stderr, reason = "a skipped test says so")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![cfg(feature = "ort")]

mod models_common;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use crossbeam_channel::Receiver;
use flyball::inference::{Batch, Outputs, Seat, Session, Shelf, ShelfEvent};
use flyball::memory::{MemoryMeter, ProcessMeter, return_freed_memory};
use models_common::{backend, model, noise};

const PATIENCE: Duration = Duration::from_mins(1);
const SWITCHES: usize = 200;
/// Readings whose lowest counts, and switches before each.
const READINGS: usize = 3;
const ROUND: usize = 10;
/// As a part of what the process occupied at first.
const TOLERANCE: f64 = 0.05;
/// What a shrink after a batch of eight pictures returns at least, bytes.
const SHRUNK: u64 = 30 << 20;

/// Each test here watches the memory of the whole process, so they take turns.
static ALONE: Mutex<()> = Mutex::new(());

const SMALL: &str = "fp32-320x192";
const LARGE: &str = "fp32-640x384";

/// A shelf with the small variant of the face detector on it.
fn shelf() -> Option<(Shelf, Receiver<ShelfEvent>)> {
    let (backend, yunet) = (backend()?, model("yunet")?);
    let (shelf, events) = Shelf::new([yunet].into_iter().collect(), backend).unwrap();
    shelf.start("yunet", SMALL, 1).unwrap();
    Some((shelf, events))
}

#[test]
fn two_hundred_switches_of_real_networks_lose_nothing_and_return_their_memory() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let Some((shelf, events)) = shelf() else { return };
    let settled = floor(&shelf);
    let batches = switch_under_load(&shelf, SWITCHES - 2 * READINGS * ROUND);
    let after = floor(&shelf);
    assert!(batches.iter().all(|&n| n > 0), "both sizes must have run: {batches:?}");
    let failed = events.try_iter().find(|e| matches!(e, ShelfEvent::Failed { .. }));
    assert_eq!(failed, None);
    let grown = (after as f64 - settled as f64) / settled as f64;
    let (before_kib, after_kib) = (settled / 1024, after / 1024);
    eprintln!("{SWITCHES} switches, batches {batches:?}, {before_kib} KiB before, {after_kib} KiB after");
    assert!(grown.abs() <= TOLERANCE, "memory went from {settled} to {after} bytes");
}

/// Switches to and fro, an even number of times, while a worker runs; the batches it ran, small and large.
fn switch_under_load(shelf: &Shelf, switches: usize) -> [usize; 2] {
    let stop = Arc::new(AtomicBool::new(false));
    let worker = worker(shelf.seat("yunet"), Arc::clone(&stop));
    for turn in 0..switches {
        let (from, to) = [(SMALL, LARGE), (LARGE, SMALL)][turn % 2];
        shelf.start("yunet", to, 1).unwrap();
        shelf.retire("yunet", from).unwrap();
    }
    stop.store(true, Ordering::SeqCst);
    worker.join().unwrap()
}

/// The lowest of a few readings at rest. One reading may lie some 4 MiB above the next without anything being kept (seen
/// over 1,260 switches, which ended where they began); what is really lost stays in the lowest one too.
fn floor(shelf: &Shelf) -> u64 {
    let reading = |_| {
        switch_under_load(shelf, ROUND);
        occupied_at_rest(shelf)
    };
    (0..READINGS).map(reading).min().unwrap()
}

/// What the process occupies with one fresh session of the small variant on the shelf and nobody at work. A session that
/// has run keeps a memory pool, so like is compared with like.
fn occupied_at_rest(shelf: &Shelf) -> u64 {
    for (from, to) in [(SMALL, LARGE), (LARGE, SMALL)] {
        shelf.start("yunet", to, 1).unwrap();
        shelf.retire("yunet", from).unwrap();
    }
    shelf.start("yunet", SMALL, 1).unwrap(); // answered after the last retirement
    occupied()
}

#[test]
fn a_shrink_gives_back_what_a_large_batch_took_even_while_its_session_is_out() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let Some((shelf, events)) = shelf() else { return };
    shelf.start("yunet", LARGE, 1).unwrap();
    let mut lease = shelf.seat("yunet").lease(PATIENCE).unwrap();
    let (mut batch, mut outputs) = (Batch::default(), Outputs::new());
    batch.reshape(lease.loaded().model.manifest.input.shape(8, lease.loaded().variant.size));
    lease.run(&batch, &mut outputs).unwrap();
    let high = occupied();
    shelf.shrink("yunet").unwrap();
    while !matches!(events.recv_timeout(PATIENCE).unwrap(), ShelfEvent::Shrunk { .. }) {}
    assert!(occupied() > high / 2, "nothing can be taken from a session that is out");
    drop(lease);
    let low = occupied();
    eprintln!("{} KiB after a batch of eight, {} KiB after the shrink", high / 1024, low / 1024);
    assert!(low + SHRUNK < high, "memory only went from {high} to {low} bytes");
}

/// Runs one picture after the other at whatever size the current variant wants, and checks that the answer has its cells.
fn worker(seat: Seat, stop: Arc<AtomicBool>) -> thread::JoinHandle<[usize; 2]> {
    let work = move || {
        let (mut batch, mut outputs, mut seen) = (Batch::default(), Outputs::new(), [0; 2]);
        while !stop.load(Ordering::SeqCst) {
            let mut lease = seat.lease(PATIENCE).unwrap();
            let loaded = Arc::clone(lease.loaded());
            let size = loaded.variant.size;
            batch.reshape(loaded.model.manifest.input.shape(1, size));
            noise(&mut batch.data, 3);
            lease.run(&batch, &mut outputs).unwrap();
            for expected in loaded.model.manifest.output.expected(size) {
                let output = outputs.iter().find(|o| o.name == expected.name).unwrap();
                let shape: Vec<i64> = output.shape.iter().map(|&d| d as i64).collect();
                assert!(expected.fits(&shape), "{}: {shape:?} for {size:?}", output.name);
            }
            seen[usize::from(size.w == 640)] += 1;
        }
        seen
    };
    thread::Builder::new().spawn(work).unwrap()
}

fn occupied() -> u64 {
    return_freed_memory();
    ProcessMeter.read().unwrap().ours
}
