//! Two hundred switches of real networks under load: every batch is answered by exactly one variant, and memory is back
//! where it was. Needs `make setup`; says so aloud where it has not run.
#![allow(clippy::print_stderr, reason = "a skipped test says so")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![cfg(feature = "ort")]

mod models_common;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use flyball::inference::{Batch, Outputs, Seat, Session, Shelf, manifest::Catalogue};
use flyball::memory::{MemoryMeter, ProcessMeter, return_freed_memory};
use models_common::{backend, model, noise};

const PATIENCE: Duration = Duration::from_mins(1);
const SWITCHES: usize = 200;
const WARM_UP: usize = 20;
/// As a part of what the process occupies after the warm-up.
const TOLERANCE: f64 = 0.05;

#[test]
fn two_hundred_switches_of_real_networks_lose_nothing_and_return_their_memory() {
    let (Some(backend), Some(yunet)) = (backend(), model("yunet")) else {
        return;
    };
    let catalogue: Catalogue = [yunet].into_iter().collect();
    let (shelf, events) = Shelf::new(catalogue, backend).unwrap();
    shelf.start("yunet", "fp32-320x192", 1).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let worker = worker(shelf.seat("yunet"), Arc::clone(&stop));
    let mut settled = 0;
    for turn in 0..SWITCHES {
        if turn == WARM_UP {
            settled = occupied();
        }
        let (from, to) = [("fp32-320x192", "fp32-640x384"), ("fp32-640x384", "fp32-320x192")][turn % 2];
        shelf.start("yunet", to, 1).unwrap();
        shelf.retire("yunet", from).unwrap();
    }
    shelf.shrink("yunet").unwrap();
    shelf.start("yunet", "fp32-320x192", 1).unwrap(); // answered after all that was ordered before
    let after = occupied();
    stop.store(true, Ordering::SeqCst);
    let batches = worker.join().unwrap();
    assert!(batches.iter().all(|&n| n > 0), "both sizes must have run: {batches:?}");
    let failed = events
        .try_iter()
        .find(|e| matches!(e, flyball::inference::ShelfEvent::Failed { .. }));
    assert_eq!(failed, None);
    let grown = (after as f64 - settled as f64) / settled as f64;
    eprintln!(
        "{SWITCHES} switches, batches {batches:?}, {} KiB before, {} KiB after",
        settled / 1024,
        after / 1024
    );
    assert!(grown.abs() <= TOLERANCE, "memory went from {settled} to {after} bytes");
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
