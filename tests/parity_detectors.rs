//! Detectors against a plain Python program with OpenCV, on real pictures: no face missed, boxes and points in place. Needs
//! `make setup`; says so aloud where it has not run.
#![cfg(all(feature = "cli", feature = "ort"))]
#![allow(clippy::unwrap_used, reason = "a test may stop where it stands")]
#![allow(clippy::print_stderr, reason = "skipped tests and measured figures are for people")]

mod models_common;
mod parity_common;

use flyball::{
    inference::{
        heads::{ContentModel, Detector, Sighting},
        manifest::Model,
    },
    memory::{Pixels, Size},
    scene::FaceObservation,
    vision::iou,
};
use models_common::{backend, model, root};
use parity_common::{as_nv12, even, face, golden, picture_at, picture_of, supply};
use serde_json::Value;

/// Least overlap with the reference's box.
const IOU: f32 = 0.95;
/// Farthest a point may lie from the reference's, as a part of the face's width.
const POINTS: f32 = 0.01;
/// Farthest a score may lie from the reference's; a face this close to the threshold may come or go.
const SCORE: f32 = 0.02;

/// The worst seen.
#[derive(Debug)]
struct Worst {
    faces: usize,
    iou: f32,
    points: f32,
    score: f32,
}

impl Worst {
    fn new() -> Self {
        Self { faces: 0, iou: 1.0, points: 0.0, score: 0.0 }
    }

    /// Holds what was found on one picture against what should be there.
    fn compare(&mut self, wanted: &[FaceObservation], found: &[FaceObservation], threshold: f32, what: &str) {
        let sure = |f: &&FaceObservation| f.score > threshold + SCORE;
        for face in wanted.iter().filter(sure) {
            let best = found.iter().max_by(|a, b| iou(a.bbox, face.bbox).total_cmp(&iou(b.bbox, face.bbox)));
            let best = best.unwrap_or_else(|| panic!("{what}: {:?} was missed altogether", face.bbox));
            self.note(face, best);
        }
        for extra in found.iter().filter(sure) {
            let known = wanted.iter().any(|face| iou(face.bbox, extra.bbox) > 0.5);
            assert!(known, "{what}: {:?} with score {} is not in the reference", extra.bbox, extra.score);
        }
    }

    fn note(&mut self, wanted: &FaceObservation, found: &FaceObservation) {
        self.faces += 1;
        self.iou = self.iou.min(iou(wanted.bbox, found.bbox));
        self.score = self.score.max((wanted.score - found.score).abs());
        for (a, b) in wanted.landmarks.iter().flatten().zip(found.landmarks.iter().flatten()) {
            self.points = self.points.max((a.x - b.x).hypot(a.y - b.y) / wanted.bbox.w);
        }
    }
}

fn faces_of(case: &Value, key: &str, size: Size) -> Vec<FaceObservation> {
    case[key][format!("{}x{}", size.w, size.h)].as_array().unwrap().iter().map(face).collect()
}

/// Runs one face detector at one size over all golden pictures.
fn detect(name: &str, size: Size, threshold: f32) -> Option<Worst> {
    let (backend, model, cases) = (backend()?, model(name)?, golden(root(), name)?);
    let variant = model.manifest.variant.iter().find(|v| v.size == size)?;
    let mut detector = Detector::new(&model.manifest, supply(&backend, &model, variant)).unwrap();
    let (mut found, mut worst) = (Vec::new(), Worst::new());
    for case in &cases {
        let Some(picture) = picture_of(root(), case) else {
            continue;
        };
        detector.detect(&[&picture], &mut found).unwrap();
        worst.compare(&faces_of(case, "faces", size), &found[0], threshold, &case["picture"]["file"].to_string());
    }
    eprintln!("{name} at {size:?}: {worst:?}");
    (worst.faces > 0).then_some(worst)
}

#[test]
fn yunet_finds_what_opencv_finds() {
    for size in [Size::new(640, 640), Size::new(640, 384)] {
        let Some(worst) = detect("yunet", size, 0.6) else {
            return;
        };
        assert!(worst.iou >= IOU && worst.points <= POINTS && worst.score <= SCORE, "{worst:?}");
    }
}

