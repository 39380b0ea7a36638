//! Heads on a fake session: pictures whose content the fake network reads back, so that a face lands where it was drawn.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use super::{AttributeModel, Detector, Embedder, LivenessModel, Supply};
use crate::{
    inference::{Batch, FakeSession, InferenceError, Outputs, manifest::ModelManifest, write_output},
    memory::{Pixels, Size},
    scene::{BBox, Embedding, FaceObservation, Finding, Point},
};

fn manifest(role: &str, input: &str, output: &str) -> ModelManifest {
    let text = format!(
        "name = \"m\"\nrole = \"{role}\"\nsummary = \"s\"\n[input]\nname = \"in\"\nlayout = \"nchw\"\nchannels = \"rgb\"\n\
         mean = [0.0, 0.0, 0.0]\nscale = [1.0, 1.0, 1.0]\n{input}\n[output]\n{output}\n[[variant]]\nid = \"fp32\"\n\
         precision = \"fp32\"\nsize = [32, 32]\nfile = \"m.onnx\"\ndynamic_batch = true\n"
    );
    toml::from_str(&text).unwrap()
}

fn detector_manifest() -> ModelManifest {
    manifest(
        "detect",
        "size = [32, 32]\nfit = \"letterbox_top_left\"",
        "decoder = \"ultraface\"\nscores = \"scores\"\nboxes = \"boxes\"\nscore_threshold = 0.5\nnms_iou = 0.3",
    )
}

fn supply(
    manifest: &ModelManifest,
    answer: impl FnMut(&Batch, &mut Outputs) -> Result<(), InferenceError> + Send + 'static,
) -> Supply {
    Supply::own(manifest, &manifest.variant[0], Box::new(FakeSession::new(answer)))
}

/// A black picture with one white rectangle.
fn drawn(size: Size, at: BBox) -> Pixels {
    let inside = |x: u32, y: u32| (at.x..at.right()).contains(&(x as f32)) && (at.y..at.bottom()).contains(&(y as f32));
    let bytes = (0..size.h).flat_map(|y| (0..size.w).map(move |x| (x, y)));
    let bytes = bytes.flat_map(|(x, y)| [if inside(x, y) { 255 } else { 0 }; 3]).collect();
    Pixels::rgb(size, bytes).unwrap()
}

/// Finds the white rectangle in each item's first channel, as parts of the input.
fn white_box(batch: &Batch, item: usize) -> [f32; 4] {
    let plane = &batch.item(item)[..32 * 32];
    let lit = (0..32 * 32).filter(|&at| plane[at] > 127.0).map(|at| ((at % 32) as f32, (at / 32) as f32));
    let edges = lit
        .fold([32.0_f32, 32.0, 0.0, 0.0], |e, (x, y)| [e[0].min(x), e[1].min(y), e[2].max(x + 1.0), e[3].max(y + 1.0)]);
    edges.map(|v| v / 32.0)
}

#[test]
fn faces_come_back_on_the_frame_they_were_drawn_on() {
    let manifest = detector_manifest();
    let session = supply(&manifest, |batch, outputs| {
        let boxes: Vec<[f32; 4]> = (0..batch.len()).map(|item| white_box(batch, item)).collect();
        write_output(outputs, 0, "scores", &[batch.len(), 1, 2], |_, at| [0.1, 0.9][at]);
        write_output(outputs, 1, "boxes", &[batch.len(), 1, 4], |item, at| boxes[item][at]);
        Ok(())
    });
    let mut detector = Detector::new(&manifest, session).unwrap();
    let truth = [
        (Size::new(64, 64), BBox::new(8.0, 16.0, 20.0, 24.0)),
        (Size::new(128, 64), BBox::new(40.0, 8.0, 48.0, 40.0)),
        (Size::new(32, 64), BBox::new(4.0, 20.0, 16.0, 30.0)),
    ];
    let frames: Vec<Pixels> = truth.iter().map(|&(size, at)| drawn(size, at)).collect();
    // more frames than one tensor holds
    let frames: Vec<&Pixels> = frames.iter().cycle().take(70).collect();
    let mut found = Vec::new();
    detector.detect(&frames, &mut found).unwrap();
    for (faces, (_, at)) in found.iter().zip(truth.iter().cycle()) {
        let seen = faces[0].bbox;
        assert!((seen.x - at.x).abs() <= 4.0 && (seen.y - at.y).abs() <= 4.0, "{seen:?} for {at:?}");
        assert!((seen.w - at.w).abs() <= 4.0 && (seen.h - at.h).abs() <= 4.0, "{seen:?} for {at:?}");
    }
    detector.detect(&frames[..1], &mut found).unwrap();
    assert_eq!((found.len(), found[0].len()), (1, 1), "nothing is left over from the batch before");
}

fn face(at: BBox) -> FaceObservation {
    let point = |x: f32, y: f32| Point::new(at.x + x * at.w, at.y + y * at.h);
    let points = [point(0.3, 0.4), point(0.7, 0.4), point(0.5, 0.6), point(0.35, 0.8), point(0.65, 0.8)];
    FaceObservation::detected(at, Some(points), 0.9)
}

