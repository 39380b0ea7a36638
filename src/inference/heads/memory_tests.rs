//! Memory that runs out while a head works: every face is answered all the same, and the worker lives.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use super::{Embedder, Supply};
use crate::{
    inference::{
        Answer, Batch, FakeBackend, InferenceError, Outputs, Shelf, ShelfEvent,
        manifest::{Catalogue, Model, ModelManifest, Variant},
        write_output,
    },
    memory::{Pixels, Size},
    scene::{BBox, FaceObservation},
};

const TOY: &str = r#"{
    "name": "toy", "role": "recognize", "summary": "answers with the brightness of what it sees",
    "input": {"name": "in", "layout": "nchw", "channels": "gray", "size": [8, 8], "mean": 0.0, "scale": 1.0, "fit": "stretch"},
    "output": {"decoder": "embedding", "name": "out", "dims": 1, "metric": "l2", "space": "toy",
               "thresholds": {"known": 0.5, "margin": 0.05}},
    "variant": [{"id": "large", "precision": "fp32", "size": [8, 8], "file": "a.onnx", "dynamic_batch": true},
                {"id": "small", "precision": "int8", "size": [8, 8], "file": "b.onnx", "dynamic_batch": true}]
}"#;

/// A shelf with both variants; `most` items fit on "large", any number on "small". Notes the batches that ran.
fn shelf(most: Arc<AtomicUsize>) -> (Shelf, crossbeam_channel::Receiver<ShelfEvent>, Arc<Mutex<Vec<usize>>>) {
    let ran = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&ran);
    let backend = FakeBackend::new(move |_: &Model, variant: &Variant| {
        let (most, noted, large) = (Arc::clone(&most), Arc::clone(&noted), variant.id == "large");
        Ok(Box::new(move |input: &Batch, outputs: &mut Outputs| {
            let batch = input.len();
            if large && batch > most.load(Ordering::SeqCst) {
                return Err(InferenceError::OutOfMemory { model: "toy".into(), batch, problem: "no room".into() });
            }
            noted.lock().unwrap().push(batch);
            write_output(outputs, 0, "out", &[batch, 1], |item, _| 1.0 + input.item(item)[0]);
            Ok(())
        }) as Box<Answer>)
    });
    let manifest: ModelManifest = serde_json::from_str(TOY).unwrap();
    let catalogue: Catalogue = [Model { folder: "toy".into(), manifest: manifest.into() }].into_iter().collect();
    let (shelf, events) = Shelf::new(catalogue, Arc::new(backend)).unwrap();
    shelf.start("toy", "large", 1).unwrap();
    events.try_iter().for_each(drop);
    (shelf, events, ran)
}

/// Looks at 20 faces of different brightness and says what was answered.
fn embed(embedder: &mut Embedder) -> Vec<f32> {
    let pictures: Vec<_> = (0..20_u8).map(|grey| Pixels::rgb(Size::new(8, 8), vec![grey; 192]).unwrap()).collect();
    let face = FaceObservation::detected(BBox::new(0.0, 0.0, 8.0, 8.0), None, 0.9);
    let faces: Vec<_> = pictures.iter().map(|picture| (picture, &face)).collect();
    let mut made = Vec::new();
    embedder.embed(&faces, &mut made).unwrap();
    made.iter().map(|one| one.as_ref().unwrap().values[0].round()).collect()
}

fn embedder(shelf: &Shelf) -> Embedder {
    let manifest: ModelManifest = serde_json::from_str(TOY).unwrap();
    Embedder::new(&manifest, Supply::shelf(shelf.seat("toy"))).unwrap()
}

fn every_face() -> Vec<f32> {
    (0..20_u8).map(|grey| 1.0 + f32::from(grey)).collect()
}

#[test]
fn a_batch_without_room_is_split_and_every_face_is_answered_in_order() {
    let (shelf, events, ran) = shelf(Arc::new(AtomicUsize::new(3)));
    let mut embedder = embedder(&shelf);
    assert_eq!(embed(&mut embedder), every_face());
    assert_eq!(ran.lock().unwrap().iter().sum::<usize>(), 20, "nobody is asked twice");
    let told: Vec<_> = events.try_iter().collect();
    assert_eq!(told.len(), 3, "20, 10 and 5 did not fit, 2 did, and that is remembered: {told:?}");
    assert_eq!(embed(&mut embedder), every_face());
    assert!(events.try_iter().next().is_none(), "the bound holds for the next batch too");
}

#[test]
fn when_not_even_one_fits_a_lower_rung_does_the_rest() {
    let most = Arc::new(AtomicUsize::new(4));
    let (shelf, events, _) = shelf(Arc::clone(&most));
    let mut embedder = embedder(&shelf);
    assert_eq!(embed(&mut embedder), every_face());
    most.store(0, Ordering::SeqCst); // somebody else has taken what was left
    let steered = shelf.clone();
    let governor = std::thread::Builder::new().spawn(move || {
        let single = |event: &ShelfEvent| matches!(event, ShelfEvent::OutOfMemory { batch: 1, .. });
        events.iter().find(single).expect("the shelf is gone");
        steered.start("toy", "small", 1).unwrap();
    });
    assert_eq!(embed(&mut embedder), every_face());
    governor.unwrap().join().unwrap();
}
