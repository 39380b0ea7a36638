//! The models a graph needs: read from their manifests, loaded onto the shelf, handed to stages as heads on seats.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use crossbeam_channel::Receiver;

use super::{
    AssembleError,
    backend::open_backend,
    terms::{model_ref, shapes_space, space_info, tell_terms},
};
use crate::config::Deployment;
use crate::events::wire::ModelRef;
use crate::inference::{
    Backend, ContentWatcher, Counted, Describers, EyeWatcher, Eyes, FaceClassifier, FaceDetector, FaceEmbedder,
    InferenceError, LivenessJudge, Loaded, RunLog, SHAPES, ShapeDescriber, ShapeDetector, ShapeEmbedder, ShapeJudge,
    Shelf, ShelfEvent,
    heads::{
        AttributeModel, ContentModel, Detector, Embedder, EyeModel, LandmarkModel, LivenessModel, PoseModel, Supply,
    },
    manifest::{Catalogue, ManifestProblem, ModelManifest},
};
use crate::vision::SpaceInfo;

/// The models of one run.
pub(super) struct ModelRoom {
    catalogue: Catalogue,
    /// What is wrong with the models that are not in the catalogue.
    unusable: Vec<ManifestProblem>,
    shelf: Option<(Shelf, Receiver<ShelfEvent>)>,
    /// Models by stage, in the order they were asked for.
    used: BTreeMap<String, Vec<String>>,
    backend: Box<dyn Fn() -> Result<Arc<dyn Backend>, AssembleError>>,
    /// The largest batch they are made ready for.
    batch: usize,
}

impl ModelRoom {
    /// Opens the models folder; the runtime is loaded when the first model is asked for. With a governor they are ready for
    /// single items, and it asks for more.
    pub(super) fn open(deployment: &Deployment, runs: RunLog) -> Self {
        let settings = deployment.models.clone();
        let (catalogue, unusable) = Catalogue::read_usable(&settings.dir);
        let batch = if deployment.governor.enabled { 1 } else { usize::MAX };
        let counted = move |inner| -> Arc<dyn Backend> { Arc::new(Counted::new(inner, runs.clone())) };
        let backend = Box::new(move || open_backend(&settings).map(&counted));
        Self { catalogue, unusable, shelf: None, used: BTreeMap::new(), backend, batch }
    }

    fn shelf(&mut self) -> Result<Shelf, AssembleError> {
        if let Some((shelf, _)) = &self.shelf {
            return Ok(shelf.clone());
        }
        let backend = (self.backend)()?;
        let (shelf, events) = Shelf::new(self.catalogue.clone(), backend).map_err(AssembleError::missing)?;
        self.shelf = Some((shelf.clone(), events));
        Ok(shelf)
    }

    /// Loads a variant with one session for the stage that asks, and remembers who uses it.
    fn load(
        &mut self,
        stage: &str,
        model: &str,
        variant: Option<&str>,
    ) -> Result<(ModelManifest, Supply), AssembleError> {
        let found = self.catalogue.model(model).map_err(|cause| self.without(model, &cause))?;
        tell_terms(found, stage);
        let manifest = found.manifest.as_ref().clone();
        let variant = variant.unwrap_or(&manifest.variant[0].id);
        let shelf = self.shelf()?;
        shelf.start_for(self.batch, model, variant, 1).map_err(AssembleError::missing)?;
        self.used.entry(stage.to_owned()).or_default().push(model.to_owned());
        Ok((manifest, Supply::shelf(shelf.seat(model))))
    }

    /// Why there is no such model: its manifest is wrong, or it is not there.
    fn without(&self, model: &str, cause: &InferenceError) -> AssembleError {
        let manifest = Path::new(model).join("model.toml");
        let its = self.unusable.iter().filter(|problem| Path::new(&problem.file).ends_with(&manifest));
        let problems: Vec<_> = its.map(ToString::to_string).collect();
        if problems.is_empty() { AssembleError::missing(cause) } else { AssembleError::bad(problems.join("\n")) }
    }

    /// A detector; `threshold` replaces the manifest's own.
    pub(super) fn detector(
        &mut self,
        stage: &str,
        model: &str,
        variant: Option<&str>,
        threshold: Option<f32>,
    ) -> Result<Box<dyn FaceDetector>, AssembleError> {
        if model == SHAPES {
            return Ok(Box::new(ShapeDetector));
        }
        let (mut manifest, supply) = self.load(stage, model, variant)?;
        if let Some(threshold) = threshold {
            manifest.output.set_score_threshold(threshold);
        }
        Ok(Box::new(Detector::new(&manifest, supply).map_err(AssembleError::missing)?))
    }

