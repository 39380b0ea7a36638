//! What can be steered: a model of the graph, the stages that ask it, and the variants it may step down to.

use crate::inference::manifest::{Model, Precision, Role, Variant};

/// One model of the graph.
#[derive(Clone, Debug)]
pub(in crate::topology) struct Subject {
    /// The model's name.
    pub(in crate::topology) model: String,
    /// What it is for.
    pub(in crate::topology) role: Role,
    /// Variants it may run as, the one the pipeline names first.
    pub(in crate::topology) variants: Vec<Variant>,
    /// Where it runs, in the runtime's word.
    pub(in crate::topology) device: String,
    /// Stages that ask it, by id.
    pub(in crate::topology) stages: Vec<String>,
    /// Most items a stage gives it at once.
    pub(in crate::topology) max_batch: usize,
}

/// The variants a model may run as. What the pipeline names is the best it gets; below that come variants that are there,
/// take no larger input and no dearer number format, and whose answers can be compared with those given so far.
pub(in crate::topology) fn steps_down(
    model: &Model,
    written: &Variant,
    is_there: impl Fn(&Variant) -> bool,
) -> Vec<Variant> {
    let manifest = &model.manifest;
    let space = manifest.space(written);
    let below = manifest.variant.iter().filter(|variant| {
        let cheaper = variant.size.area() <= written.size.area() && rank(variant.precision) >= rank(written.precision);
        variant.id != written.id && cheaper && manifest.space(variant) == space && is_there(variant)
    });
    std::iter::once(written).chain(below).cloned().collect()
}

/// Dearest first.
fn rank(precision: Precision) -> u8 {
    match precision {
        Precision::Fp32 => 0,
        Precision::Fp16 => 1,
        Precision::Int8 => 2,
    }
}
