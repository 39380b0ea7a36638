//! What is told of a model in use: its terms, its provenance on events, the space it embeds in.

use crate::events::wire::ModelRef;
use crate::inference::{
    SHAPES, Shelf,
    manifest::{Commercial, Model, ModelManifest, Output},
};
use crate::vision::{self, SpaceInfo};

/// Provenance of what runs now; `None` where nothing of it is loaded.
pub(super) fn model_ref(stage: &str, shelf: &Shelf, model: &str) -> Option<ModelRef> {
    let loaded = shelf.current(model)?;
    Some(ModelRef {
        stage: stage.to_owned(),
        id: model.to_owned(),
        sha256: loaded.variant.sha256.clone(),
        precision: loaded.variant.precision.word().to_owned(),
        unlicensed: loaded.model.manifest.licence.is_none() || !loaded.variant.has_checksum(),
    })
}

/// Says under which terms a model runs when they are anything but plain.
pub(super) fn tell_terms(model: &Model, stage: &str) {
    let manifest = &model.manifest;
    let Some(licence) = &manifest.licence else {
        tracing::warn!(
            model = manifest.name,
            stage,
            "its licence is not recorded; it runs only because the deployment allows that"
        );
        return;
    };
    if licence.commercial != Commercial::Stated(true) {
        let (weights, note) = (&licence.weights, licence.note.as_deref().unwrap_or_default());
        tracing::warn!(model = manifest.name, stage, %weights, "terms of use to settle first: {note}");
    }
}

/// A manifest's space as the gallery compares in it.
pub(super) fn space_info(manifest: &ModelManifest, name: String) -> Option<SpaceInfo> {
    let Output::Embedding(said) = &manifest.output else { return None };
    let (known, margin) = (said.thresholds.known, said.thresholds.margin);
    Some(SpaceInfo { name: name.into(), dims: said.dims, metric: said.metric, known, margin })
}

/// The space of the built-in fake.
pub(super) fn shapes_space() -> SpaceInfo {
    SpaceInfo { name: SHAPES.into(), dims: 10, metric: vision::Metric::Cosine, known: 0.5, margin: 0.1 }
}