fn embedder(size: usize) -> Embedder {
    let manifest = manifest(
        "recognize",
        "size = [32, 32]\nfit = \"align\"\nalign = { template = \"arcface5\" }",
        &format!(
            "decoder = \"embedding\"\nname = \"out\"\ndims = {size}\nnormalise = true\nmetric = \"cosine\"\nspace = \"toy\"\n\
             thresholds = {{ known = 0.5, margin = 0.1 }}"
        ),
    );
    let session = supply(&manifest, |batch, outputs| {
        let bright: Vec<f32> = (0..batch.len()).map(|item| batch.item(item).iter().sum::<f32>()).collect();
        write_output(outputs, 0, "out", &[batch.len(), 2], |item, at| if at == 0 { 1.0 } else { bright[item] });
        Ok(())
    });
    Embedder::new(&manifest, session).unwrap()
}

#[test]
fn a_face_without_points_has_no_embedding_and_its_neighbours_keep_theirs() {
    let picture = drawn(Size::new(96, 96), BBox::new(20.0, 20.0, 40.0, 40.0));
    let whole = face(BBox::new(20.0, 20.0, 40.0, 40.0));
    let pointless = FaceObservation { landmarks: None, ..whole.clone() };
    let broken = FaceObservation { landmarks: Some([Point::new(f32::NAN, 0.0); 5]), ..whole.clone() };
    let mut made: Vec<Option<Embedding>> = Vec::new();
    embedder(2)
        .embed(&[(&picture, &whole), (&picture, &pointless), (&picture, &broken), (&picture, &whole)], &mut made)
        .unwrap();
    assert!(made[0].is_some() && made[1].is_none() && made[2].is_none());
    assert_eq!(made[0], made[3]);
    let length: f32 = made[0].iter().flat_map(|e| e.values.iter()).map(|v| v * v).sum();
    assert!((length - 1.0).abs() < 1e-5);
}

#[test]
fn a_manifest_of_another_length_is_told_and_not_read() {
    let picture = drawn(Size::new(96, 96), BBox::new(20.0, 20.0, 40.0, 40.0));
    let refused =
        embedder(3).embed(&[(&picture, &face(BBox::new(20.0, 20.0, 40.0, 40.0)))], &mut Vec::new()).unwrap_err();
    assert!(refused.to_string().contains("`out` holds 2 numbers an item where the decoder reads 3"), "{refused}");
}

#[test]
fn a_liveness_crop_reaches_the_network_upright_and_nonsense_is_no_score() {
    let manifest = manifest(
        "liveness",
        "size = [32, 32]\nfit = \"crop\"\ncrop = { scale = 1.0 }",
        "decoder = \"softmax\"\nname = \"out\"\nlogits = false\nclasses = [\"spoof\", \"live\"]\nlive_index = 1",
    );
    let session = supply(&manifest, |batch, outputs| {
        // lit upper half: live; black: not a number
        let upper = |item: usize| batch.item(item)[..32 * 16].iter().sum::<f32>() / (255.0 * 512.0);
        write_output(
            outputs,
            0,
            "out",
            &[batch.len(), 2],
            |item, _| {
                if upper(item) > 0.0 { upper(item) } else { f32::NAN }
            },
        );
        Ok(())
    });
    let mut liveness = LivenessModel::new(&manifest, session).unwrap();
    let picture = drawn(Size::new(100, 100), BBox::new(20.0, 30.0, 40.0, 20.0));
    let (lit, dark) = (face(BBox::new(20.0, 30.0, 40.0, 40.0)), face(BBox::new(70.0, 70.0, 20.0, 20.0)));
    let nowhere = face(BBox::new(10.0, 10.0, 0.0, 0.0));
    let mut scores = Vec::new();
    liveness.score(&[(&picture, &lit), (&picture, &dark), (&picture, &nowhere)], &mut scores).unwrap();
    assert!(scores[0].is_some_and(|s| s > 0.9), "{scores:?}");
    assert_eq!(&scores[1..], [None, None]);
}

#[test]
fn an_attribute_is_unsure_where_the_network_is_lost() {
    let manifest = manifest(
        "age",
        "size = [32, 32]\nfit = \"stretch\"",
        "decoder = \"expectation\"\nname = \"out\"\nlogits = false\nunit = \"years\"\nvalues = [20.0, 30.0, 70.0]",
    );
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    let session =
        supply(&manifest, move |batch, outputs| {
            counted.fetch_add(1, Ordering::Relaxed);
            write_output(outputs, 0, "out", &[batch.len(), 3], |item, at| {
                if item == 1 { f32::INFINITY } else { [0.5, 0.5, 0.0][at] }
            });
            Ok(())
        });
    let mut age = AttributeModel::new(&manifest, session).unwrap();
    let picture = drawn(Size::new(100, 100), BBox::new(20.0, 30.0, 40.0, 20.0));
    let one = face(BBox::new(20.0, 30.0, 40.0, 40.0));
    let mut answers = Vec::new();
    age.answer(&[(&picture, &one), (&picture, &one)], &mut answers).unwrap();
    assert_eq!(answers, [Finding::Known { value: 25.0, confidence: 1.0 }, Finding::Unsure]);
    assert_eq!(runs.load(Ordering::Relaxed), 1, "both faces in one batch");
    age.answer(&[], &mut answers).unwrap();
    assert!(answers.is_empty());
}

#[test]
fn a_head_refuses_a_manifest_made_for_another_job() {
    let manifest = detector_manifest();
    let refused = LivenessModel::new(&manifest, supply(&manifest, |_, _| Ok(()))).err().unwrap();
    assert!(refused.to_string().contains("decoder `ultraface` does not give probabilities"), "{refused}");
}
