//! What is said of single faces: ages, genders, liveness and synthetic scores, points, angles, closed eyes.

use std::sync::Arc;

use serde_json::Value;

use super::{Agreement, Pictures, face, farthest, numbers};
use crate::inference::{
    InferenceError,
    heads::{AttributeModel, EyeModel, LandmarkModel, LivenessModel, PoseModel, Sight, Supply},
    manifest::{Model, Role, Variant},
};
use crate::memory::Pixels;
use crate::scene::{BBox, FaceObservation};

/// Largest differences for a variant that declares none.
const SCORE: f32 = 0.02;
const YEARS: f32 = 0.5;
const POINTS: f32 = 0.02;
const DEGREES: f32 = 1.0;
/// A crop of an eye is some 24 pixels wide: rounding its edge by one moves the score by more than the declared tolerance.
const EYE_ROUNDING: f32 = 0.03;

/// A golden case with its picture.
struct Case {
    said: Value,
    picture: Arc<Pixels>,
    face: FaceObservation,
}

pub(super) fn agreement(
    pictures: &mut Pictures,
    model: &Model,
    variant: &Variant,
    supply: Supply,
) -> Result<Option<Agreement>, InferenceError> {
    let mut cases = Vec::new();
    for said in pictures.cases(model)? {
        if let (Some(picture), Some(face)) = (pictures.of(&said), face(&said["face"])) {
            cases.push(Case { said, picture, face });
        }
    }
    if cases.is_empty() {
        return Ok(None);
    }
    let (allowed, unit) = allowed(model.manifest.role, variant);
    let worst = largest_difference(model, supply, &cases)?;
    Ok(Some(Agreement {
        found: format!("largest difference {worst:.4}{unit} to the golden answers on {} faces", cases.len()),
        expected: format!("at most {allowed}{unit}"),
        fits: worst <= allowed,
    }))
}

fn allowed(role: Role, variant: &Variant) -> (f32, &'static str) {
    let said = &variant.tolerance;
    match role {
        Role::Age => (said.years.unwrap_or(YEARS), " years"),
        Role::Landmarks => (said.points.unwrap_or(POINTS), " of the face's width"),
        Role::Pose => (said.degrees.unwrap_or(DEGREES), " degrees"),
        Role::Eye => (said.score.unwrap_or(SCORE) + EYE_ROUNDING, ""),
        _ => (said.score.unwrap_or(SCORE), ""),
    }
}

/// By how much the farthest answer is off; infinite when one is missing.
fn largest_difference(model: &Model, supply: Supply, cases: &[Case]) -> Result<f32, InferenceError> {
    let (manifest, sights) = (&model.manifest, sights(cases));
    let differences = match manifest.role {
        Role::Age | Role::Gender => attributes(AttributeModel::new(manifest, supply)?, &sights, cases)?,
        Role::Landmarks => points(LandmarkModel::new(manifest, supply)?, &sights, cases)?,
        Role::Pose => angles(PoseModel::new(manifest, supply)?, &sights, cases)?,
        Role::Eye => {
            let scale = manifest.input.crop.map_or(1.0, |crop| crop.scale);
            eyes(EyeModel::new(manifest, supply)?, scale, cases)?
        }
        _ => scores(LivenessModel::new(manifest, supply)?, &sights, cases)?,
    };
    Ok(farthest(differences))
}

fn sights(cases: &[Case]) -> Vec<Sight<'_>> {
    cases.iter().map(|case| (&*case.picture, &case.face)).collect()
}

fn off(wanted: Option<f32>, found: Option<f32>) -> f32 {
    wanted.zip(found).map_or(f32::INFINITY, |(wanted, found)| (wanted - found).abs())
}

fn first(list: &Value) -> Option<f32> {
    numbers(list).first().copied()
}

fn attributes(mut model: AttributeModel, sights: &[Sight], cases: &[Case]) -> Result<Vec<f32>, InferenceError> {
    let mut answers = Vec::new();
    model.answer(sights, &mut answers)?;
    let wanted = |case: &Case| case.said["years"].as_f64().map(|y| y as f32).or(first(&case.said["probabilities"]));
    Ok(cases.iter().zip(answers).map(|(case, answer)| off(wanted(case), answer.known().copied())).collect())
}

fn scores(mut model: LivenessModel, sights: &[Sight], cases: &[Case]) -> Result<Vec<f32>, InferenceError> {
    let mut found = Vec::new();
    model.score(sights, &mut found)?;
    Ok(cases.iter().zip(found).map(|(case, score)| off(first(&case.said["probabilities"]), score)).collect())
}

fn points(mut model: LandmarkModel, sights: &[Sight], cases: &[Case]) -> Result<Vec<f32>, InferenceError> {
    let (mut found, mut differences) = (Vec::new(), Vec::new());
    model.points(sights, &mut found)?;
    for (case, points) in cases.iter().zip(&found) {
        let wanted = case.said["points"].as_array().into_iter().flatten();
        for (at, wanted) in wanted.enumerate() {
            let (wanted, point) = (numbers(wanted), points.get(at));
            let far = point.zip(wanted.first().zip(wanted.get(1))).map(|(p, (x, y))| (x - p.x).hypot(y - p.y));
            differences.push(far.map_or(f32::INFINITY, |far| far / case.face.bbox.w));
        }
    }
    Ok(differences)
}

fn angles(mut model: PoseModel, sights: &[Sight], cases: &[Case]) -> Result<Vec<f32>, InferenceError> {
    let (mut found, mut differences) = (Vec::new(), Vec::new());
    model.angles(sights, &mut found)?;
    for (case, angles) in cases.iter().zip(found) {
        let said = |name| case.said["degrees"][name].as_f64().map(|degrees| degrees as f32);
        differences.push(off(said("yaw"), angles.map(|a| a.yaw)));
        differences.push(off(said("pitch"), angles.map(|a| a.pitch)));
        differences.push(off(said("roll"), angles.map(|a| a.roll)));
    }
    Ok(differences)
}

/// The reference's crops, from which the box before growing follows. Their edges were cut to whole pixels, so half a pixel
/// is added: cut again, they come out the same.
fn eyes(mut model: EyeModel, scale: f32, cases: &[Case]) -> Result<Vec<f32>, InferenceError> {
    let (mut boxes, mut wanted, mut found) = (Vec::new(), Vec::new(), Vec::new());
    for case in cases {
        for eye in case.said["eyes"].as_array().into_iter().flatten() {
            let Ok([left, top, right, bottom]) = <[f32; 4]>::try_from(numbers(&eye["bounds"])) else { continue };
            let (w, h) = ((right - left) / scale, (bottom - top) / scale);
            let (x, y) = (f32::midpoint(left, right) + 0.5 - w / 2.0, f32::midpoint(top, bottom) + 0.5 - h / 2.0);
            boxes.push((&*case.picture, BBox::new(x, y, w, h)));
            wanted.push(first(&eye["probabilities"]));
        }
    }
    model.closed(&boxes, &mut found)?;
    Ok(wanted.into_iter().zip(found).map(|(wanted, found)| off(wanted, found)).collect())
}
