//! The shelf under load, on fake sessions that answer with the variant's own number: a batch on two variants, a lost batch
//! or a leaked session would show.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use crossbeam_channel::{Receiver, bounded};

use super::{Seat, Shelf, ShelfError, ShelfEvent, Step};
use crate::inference::{
    Answer, Batch, FakeBackend, InferenceError, Outputs, Session,
    manifest::{Catalogue, Model, ModelManifest, Variant},
    write_output,
};

const PATIENCE: Duration = Duration::from_secs(30);

const TOY: &str = r#"{
    "name": "toy", "role": "recognize", "summary": "answers with its variant's size",
    "input": {"name": "in", "layout": "nchw", "channels": "gray", "size": [1, 1], "mean": 0.0, "scale": 1.0, "fit": "stretch"},
    "output": {"decoder": "embedding", "name": "out", "dims": 1, "metric": "cosine", "space": "toy",
               "thresholds": {"known": 0.5, "margin": 0.05}},
    "variant": [{"id": "a", "precision": "fp32", "size": [1, 1], "file": "a.onnx"},
                {"id": "b", "precision": "int8", "size": [2, 2], "file": "b.onnx"}]
}"#;

fn catalogue() -> Catalogue {
    let manifest: ModelManifest = serde_json::from_str(TOY).unwrap();
    let model = Model { folder: "models/toy".into(), manifest: manifest.into() };
    [model].into_iter().collect()
}

/// Answers each item with the width of the variant it was opened for.
#[allow(clippy::unnecessary_wraps, reason = "the shape of a backend's opener")]
fn width(_: &Model, variant: &Variant) -> Result<Box<Answer>, InferenceError> {
    let width = variant.size.w as f32;
    Ok(Box::new(move |batch: &Batch, outputs: &mut Outputs| {
        write_output(outputs, 0, "out", &[batch.len(), 1], |_, _| width);
        Ok(())
    }))
}

fn shelf() -> (Shelf, Receiver<ShelfEvent>, Arc<AtomicUsize>) {
    let backend = FakeBackend::new(width);
    let alive = backend.alive();
    let (shelf, events) = Shelf::new(catalogue(), Arc::new(backend)).unwrap();
    (shelf, events, alive)
}

/// Runs one batch and says which variant the lease promised and which widths came out.
fn one_batch(seat: &Seat, batch: &Batch, outputs: &mut Outputs) -> u32 {
    let mut lease = seat.lease(PATIENCE).unwrap();
    lease.run(batch, outputs).unwrap();
    let promised = lease.loaded().variant.size.w;
    assert_eq!(outputs[0].data, vec![promised as f32; batch.len()], "a batch was not run by the variant of its lease");
    promised
}

fn wait_for(events: &Receiver<ShelfEvent>, wanted: impl Fn(&ShelfEvent) -> bool) {
    while !wanted(&events.recv_timeout(PATIENCE).expect("the shelf has stalled")) {}
}

#[test]
#[cfg_attr(not(feature = "checks"), ignore = "long: `make test` runs it")]
fn ten_thousand_switches_under_load_lose_nothing_and_leak_nothing() {
    const SWITCHES: usize = 10_000;
    let (shelf, events, alive) = shelf();
    shelf.start("toy", "a", 2).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let workers: Vec<_> = (0..2).map(|_| worker(shelf.seat("toy"), Arc::clone(&stop))).collect();
    let mut retired = 0;
    for turn in 0..SWITCHES {
        let (from, to) = if turn % 2 == 0 { ("a", "b") } else { ("b", "a") };
        let orders: [&dyn Fn() -> Result<(), ShelfError>; 3] =
            [&|| shelf.load("toy", to, 2), &|| shelf.switch("toy", to), &|| shelf.retire("toy", from)];
        for order in orders {
            while let Err(refused) = order() {
                assert!(matches!(refused, ShelfError::Busy), "{refused}");
                retired += retirements(&events);
            }
        }
    }
    while retired < SWITCHES {
        retired += retirements(&events);
    }
    stop.store(true, Ordering::SeqCst);
    let seen: [usize; 2] =
        workers.into_iter().map(|w| w.join().unwrap()).fold([0; 2], |a, b| [a[0] + b[0], a[1] + b[1]]);
    assert!(seen[0] > 0 && seen[1] > 0, "both variants must have run: {seen:?}");
    assert_eq!(
        (alive.load(Ordering::SeqCst), shelf.events_lost()),
        (2, 0),
        "only the current variant's sessions are left"
    );
    drop(shelf);
    assert_eq!(alive.load(Ordering::SeqCst), 0, "the shelf is gone and so are its sessions");
}

/// Waits for the next event and counts the retirements that are known by now; nothing may have failed.
fn retirements(events: &Receiver<ShelfEvent>) -> usize {
    let next = events.recv_timeout(PATIENCE).expect("the shelf has stalled");
    let all: Vec<_> = std::iter::once(next).chain(events.try_iter()).collect();
    assert!(!all.iter().any(|e| matches!(e, ShelfEvent::Failed { .. })), "{all:?}");
    all.iter().filter(|e| matches!(e, ShelfEvent::Retired { .. })).count()
}

