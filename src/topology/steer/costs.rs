//! What each variant costs: as `flyball models bench` measured it on this machine, or else a guess from its manifest, which
//! the governor corrects as soon as the variant runs.

use std::path::Path;

use super::{Subject, gpu_number};
use crate::governor::{self, ModelProfile, Profile, VariantProfile};
use crate::inference::{
    FIXED_BATCHES,
    manifest::{Precision, Role, Variant},
    profile::{MeasuredProfile, MeasuredVariant},
};

/// Where `flyball models bench` keeps what it measured, beside the models folder.
const MEASURED: &str = "state/profile.json";
/// Nanoseconds of one core a pixel of input, on the shipped models: YuNet 6.4 ms at 640 × 384.
const DETECT_NS: f64 = 26.0;
/// The same for networks that look at one face: dlib's ResNet 6.0 ms at 150 × 150.
const FACE_NS: f64 = 270.0;
/// Time of 8-bit integers beside floats: 2.5 ms instead of 6.0 ms for dlib's ResNet.
const INT8_TIME: f64 = 0.42;
/// Bytes a session holds beside its file's: the runtime keeps weights in its own layout.
const WEIGHTS: f64 = 2.0;
/// Bytes of activations a pixel of input.
const WORKSPACE: u64 = 160;
/// Milliseconds to open and check a session.
const LOAD_MS: f64 = 150.0;
/// Milliseconds of one core a frame takes to decode, prepare and track before it was measured: 720p, H.264.
const FRAME_MS: f64 = 4.0;
/// Faces a frame asks about before anything was counted: a track is asked about once a second, not on every frame.
const FACES_A_FRAME: f64 = 0.2;

/// What was measured on this machine, if anything was.
pub(in crate::topology) fn measured_beside(models: &Path) -> Option<MeasuredProfile> {
    let path = models.parent()?.join(MEASURED);
    match MeasuredProfile::read(&path) {
        Ok(profile) => Some(profile),
        Err(cause) => {
            let file = path.display();
            tracing::debug!(%file, %cause, "no measured costs; `flyball models bench` makes them, until then they are guessed");
            None
        }
    }
}

/// The governor's view of the models in the graph, in graph order.
pub(in crate::topology) fn profile(subjects: &[Subject], measured: Option<&MeasuredProfile>) -> Profile {
    let share = 1.0 / subjects.len().max(1) as f64;
    let models = subjects.iter().map(|subject| {
        let detects = subject.role == Role::Detect;
        ModelProfile {
            name: subject.model.as_str().into(),
            weight: 1.0,
            per_frame: if detects { 1.0 } else { FACES_A_FRAME },
            follows_interval: detects,
            follows_rate: matches!(subject.role, Role::Detect | Role::Content | Role::Eye | Role::Landmarks),
            // A stage is one thread.
            workers: 1,
            share,
            batches: batches(subject),
            variants: variants(subject, measured),
        }
    });
    let device = measured.map_or_else(String::new, |measured| measured.device.clone());
    Profile { device, models: models.collect(), frame_ms: FRAME_MS }
}

/// Powers of two up to what the pipeline allows; on a GPU those of them that have a graph.
fn batches(subject: &Subject) -> Vec<u32> {
    let fixed = gpu_number(&subject.device).is_some();
    let runs = |batch: &u32| !fixed || FIXED_BATCHES.contains(&(*batch as usize));
    let allowed = |batch: &u32| *batch as usize <= subject.max_batch.max(1);
    (0..6).map(|power| 1_u32 << power).filter(runs).filter(allowed).collect()
}

/// The best first.
fn variants(subject: &Subject, measured: Option<&MeasuredProfile>) -> Vec<VariantProfile> {
    let known = measured.and_then(|all| all.models.iter().find(|model| model.name == subject.model));
    let known = |variant: &Variant| known?.variants.iter().find(|known| known.name == variant.id);
    let one = |variant| known(variant).map_or_else(|| guessed(subject.role, variant), |known| taken(variant, known));
    let mut all: Vec<_> = subject.variants.iter().map(one).collect();
    all.sort_by(|a, b| b.quality.total_cmp(&a.quality));
    all
}

fn taken(variant: &Variant, known: &MeasuredVariant) -> VariantProfile {
    VariantProfile {
        base_ms: known.base_ms,
        item_ms: known.item_ms,
        weights: known.weights,
        workspace: known.workspace,
        load_ms: known.load_ms,
        ..bare(variant)
    }
}

fn guessed(role: Role, variant: &Variant) -> VariantProfile {
    let a_pixel = if role == Role::Detect { DETECT_NS } else { FACE_NS };
    let format = if variant.precision == Precision::Int8 { INT8_TIME } else { 1.0 };
    VariantProfile {
        item_ms: variant.size.area() as f64 * a_pixel * format / 1e6,
        weights: (variant.bytes as f64 * WEIGHTS) as u64,
        workspace: variant.size.area() * WORKSPACE,
        load_ms: LOAD_MS,
        ..bare(variant)
    }
}

fn bare(variant: &Variant) -> VariantProfile {
    VariantProfile {
        name: variant.id.as_str().into(),
        precision: match variant.precision {
            Precision::Fp32 => governor::Precision::Fp32,
            Precision::Fp16 => governor::Precision::Fp16,
            Precision::Int8 => governor::Precision::Int8,
        },
        pixels: variant.size.area() as u32,
        quality: f64::from(variant.quality),
        base_ms: 0.0,
        item_ms: 0.0,
        weights: 0,
        workspace: 0,
        load_ms: 0.0,
        learned: governor::Learned::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_a_gpu_only_batches_that_have_a_graph_are_planned() {
        let on = |device: &str| {
            let (role, variants, stages) = (Role::Detect, Vec::new(), Vec::new());
            batches(&Subject { model: "a".into(), role, variants, device: device.into(), stages, max_batch: 16 })
        };
        assert_eq!((on("cuda:0"), on("cpu")), (vec![1, 4, 16], vec![1, 2, 4, 8, 16]));
    }
}