#[test]
fn yunet_finds_the_same_faces_on_video_planes() {
    let (Some(backend), Some(model), Some(cases)) = (backend(), model("yunet"), golden(root(), "yunet")) else {
        return;
    };
    let mut detector = Detector::new(&model.manifest, supply(&backend, &model, &model.manifest.variant[0])).unwrap();
    let (mut found, mut worst) = (Vec::new(), Worst::new());
    for case in &cases {
        let Some(picture) = picture_of(root(), case) else {
            continue;
        };
        // video has even sizes; a row less moves every sample, so both ways get the same picture
        let rgb = even(&picture);
        detector.detect(&[&rgb, &as_nv12(&rgb)], &mut found).unwrap();
        worst.compare(&found[0], &found[1], 0.6, &case["picture"]["file"].to_string());
    }
    eprintln!("yunet on NV12 against RGB: {worst:?}");
    // chroma at half resolution and its rounding move boxes a little
    assert!(worst.iou >= IOU && worst.points <= 0.02 && worst.score <= SCORE, "{worst:?}");
}

#[test]
fn centerface_and_ultraface_find_what_the_reference_finds() {
    for (name, size, threshold) in [("centerface", Size::new(640, 384), 0.5), ("ultraface", Size::new(320, 240), 0.7)] {
        let Some(worst) = detect(name, size, threshold) else {
            continue;
        };
        assert!(worst.iou >= IOU && worst.points <= POINTS && worst.score <= SCORE, "{worst:?}");
    }
}

#[test]
fn a_whole_batch_gives_what_each_frame_gives_alone() {
    let (Some(backend), Some(model)) = (backend(), model("yunet")) else {
        return;
    };
    let files = ["obama", "biden", "obama3"].map(|name| format!("samples/photos/{name}.jpg"));
    let pictures: Option<Vec<_>> = files.iter().map(|file| picture_at(root(), file)).collect();
    let Some(pictures) = pictures else { return };
    let frames: Vec<Pixels> = pictures.iter().map(|picture| as_nv12(picture)).collect();
    let frames: Vec<&Pixels> = frames.iter().collect();
    let mut detector = Detector::new(&model.manifest, supply(&backend, &model, &model.manifest.variant[0])).unwrap();
    let (mut together, mut alone) = (Vec::new(), Vec::new());
    detector.detect(&frames, &mut together).unwrap();
    for (frame, batched) in frames.iter().zip(&together) {
        detector.detect(&[frame], &mut alone).unwrap();
        let boxes = |found: &[FaceObservation]| found.iter().map(|f| f.bbox).collect::<Vec<_>>();
        assert!(!batched.is_empty());
        assert_eq!(boxes(batched), boxes(&alone[0]));
    }
}

#[test]
fn the_content_model_sees_what_the_reference_sees() {
    let (Some(backend), Some(model), Some(cases)) = (backend(), model("nudenet320"), golden(root(), "nudenet320"))
    else {
        return;
    };
    let variant = &model.manifest.variant[0];
    let mut content = ContentModel::new(&model.manifest, supply(&backend, &model, variant)).unwrap();
    let (mut found, mut compared) = (Vec::new(), 0);
    for case in &cases {
        let Some(picture) = picture_of(root(), case) else {
            continue;
        };
        content.look(&[&picture], &mut found).unwrap();
        for wanted in case["regions"]["320x320"].as_array().unwrap() {
            compared += usize::from(seen(&model, wanted, &found[0]));
        }
    }
    eprintln!("nudenet320: {compared} regions compared");
}

/// Whether a region sure enough to count was there to compare; panics if it was not seen.
fn seen(model: &Model, wanted: &Value, found: &[Sighting]) -> bool {
    let region = face(wanted);
    if region.score < 0.2 + SCORE {
        return false;
    }
    let flyball::inference::manifest::Output::Yolov8(said) = &model.manifest.output else {
        return false;
    };
    let class = said.classes.iter().position(|c| Some(c.as_str()) == wanted["class"].as_str());
    let near = |s: &&Sighting| Some(s.class) == class && iou(s.bbox, region.bbox) >= IOU;
    let best = found.iter().find(near).unwrap_or_else(|| panic!("{wanted} was not seen, only {found:?}"));
    assert!((best.score - region.score).abs() <= 2.0 * SCORE, "{wanted}: score {}", best.score);
    true
}