    /// An embedder.
    pub(super) fn embedder(
        &mut self,
        stage: &str,
        model: &str,
        variant: Option<&str>,
    ) -> Result<Box<dyn FaceEmbedder>, AssembleError> {
        if model == SHAPES {
            return Ok(Box::<ShapeEmbedder>::default());
        }
        let (manifest, supply) = self.load(stage, model, variant)?;
        Ok(Box::new(Embedder::new(&manifest, supply).map_err(AssembleError::missing)?))
    }

    /// A liveness judge.
    pub(super) fn judge(
        &mut self,
        stage: &str,
        model: &str,
        variant: Option<&str>,
    ) -> Result<Box<dyn LivenessJudge>, AssembleError> {
        if model == SHAPES {
            return Ok(Box::new(ShapeJudge));
        }
        let (manifest, supply) = self.load(stage, model, variant)?;
        Ok(Box::new(LivenessModel::new(&manifest, supply).map_err(AssembleError::missing)?))
    }

    /// The models that describe faces; those that are not named are not asked.
    pub(super) fn describers(
        &mut self,
        stage: &str,
        [age, gender, pose]: [Option<&str>; 3],
    ) -> Result<Box<dyn FaceClassifier>, AssembleError> {
        if [age, gender, pose].iter().flatten().any(|model| *model == SHAPES) {
            return Ok(Box::new(ShapeDescriber));
        }
        Ok(Box::new(Describers {
            age: age.map(|model| self.head(stage, model, None, AttributeModel::new)).transpose()?,
            gender: gender.map(|model| self.head(stage, model, None, AttributeModel::new)).transpose()?,
            pose: pose.map(|model| self.head(stage, model, None, PoseModel::new)).transpose()?,
        }))
    }

    /// Eyes: found by one model, judged by another.
    pub(super) fn eyes(
        &mut self,
        stage: &str,
        landmarks: &str,
        eyes: &str,
    ) -> Result<Box<dyn EyeWatcher>, AssembleError> {
        let landmarks = self.head(stage, landmarks, None, LandmarkModel::new)?;
        Ok(Box::new(Eyes::new(landmarks, self.head(stage, eyes, None, EyeModel::new)?)))
    }

    /// A content model.
    pub(super) fn content(
        &mut self,
        stage: &str,
        model: &str,
        variant: Option<&str>,
    ) -> Result<Box<dyn ContentWatcher>, AssembleError> {
        Ok(Box::new(self.head(stage, model, variant, ContentModel::new)?))
    }

    /// A model with a job.
    fn head<H>(
        &mut self,
        stage: &str,
        model: &str,
        variant: Option<&str>,
        make: impl FnOnce(&ModelManifest, Supply) -> Result<H, InferenceError>,
    ) -> Result<H, AssembleError> {
        let (manifest, supply) = self.load(stage, model, variant)?;
        make(&manifest, supply).map_err(AssembleError::missing)
    }

    /// The spaces in which a model's variants embed; one if they are all compatible.
    pub(super) fn spaces(&self, model: &str) -> Vec<SpaceInfo> {
        let Ok(model) = self.catalogue.model(model) else { return vec![shapes_space()] };
        let variants = model.manifest.variant.iter();
        let mut names: Vec<_> = variants.filter_map(|variant| model.manifest.space(variant)).collect();
        names.dedup();
        names.into_iter().filter_map(|name| space_info(&model.manifest, name)).collect()
    }

    /// SHA-256 of a model's current weights, in hexadecimal; empty for the built-in fake.
    #[cfg(feature = "cli")]
    pub(super) fn sha256(&self, model: &str) -> String {
        let loaded = self.shelf.as_ref().and_then(|(shelf, _)| shelf.current(model));
        loaded.map_or_else(String::new, |loaded| loaded.variant.sha256.clone())
    }

    /// The models and variants that a stage began with; none for stages without a network.
    pub(super) fn loaded_for(&self, stage: &str) -> Vec<Arc<Loaded>> {
        let models = self.used.get(stage).into_iter().flatten();
        models.filter_map(|model| self.shelf.as_ref()?.0.current(model)).collect()
    }

    /// The shelf and what it tells, for whoever steers.
    pub(super) fn shelf_and_events(&self) -> Option<(Shelf, Receiver<ShelfEvent>)> {
        self.shelf.clone()
    }

    /// What every event says about the models behind it: read anew each time, since variants are switched while running.
    pub(super) fn provenance(&self) -> impl Fn() -> Vec<ModelRef> + Send + Sync + 'static {
        let (used, shelf) = (self.used.clone(), self.shelf.as_ref().map(|(shelf, _)| shelf.clone()));
        move || {
            let Some(shelf) = &shelf else { return Vec::new() };
            let each = used.iter().flat_map(|(stage, models)| models.iter().map(move |model| (stage, model)));
            each.filter_map(|(stage, model)| model_ref(stage, shelf, model)).collect()
        }
    }
}
