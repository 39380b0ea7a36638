//! What running has taught about costs, kept between runs: `state/learned.json` beside the models folder. A lesson counts
//! only for the very figures it corrected; where those were measured anew, it starts over.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::governor::{Learned, Profile, VariantProfile};

const FILE: &str = "state/learned.json";

/// Where lessons of runs with this models folder are kept.
pub(in crate::topology) fn lessons_beside(models: &Path) -> Option<PathBuf> {
    Some(models.parent()?.join(FILE))
}

/// Puts what earlier runs learned into `profile`. Lessons that cannot be read are forgotten. A variant believed dear in memory
/// is believed half as dear by the next run: one that is never loaded again could never prove it wrong.
pub(in crate::topology) fn recall(profile: &mut Profile, file: &Path) {
    let earlier = fs::read_to_string(file).ok().and_then(|text| serde_json::from_str::<Profile>(&text).ok());
    let Some(earlier) = earlier.filter(|earlier| earlier.device == profile.device) else { return };
    if earlier.frame_ms > 0.0 {
        profile.frame_ms = earlier.frame_ms;
    }
    for model in &mut profile.models {
        let Some(known) = earlier.models.iter().find(|known| known.name == model.name) else { continue };
        for variant in &mut model.variants {
            let same = |known: &&VariantProfile| known.name == variant.name && figures(known) == figures(variant);
            if let Some(known) = known.variants.iter().find(same) {
                let memory = known.learned.memory.max(0.0);
                variant.learned =
                    Learned { memory: if memory > 1.0 { memory.sqrt() } else { memory }, ..known.learned };
                variant.load_ms = known.load_ms;
            }
        }
    }
}

/// Keeps what this run has learned, whole or not at all; models that did not run now stay as they were.
pub(in crate::topology) fn keep(profile: &Profile, file: &Path) -> io::Result<()> {
    let mut all = profile.clone();
    let earlier = fs::read_to_string(file).ok().and_then(|text| serde_json::from_str::<Profile>(&text).ok());
    for model in earlier.filter(|earlier| earlier.device == all.device).into_iter().flat_map(|earlier| earlier.models) {
        if all.model(&model.name).is_none() {
            all.models.push(model);
        }
    }
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let beside = file.with_extension("json.part");
    fs::write(&beside, serde_json::to_string_pretty(&all).map_err(io::Error::other)?)?;
    fs::rename(&beside, file)
}

/// What a lesson corrects.
fn figures(variant: &VariantProfile) -> (u64, u64, [u64; 2]) {
    let micros = |ms: f64| (ms * 1e3).round() as u64;
    (variant.weights, variant.workspace, [micros(variant.base_ms), micros(variant.item_ms)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::governor::{ModelProfile, Precision};

    fn profile(model: &str, item_ms: f64, memory: f64) -> Profile {
        let variant = VariantProfile {
            name: "fp32".into(),
            precision: Precision::Fp32,
            pixels: 1,
            quality: 1.0,
            base_ms: 0.0,
            item_ms,
            weights: 1,
            workspace: 1,
            load_ms: 10.0,
            learned: Learned { memory, ..Learned::default() },
        };
        let model = ModelProfile {
            name: model.into(),
            weight: 1.0,
            per_frame: 1.0,
            follows_interval: false,
            follows_rate: true,
            workers: 0,
            share: 1.0,
            batches: vec![1],
            variants: vec![variant],
        };
        Profile { device: "here".into(), models: vec![model], frame_ms: 0.0 }
    }

    fn recalled(file: &Path, item_ms: f64) -> f64 {
        let mut fresh = profile("a", item_ms, 1.0);
        recall(&mut fresh, file);
        fresh.models[0].variants[0].learned.memory
    }

    #[test]
    fn a_rung_that_ran_out_of_memory_is_dear_in_the_next_run_too() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("state/learned.json");
        keep(&profile("a", 5.0, 1.25), &file).unwrap();
        keep(&profile("b", 5.0, 1.0), &file).unwrap();
        assert!((recalled(&file, 5.0) - 1.25_f64.sqrt()).abs() < 1e-9, "the run of b has not forgotten a");
        assert!((recalled(&file, 6.0) - 1.0).abs() < 1e-9, "measured anew: the lesson was about other figures");
        fs::write(&file, "no lessons").unwrap();
        assert!((recalled(&file, 5.0) - 1.0).abs() < 1e-9);
    }
}
