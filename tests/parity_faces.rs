//! Models that look at one face against a plain Python program with OpenCV, on real pictures. Needs `make setup`; says so
//! aloud where it has not run.
#![cfg(all(feature = "cli", feature = "ort"))]
#![allow(clippy::unwrap_used, reason = "a test may stop where it stands")]
#![allow(clippy::print_stderr, reason = "skipped tests and measured figures are for people")]

mod models_common;
mod parity_common;

use std::sync::Arc;

use flyball::{
    inference::{
        Batch, Outputs, Session,
        heads::{AttributeModel, Embedder, EyeModel, LandmarkModel, LivenessModel, PoseModel, Sight, eye_boxes},
        manifest::Model,
        tensor::{Placement, Rect, Resizer, TensorFormat},
    },
    memory::Pixels,
    scene::FaceObservation,
};
use models_common::{backend, model, root};
use parity_common::{as_nv12, cosine, face, golden, numbers, picture_at, picture_of, supply};
use serde_json::Value;

/// A golden case with its picture at hand.
struct Case {
    said: Value,
    picture: Arc<Pixels>,
    face: FaceObservation,
}

/// Every case of a model whose picture is here.
fn cases(name: &str) -> Option<(Model, Vec<Case>)> {
    let (model, golden) = (model(name)?, golden(root(), name)?);
    let mut cases = Vec::new();
    for said in golden {
        let picture = picture_of(root(), &said)?;
        let face = face(&said["face"]);
        cases.push(Case { said, picture, face });
    }
    Some((model, cases))
}

fn sights(cases: &[Case]) -> Vec<Sight<'_>> {
    cases.iter().map(|case| (&*case.picture, &case.face)).collect()
}

/// The raw output for a crop that is aligned already.
fn on_crop(session: &mut dyn Session, model: &Model, crop: &Pixels) -> Vec<f32> {
    let (mut batch, mut outputs) = (Batch::default(), Outputs::new());
    batch.reshape([1, 3, crop.size().h as usize, crop.size().w as usize]);
    let placement = Placement::stretch(Rect::whole(crop.size()), crop.size());
    let format = TensorFormat::of(&model.manifest.input);
    Resizer::default().fill(crop, &placement, &format, 0.0, crop.size(), batch.item_mut(0));
    session.run(&batch, &mut outputs).unwrap();
    outputs[0].item(0).to_vec()
}

fn embeddings_agree(name: &str) {
    let (Some(backend), Some((model, cases))) = (backend(), cases(name)) else {
        return;
    };
    let variant = &model.manifest.variant[0];
    let mut embedder = Embedder::new(&model.manifest, supply(&backend, &model, variant)).unwrap();
    let mut bare = backend.open_session(&model, variant).unwrap();
    let planes: Vec<Pixels> = cases.iter().map(|case| as_nv12(&case.picture)).collect();
    let on_planes: Vec<Sight> = planes.iter().zip(&cases).map(|(picture, case)| (picture, &case.face)).collect();
    let (mut made, mut from_planes) = (Vec::new(), Vec::new());
    embedder.embed(&sights(&cases), &mut made).unwrap();
    embedder.embed(&on_planes, &mut from_planes).unwrap();
    let mut worst = [1.0_f32; 3];
    for (at, case) in cases.iter().enumerate() {
        let wanted = numbers(&case.said["embedding"]);
        let Some(crop) = picture_at(root(), case.said["crop"]["file"].as_str().unwrap()) else {
            return;
        };
        let found = [
            cosine(&wanted, &on_crop(&mut bare, &model, &crop)),
            cosine(&wanted, &made[at].as_ref().unwrap().values),
            cosine(&wanted, &from_planes[at].as_ref().unwrap().values),
        ];
        worst = [0, 1, 2].map(|k| worst[k].min(found[k]));
    }
    eprintln!(
        "{name}: {} faces, least cosine on the same crop {}, from the picture {}, from NV12 {}",
        cases.len(),
        worst[0],
        worst[1],
        worst[2]
    );
    assert!(worst[0] >= 0.999, "on the same crop: {}", worst[0]);
    assert!(worst[1] >= 0.99, "from the picture: {}", worst[1]);
    assert!(worst[2] >= 0.97, "from video planes: {}", worst[2]);
}

#[test]
fn dlib_embeddings_agree() {
    embeddings_agree("dlib_resnet");
}

#[test]
fn arcface_embeddings_agree() {
    embeddings_agree("fr_feature");
}

