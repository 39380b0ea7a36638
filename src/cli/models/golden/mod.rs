//! Golden outputs: what a plain Python program got from the same models on the same pictures (`tests/golden/<model>.json`).
//! [`embeddings`] compares vectors of aligned crops, [`boxes`] what is found on whole pictures, [`faces`] what is said of
//! single faces; each holds a variant against the tolerance that its manifest declares. [`alone`] asks a network itself.

mod alone;
mod boxes;
mod embeddings;
mod faces;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::Value;

use crate::inference::{
    InferenceError, Session,
    heads::Supply,
    manifest::{Model, Output, Role, Variant},
};
use crate::memory::{Pixels, read_photo};
use crate::scene::{BBox, FaceObservation, Point};

/// Cases of one model that are looked at, spread over all there are: enough to find a wrong file or a wrong rule in seconds.
/// `tests/parity_*.rs` look at every one.
const CASES: usize = 9;

/// How near a variant came.
pub(super) struct Agreement {
    /// What was measured, in words.
    pub(super) found: String,
    /// What was declared.
    pub(super) expected: String,
    /// Whether it is near enough.
    pub(super) fits: bool,
}

/// Golden cases and the pictures behind them, each decoded once.
pub(super) struct Pictures {
    root: PathBuf,
    read: BTreeMap<String, Option<Arc<Pixels>>>,
}

/// Compares a session with the golden outputs; `None` when nothing is recorded or fetched for it.
pub(super) fn agreement(
    pictures: &mut Pictures,
    model: &Model,
    variant: &Variant,
    mut session: Box<dyn Session>,
) -> Result<Option<Agreement>, InferenceError> {
    if let Output::Embedding(head) = &model.manifest.output {
        return embeddings::agreement(pictures, model, variant, head, &mut *session);
    }
    let alone = alone::agreement(&pictures.golden(model)?, model, &mut *session)?;
    let supply = Supply::own(&model.manifest, variant, session);
    let whole = match model.manifest.role {
        Role::Detect | Role::Content => boxes::agreement(pictures, model, variant, supply)?,
        _ => faces::agreement(pictures, model, variant, supply)?,
    };
    Ok(match (whole, alone) {
        (Some(whole), Some(alone)) => Some(whole.and(&alone)),
        (whole, alone) => whole.or(alone),
    })
}

impl Agreement {
    fn and(self, other: &Self) -> Self {
        Self {
            found: format!("{}; {}", self.found, other.found),
            expected: format!("{}; {}", self.expected, other.expected),
            fits: self.fits && other.fits,
        }
    }
}

impl Pictures {
    /// Below the folder that holds `tests/golden` and `samples`.
    pub(super) fn new(root: &Path) -> Self {
        Self { root: root.into(), read: BTreeMap::new() }
    }

    fn root(&self) -> &Path {
        &self.root
    }

    /// What is recorded of a model; null when there is no such file.
    fn golden(&self, model: &Model) -> Result<Value, InferenceError> {
        let path = self.root.join("tests/golden").join(format!("{}.json", model.manifest.name));
        let Ok(text) = fs::read_to_string(&path) else {
            return Ok(Value::Null);
        };
        let unreadable = |why: serde_json::Error| InferenceError::Runtime(format!("{}: {why}", path.display()));
        serde_json::from_str(&text).map_err(unreadable)
    }

    /// The recorded cases that are looked at.
    fn cases(&self, model: &Model) -> Result<Vec<Value>, InferenceError> {
        let golden = self.golden(model)?;
        let all = golden["cases"].as_array().map(Vec::as_slice).unwrap_or_default();
        Ok(all.iter().step_by(all.len().div_ceil(CASES).max(1)).cloned().collect())
    }

    /// The picture of a case: the photo, or the stored frame of a clip; `None` when it is not fetched.
    fn of(&mut self, case: &Value) -> Option<Arc<Pixels>> {
        let picture = &case["picture"];
        let file = picture["pixels"]["file"].as_str().or(picture["file"].as_str())?;
        let path = self.root.join(file);
        self.read.entry(file.to_owned()).or_insert_with(|| read_photo(&path).ok().map(Arc::new)).clone()
    }
}

/// The largest of these differences; what is no number is as far off as can be.
fn farthest(differences: impl IntoIterator<Item = f32>) -> f32 {
    differences.into_iter().fold(0.0, |worst, off| if off.is_nan() { f32::INFINITY } else { worst.max(off) })
}

/// A face or a region as golden files write it; `None` when it is written some other way.
fn face(said: &Value) -> Option<FaceObservation> {
    let [x, y, w, h] = numbers(&said["box"]).try_into().ok()?;
    let point = |said: &Value| <[f32; 2]>::try_from(numbers(said)).ok().map(|[x, y]| Point::new(x, y));
    let points = said["points"].as_array().map(|points| points.iter().filter_map(point).collect::<Vec<_>>());
    let points = points.and_then(|points| points.try_into().ok());
    Some(FaceObservation::detected(BBox::new(x, y, w, h), points, said["score"].as_f64()? as f32))
}

/// The numbers of a JSON list.
fn numbers(list: &Value) -> Vec<f32> {
    list.as_array().into_iter().flatten().filter_map(|v| v.as_f64().map(|v| v as f32)).collect()
}

#[cfg(test)]
mod tests {
    use super::farthest;

    #[test]
    fn what_is_no_number_does_not_agree() {
        assert!((0.49..0.51).contains(&farthest([0.5, 0.1])));
        for strange in [[f32::NAN, 0.1], [0.1, f32::NAN]] {
            assert!(farthest(strange).is_infinite());
        }
    }
}