/// Runs batches of changing length until told to stop; counts them by variant.
fn worker(seat: Seat, stop: Arc<AtomicBool>) -> thread::JoinHandle<[usize; 2]> {
    let work = move || {
        let (mut batch, mut outputs, mut seen) = (Batch::default(), Outputs::new(), [0; 2]);
        while !stop.load(Ordering::SeqCst) {
            batch.reshape([1 + seen[0] % 5, 1, 1, 1]);
            seen[one_batch(&seat, &batch, &mut outputs) as usize - 1] += 1;
            thread::yield_now(); // a real batch takes milliseconds; the loader must get a turn on two cores
        }
        seen
    };
    thread::Builder::new().spawn(work).unwrap()
}

#[test]
fn no_batch_waits_for_a_load() {
    let (loading, started) = bounded::<()>(1);
    let (go, may_finish) = bounded::<()>(1);
    let backend = FakeBackend::new(move |model: &Model, variant: &Variant| {
        if variant.id == "b" {
            loading.send(()).unwrap();
            may_finish.recv().unwrap();
        }
        width(model, variant)
    });
    let (shelf, events) = Shelf::new(catalogue(), Arc::new(backend)).unwrap();
    shelf.start("toy", "a", 1).unwrap();
    shelf.load("toy", "b", 1).unwrap();
    started.recv_timeout(PATIENCE).unwrap();
    let (mut batch, mut outputs) = (Batch::default(), Outputs::new());
    batch.reshape([3, 1, 1, 1]);
    for _ in 0..100 {
        assert_eq!(one_batch(&shelf.seat("toy"), &batch, &mut outputs), 1, "b is still loading");
    }
    go.send(()).unwrap();
    wait_for(&events, |e| matches!(e, ShelfEvent::Ready { variant, .. } if variant == "b"));
}

#[test]
fn a_batch_in_flight_keeps_its_variant_and_holds_up_only_the_retirement() {
    let (shelf, events, alive) = shelf();
    shelf.start("toy", "a", 1).unwrap();
    let lease = shelf.seat("toy").lease(PATIENCE).unwrap();
    shelf.start("toy", "b", 1).unwrap();
    shelf.retire("toy", "a").unwrap();
    shelf.switch("toy", "b").unwrap(); // answered after the retirement began
    let switched = |e: &ShelfEvent| matches!(e, ShelfEvent::Switched { variant, .. } if variant == "b");
    wait_for(&events, switched);
    wait_for(&events, switched);
    assert_eq!((lease.loaded().variant.id.as_str(), alive.load(Ordering::SeqCst)), ("a", 2));
    drop(lease);
    wait_for(&events, |e| matches!(e, ShelfEvent::Retired { variant, .. } if variant == "a"));
    assert_eq!(alive.load(Ordering::SeqCst), 1);
}

#[test]
fn what_makes_no_sense_is_refused_with_what_to_do_first() {
    let (shelf, events, _) = shelf();
    let told = shelf.start("toy", "c", 1).unwrap_err().to_string();
    assert!(told.contains("there is no variant c; it has a, b"), "{told}");
    shelf.switch("toy", "b").unwrap();
    wait_for(
        &events,
        |e| matches!(e, ShelfEvent::Failed { step: Step::Switch, error, .. } if error.contains("load it")),
    );
    shelf.start("toy", "a", 1).unwrap();
    shelf.retire("toy", "a").unwrap();
    wait_for(
        &events,
        |e| matches!(e, ShelfEvent::Failed { step: Step::Retire, error, .. } if error.contains("switch to another")),
    );
}

#[test]
fn an_embedder_of_another_precision_lives_in_another_space() {
    let (shelf, ..) = shelf();
    shelf.start("toy", "a", 1).unwrap();
    assert_eq!(shelf.current("toy").unwrap().space.as_deref(), Some("toy"));
    shelf.start("toy", "b", 1).unwrap();
    assert_eq!(shelf.current("toy").unwrap().space.as_deref(), Some("toy/b"));
}

#[test]
fn a_batch_that_finds_no_memory_is_told_and_its_session_stays_usable() {
    let backend = FakeBackend::new(|model: &Model, variant: &Variant| {
        let mut answer = width(model, variant)?;
        Ok(Box::new(move |batch: &Batch, outputs: &mut Outputs| match batch.len() {
            0..=2 => answer(batch, outputs),
            batch => Err(InferenceError::OutOfMemory { model: "toy".into(), batch, problem: "std::bad_alloc".into() }),
        }) as Box<Answer>)
    });
    let (shelf, events) = Shelf::new(catalogue(), Arc::new(backend)).unwrap();
    shelf.start("toy", "a", 1).unwrap();
    let (mut batch, mut outputs) = (Batch::default(), Outputs::new());
    batch.reshape([4, 1, 1, 1]);
    assert!(shelf.seat("toy").lease(PATIENCE).unwrap().run(&batch, &mut outputs).unwrap_err().is_out_of_memory());
    wait_for(&events, |e| matches!(e, ShelfEvent::OutOfMemory { variant, batch: 4, .. } if variant == "a"));
    batch.reshape([2, 1, 1, 1]);
    assert_eq!(one_batch(&shelf.seat("toy"), &batch, &mut outputs), 1);
}
