//! An imaginary device: what its models cost, and a shelf that loads and drops them as luck has it.

use flyball::governor::{
    Event, Learned, ModelName, ModelProfile, Move, Plan, Policy, Precision, Profile, VariantName, VariantProfile,
};

/// Bytes in a MiB.
pub(crate) const MIB: u64 = 1 << 20;
/// Bytes the process holds before any model is loaded.
const BASE: u64 = 100 * MIB;

fn variant(name: &str, precision: Precision, pixels: u32, quality: f64, item_ms: f64, mib: u64) -> VariantProfile {
    VariantProfile {
        name: name.into(),
        precision,
        pixels,
        quality,
        base_ms: 1.0,
        item_ms,
        weights: mib * MIB,
        workspace: mib * MIB / 4,
        load_ms: if precision == Precision::Int8 { 4_000.0 } else { 300.0 },
        learned: Learned::default(),
    }
}

fn model(name: &str, variants: Vec<VariantProfile>) -> ModelProfile {
    ModelProfile {
        name: name.into(),
        weight: 1.0,
        per_frame: if name == "detect" { 1.0 } else { 0.3 },
        follows_interval: name == "detect",
        follows_rate: name != "recognise",
        workers: 0,
        share: 0.3,
        batches: vec![1, 2, 4],
        variants,
    }
}

pub(crate) fn profile() -> Profile {
    use Precision::{Fp32, Int8};
    let detect = vec![
        variant("large", Fp32, 640, 1.0, 10.0, 60),
        variant("middle", Fp32, 384, 0.85, 6.0, 40),
        variant("small", Int8, 192, 0.6, 2.5, 20),
    ];
    let recognise = vec![variant("fp32", Fp32, 112, 1.0, 6.0, 120), variant("int8", Int8, 112, 0.95, 2.5, 40)];
    let classify = vec![variant("fp32", Fp32, 64, 1.0, 3.0, 80)];
    Profile {
        device: "imaginary".to_owned(),
        models: vec![model("detect", detect), model("recognise", recognise), model("classify", classify)],
        frame_ms: 4.0,
    }
}

pub(crate) fn policy() -> Policy {
    Policy { optional: vec!["classify".into()], ..Policy::default() }
}

/// Loads and drops what the governor asks for.
#[derive(Default)]
pub(crate) struct Shelf {
    loading: Vec<(ModelName, VariantName, u64)>,
    loaded: Vec<(ModelName, VariantName, u64)>,
    pub(crate) events: Vec<Event>,
}

impl Shelf {
    pub(crate) fn apply(&mut self, plan: &Plan, profile: &Profile) {
        for step in &plan.moves {
            match step {
                Move::Load { model, variant, batch } => {
                    if self.loaded.iter().any(|held| (&held.0, &held.1) == (model, variant)) {
                        let (model, variant) = (model.clone(), variant.clone());
                        self.events.push(Event::Ready { model, variant, bytes: None });
                        continue;
                    }
                    let at = profile.model(model).expect("a known model");
                    let variant_at = profile.models[at].variant(variant).expect("a known variant");
                    let bytes = profile.models[at].variants[variant_at].memory(*batch) as u64;
                    self.loading.push((model.clone(), variant.clone(), bytes));
                }
                Move::Retire { model, variant } => {
                    self.loading.retain(|held| (&held.0, &held.1) != (model, variant));
                    self.loaded.retain(|held| (&held.0, &held.1) != (model, variant));
                    self.events.push(Event::Retired { model: model.clone(), variant: variant.clone() });
                }
                Move::Use { model, variant } => {
                    assert!(self.loaded.iter().any(|held| (&held.0, &held.1) == (model, variant)), "used before ready");
                }
                Move::Shrink { .. } | Move::Grow { .. } => {}
            }
        }
    }

    pub(crate) fn pass(&mut self, luck: f64) {
        for (model, variant, bytes) in std::mem::take(&mut self.loading) {
            if luck < 0.6 {
                self.events.push(Event::Ready { model: model.clone(), variant: variant.clone(), bytes: Some(bytes) });
                self.loaded.push((model, variant, bytes));
            } else if luck < 0.7 {
                self.events.push(Event::Failed { model, variant, out_of_memory: luck < 0.65 });
            } else {
                self.loading.push((model, variant, bytes));
            }
        }
    }

    pub(crate) fn ours(&self) -> u64 {
        BASE + self.loaded.iter().map(|held| held.2).sum::<u64>()
    }
}
