//! A folder of models: every `models/<name>/model.toml`, read and checked.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{ManifestProblem, ModelManifest, Variant};
use crate::inference::InferenceError;

/// One model and the folder its files lie in.
#[derive(Clone, Debug)]
pub struct Model {
    /// Where the weights are.
    pub folder: PathBuf,
    /// What is known of it.
    pub manifest: Arc<ModelManifest>,
}

/// All models of a folder, by name.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    models: BTreeMap<String, Model>,
}

impl Model {
    /// Reads the model in `folder`.
    pub fn read(folder: &Path) -> Result<Self, Vec<ManifestProblem>> {
        let path = folder.join("model.toml");
        let manifest = ModelManifest::read(&path)?;
        Ok(Self { folder: folder.into(), manifest: Arc::new(manifest) })
    }

    /// The file of a variant.
    pub fn file(&self, variant: &Variant) -> PathBuf {
        self.folder.join(&variant.file)
    }

    /// The variant of that name, or a sentence that lists those there are.
    pub fn variant(&self, id: &str) -> Result<&Variant, InferenceError> {
        self.manifest.variant(id).ok_or_else(|| {
            let known: Vec<&str> = self.manifest.variant.iter().map(|v| v.id.as_str()).collect();
            InferenceError::BadModel {
                file: self.folder.join("model.toml").display().to_string(),
                problem: format!("there is no variant {id}; it has {}", known.join(", ")),
            }
        })
    }

    /// Whether the weights of a variant are there, at their recorded length; says nothing of their checksum.
    pub fn is_fetched(&self, variant: &Variant) -> bool {
        let found = fs::metadata(self.file(variant));
        found.is_ok_and(|m| m.is_file() && (variant.bytes == 0 || m.len() == variant.bytes))
    }
}

impl Catalogue {
    /// Reads every folder below `models` that holds a `model.toml`. All problems of all manifests come back together.
    pub fn read(models: &Path) -> Result<Self, Vec<ManifestProblem>> {
        let (catalogue, problems) = Self::read_usable(models);
        if problems.is_empty() { Ok(catalogue) } else { Err(problems) }
    }

    /// The same, but a model that cannot be used keeps no other out: the usable ones, and what is wrong with the rest.
    pub fn read_usable(models: &Path) -> (Self, Vec<ManifestProblem>) {
        let entries = match fs::read_dir(models) {
            Ok(entries) => entries,
            Err(why) => {
                return (Self::default(), vec![ManifestProblem::unreadable(&models.display().to_string(), &why)]);
            }
        };
        let (mut catalogue, mut problems) = (Self::default(), Vec::new());
        for folder in entries.filter_map(Result::ok).map(|entry| entry.path()) {
            if !folder.join("model.toml").is_file() {
                continue;
            }
            match Model::read(&folder) {
                Ok(model) => drop(catalogue.models.insert(model.manifest.name.clone(), model)),
                Err(mut more) => problems.append(&mut more),
            }
        }
        (catalogue, problems)
    }

    /// The model of that name, or a sentence that lists those there are.
    pub fn model(&self, name: &str) -> Result<&Model, InferenceError> {
        self.models.get(name).ok_or_else(|| {
            let known: Vec<&str> = self.models.keys().map(String::as_str).collect();
            InferenceError::Runtime(format!("there is no model called {name}; known are {}", known.join(", ")))
        })
    }

    /// All of them, by name.
    pub fn models(&self) -> impl Iterator<Item = &Model> {
        self.models.values()
    }
}

impl FromIterator<Model> for Catalogue {
    fn from_iter<I: IntoIterator<Item = Model>>(models: I) -> Self {
        let named = models.into_iter().map(|model| (model.manifest.name.clone(), model));
        Self { models: named.collect() }
    }
}
