//! Two hundred switches of real networks under load: every batch is answered by exactly one variant, and memory does not grow
//! from round to round. How near it comes to where it began is a measured figure (`flyball models bench --switches 200`), not
//! a test: a process of 43 MiB moves by 10 % for reasons of its own. Needs `make setup`; says so aloud where it has not run.
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
use flyball::inference::{Batch, Outputs, Seat, Session, Shelf, ShelfEvent, ort::OrtOptions};
use flyball::memory::{MemoryMeter, ProcessMeter, return_freed_memory};
use models_common::{backend, backend_with, model, noise};

const PATIENCE: Duration = Duration::from_mins(1);
/// Two hundred switches in rounds, with a reading at rest after each.
const ROUNDS: usize = 10;
const ROUND: usize = 20;
/// What memory may grow a switch in the middle round, bytes. One kept session of the small variant is thirteen times
/// that; the noise of the allocator (8 MiB a round now and then, in both directions) does not rise in every other round.
const GROWTH: f64 = 256.0 * 1024.0;
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
fn two_hundred_switches_of_real_networks_lose_nothing_and_keep_no_memory() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let Some((shelf, events)) = shelf() else { return };
    let (mut marks, mut batches) = (vec![occupied_at_rest(&shelf)], [0; 2]);
    for _ in 0..ROUNDS {
        let ran = switch_under_load(&shelf, ROUND - 2); // two more bring it to rest
        batches = [batches[0] + ran[0], batches[1] + ran[1]];
        marks.push(occupied_at_rest(&shelf));
    }
    assert!(batches.iter().all(|&n| n > 0), "both sizes must have run: {batches:?}");
    let failed = events.try_iter().find(|e| matches!(e, ShelfEvent::Failed { .. }));
    assert_eq!(failed, None);
    let kib: Vec<u64> = marks.iter().map(|mark| mark / 1024).collect();
    let growth = middle_growth(&marks);
    eprintln!("{} switches, batches {batches:?}, {growth:.0} bytes a switch, KiB at rest {kib:?}", ROUNDS * ROUND);
    assert!(growth <= GROWTH, "memory grows by {growth:.0} bytes a switch: {kib:?} KiB");
}

/// Bytes a switch in the middle one of the rounds.
fn middle_growth(marks: &[u64]) -> f64 {
    let mut growth: Vec<f64> = marks.windows(2).map(|pair| pair[1] as f64 - pair[0] as f64).collect();
    growth.sort_by(f64::total_cmp);
    growth[growth.len() / 2] / ROUND as f64
}

#[test]
fn a_session_kept_after_each_switch_would_be_noticed() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (Some(backend), Some(yunet)) = (backend(), model("yunet")) else { return };
    let small = yunet.variant(SMALL).unwrap();
    let (mut kept, mut marks) = (Vec::new(), Vec::new());
    for _ in 0..4 {
        let open = |_| backend.open_session(&yunet, small).unwrap();
        kept.extend((0..ROUND).map(open));
        marks.push(occupied());
    }
    let growth = middle_growth(&marks);
    eprintln!("{growth:.0} bytes a kept session");
    assert!(growth > 2.0 * GROWTH, "a leak of one session a switch would pass: {growth:.0} bytes");
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
    shelf.fit("yunet", 1).unwrap();
    while !matches!(events.recv_timeout(PATIENCE).unwrap(), ShelfEvent::Fitted { .. }) {}
    assert!(occupied() > high / 2, "nothing can be taken from a session that is out");
    drop(lease);
    let low = occupied();
    eprintln!("{} KiB after a batch of eight, {} KiB after the shrink", high / 1024, low / 1024);
    assert!(low + SHRUNK < high, "memory only went from {high} to {low} bytes");
}

#[test]
fn where_each_batch_size_has_a_graph_a_smaller_batch_gives_the_larger_ones_memory_back() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let fixed = OrtOptions { fixed_batches: true, ..OrtOptions::default() };
    let (Some(backend), Some(yunet)) = (backend_with(fixed), model("yunet")) else { return };
    let mut session = backend.open_session(&yunet, yunet.variant(LARGE).unwrap()).unwrap();
    let single = occupied();
    session.fit(16).unwrap();
    session.wait_until_whole();
    let all = occupied();
    session.fit(1).unwrap();
    let again = occupied();
    eprintln!("KiB for one, up to sixteen, and one again: {} {} {}", single / 1024, all / 1024, again / 1024);
    assert!(single + 2 * SHRUNK < all, "a graph for sixteen pictures takes memory");
    assert!(again + 2 * SHRUNK < all, "and gives it back");
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