#[test]
fn liveness_agrees_on_live_faces_and_on_attacks() {
    let (Some(backend), Some((model, cases))) = (backend(), cases("minifasnet")) else {
        return;
    };
    let mut liveness =
        LivenessModel::new(&model.manifest, supply(&backend, &model, &model.manifest.variant[0])).unwrap();
    let mut scores = Vec::new();
    liveness.score(&sights(&cases), &mut scores).unwrap();
    let mut worst = 0.0_f32;
    for (case, score) in cases.iter().zip(&scores) {
        let off = (numbers(&case.said["probabilities"])[0] - score.unwrap()).abs();
        assert!(off <= 0.02, "{}: {score:?}, off by {off}", case.said);
        worst = worst.max(off);
    }
    eprintln!("minifasnet: {} faces, largest difference {worst}", cases.len());
}

#[test]
fn ages_and_genders_agree() {
    for (name, limit) in [("age", 0.5), ("gender", 0.02)] {
        let (Some(backend), Some((model, cases))) = (backend(), cases(name)) else {
            return;
        };
        let mut attribute =
            AttributeModel::new(&model.manifest, supply(&backend, &model, &model.manifest.variant[0])).unwrap();
        let mut answers = Vec::new();
        attribute.answer(&sights(&cases), &mut answers).unwrap();
        let mut worst = 0.0_f32;
        for (case, answer) in cases.iter().zip(&answers) {
            let wanted =
                case.said["years"].as_f64().map_or_else(|| numbers(&case.said["probabilities"])[0], |y| y as f32);
            worst = worst.max((wanted - answer.known().unwrap()).abs());
        }
        eprintln!("{name}: {} faces, largest difference {worst}", cases.len());
        assert!(worst <= limit, "{name}: off by {worst}");
    }
}

#[test]
fn points_agree_and_so_do_the_eyes_they_lead_to() {
    let (Some(backend), Some((model, cases))) = (backend(), cases("landmarks68")) else {
        return;
    };
    let mut landmarks =
        LandmarkModel::new(&model.manifest, supply(&backend, &model, &model.manifest.variant[0])).unwrap();
    let mut found = Vec::new();
    landmarks.points(&sights(&cases), &mut found).unwrap();
    let mut worst = 0.0_f32;
    for (case, points) in cases.iter().zip(&found) {
        for (wanted, p) in case.said["points"].as_array().unwrap().iter().map(numbers).zip(points) {
            worst = worst.max((wanted[0] - p.x).hypot(wanted[1] - p.y) / case.face.bbox.w);
        }
    }
    eprintln!("landmarks68: {} faces, farthest point {worst} of the face's width", cases.len());
    assert!(worst <= 0.02, "points off by {worst}");
    eyes_agree(&cases, &found);
}

fn eyes_agree(faces: &[Case], points: &[Vec<flyball::scene::Point>]) {
    let (Some(backend), Some((model, golden))) = (backend(), cases("eye_state")) else {
        return;
    };
    let mut eyes = EyeModel::new(&model.manifest, supply(&backend, &model, &model.manifest.variant[0])).unwrap();
    let (mut scores, mut worst) = (Vec::new(), 0.0_f32);
    for ((case, points), said) in faces.iter().zip(points).zip(&golden) {
        assert_eq!(case.said["picture"], said.said["picture"]);
        let boxes = eye_boxes(points).unwrap().map(|b| (&*case.picture, b));
        eyes.closed(&boxes, &mut scores).unwrap();
        for (wanted, score) in said.said["eyes"].as_array().unwrap().iter().zip(&scores) {
            worst = worst.max((numbers(&wanted["probabilities"])[0] - score.unwrap()).abs());
        }
    }
    eprintln!("eye_state: largest difference {worst}");
    // the crop is some 24 pixels wide and follows points that differ by a part of a pixel
    assert!(worst <= 0.05, "eyes off by {worst}");
}

#[test]
fn head_poses_agree() {
    let (Some(backend), Some((model, cases))) = (backend(), cases("head_pose")) else {
        return;
    };
    let mut pose = PoseModel::new(&model.manifest, supply(&backend, &model, &model.manifest.variant[0])).unwrap();
    let mut found = Vec::new();
    pose.angles(&sights(&cases), &mut found).unwrap();
    let mut worst = 0.0_f32;
    for (case, angles) in cases.iter().zip(&found) {
        let angles = angles.unwrap();
        for (name, degrees) in [("yaw", angles.yaw), ("pitch", angles.pitch), ("roll", angles.roll)] {
            worst = worst.max((case.said["degrees"][name].as_f64().unwrap() as f32 - degrees).abs());
        }
    }
    eprintln!("head_pose: {} faces, largest difference {worst} degrees", cases.len());
    assert!(worst <= 1.0, "off by {worst} degrees");
}
