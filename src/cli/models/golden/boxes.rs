//! What detectors and content models find on whole pictures.

use super::{Agreement, Pictures, face};
use crate::inference::{
    InferenceError,
    heads::{ContentModel, Detector, Supply},
    manifest::{Model, Role, Variant},
};
use crate::memory::{Pixels, Size};
use crate::scene::FaceObservation;
use crate::vision::iou;
use serde_json::Value;

/// A face this close to the threshold may come or go.
const SCORE: f32 = 0.02;
/// Least overlap for a variant that declares none.
const IOU: f32 = 0.95;
/// At an input size for which nothing is recorded, boxes are held against those of another size: looser, and only for faces
/// this many pixels wide in the smaller input.
const OTHER_IOU: f32 = 0.6;
const OTHER_WIDTH: f32 = 24.0;

/// The least overlap with the reference's boxes, and how many of them were missed.
struct Worst {
    boxes: usize,
    missed: usize,
    iou: f32,
}

/// Either kind of network that looks at whole pictures.
enum Finder {
    Faces(Detector),
    Content(ContentModel),
}

pub(super) fn agreement(
    pictures: &mut Pictures,
    model: &Model,
    variant: &Variant,
    supply: Supply,
) -> Result<Option<Agreement>, InferenceError> {
    let mut finder = match model.manifest.role {
        Role::Content => Finder::Content(ContentModel::new(&model.manifest, supply)?),
        _ => Finder::Faces(Detector::new(&model.manifest, supply)?),
    };
    let sure = model.manifest.output.score_threshold().unwrap_or(0.5) + SCORE;
    let (mut worst, mut own) = (Worst { boxes: 0, missed: 0, iou: 1.0 }, true);
    for case in pictures.cases(model)? {
        let (Some(picture), Some((rows, same_size))) = (pictures.of(&case), recorded(&case, variant.size)) else {
            continue;
        };
        own &= same_size;
        let found = finder.find(&picture)?;
        let scale = shrink(picture.size(), variant.size);
        let clear = |f: &FaceObservation| f.score > sure && (same_size || f.bbox.w * scale >= OTHER_WIDTH);
        let wanted = rows.iter().filter_map(|row| Some((face(row)?, row["class"].as_str())));
        wanted.filter(|(wanted, _)| clear(wanted)).for_each(|(wanted, class)| worst.note(&wanted, class, &found));
    }
    let least = if own { variant.tolerance.iou.unwrap_or(IOU) } else { OTHER_IOU };
    Ok((worst.boxes > 0).then(|| worst.told(least, own)))
}

/// What is recorded at this input size, or else at any.
fn recorded(case: &Value, size: Size) -> Option<(Vec<Value>, bool)> {
    let by_size = case["faces"].as_object().or(case["regions"].as_object())?;
    let own = by_size.get(&format!("{}x{}", size.w, size.h));
    let rows = own.or_else(|| by_size.values().next())?.as_array()?;
    Some((rows.clone(), own.is_some()))
}

/// Input pixels for one of the picture.
fn shrink(picture: Size, input: Size) -> f32 {
    (input.w as f32 / picture.w.max(1) as f32).min(input.h as f32 / picture.h.max(1) as f32)
}

impl Finder {
    /// What is on the picture, with the class where there is one.
    fn find(&mut self, picture: &Pixels) -> Result<Vec<(FaceObservation, Option<String>)>, InferenceError> {
        match self {
            Self::Faces(detector) => {
                let mut found = Vec::new();
                detector.detect(&[picture], &mut found)?;
                Ok(found.remove(0).into_iter().map(|face| (face, None)).collect())
            }
            Self::Content(content) => {
                let mut found = Vec::new();
                content.look(&[picture], &mut found)?;
                let seen = found.remove(0).into_iter();
                let one = |s: crate::inference::heads::Sighting| FaceObservation::detected(s.bbox, None, s.score);
                Ok(seen.map(|s| (one(s), content.classes().get(s.class).cloned())).collect())
            }
        }
    }
}

impl Worst {
    fn note(&mut self, wanted: &FaceObservation, class: Option<&str>, found: &[(FaceObservation, Option<String>)]) {
        let same = found.iter().filter(|(_, other)| other.as_deref() == class);
        let best = same.map(|(face, _)| iou(face.bbox, wanted.bbox)).fold(0.0, f32::max);
        self.boxes += 1;
        if best <= 0.0 {
            self.missed += 1;
        } else {
            self.iou = self.iou.min(best);
        }
    }

    fn told(&self, least: f32, own: bool) -> Agreement {
        let whose = if own { "golden boxes" } else { "golden boxes of another input size" };
        Agreement {
            found: format!("least overlap {:.3} with {} {whose}, {} missed", self.iou, self.boxes, self.missed),
            expected: format!("{least}, none missed"),
            fits: self.missed == 0 && self.iou >= least,
        }
    }
}
