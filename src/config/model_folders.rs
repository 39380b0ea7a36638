//! Whether the models that a pipeline names are there. Only folder names and variant ids are looked at; what a manifest means
//! is for `inference` to say.

use std::{fs, path::Path};

use serde_json::Value;

use crate::inference::SHAPES;

use super::{pipeline::Pipeline, place::Place, problem::Problem, words};

/// The file that makes a folder a model.
const MANIFEST: &str = "model.toml";

/// A problem for each model or variant that a stage names and the directory lacks.
pub(crate) fn missing(pipeline: &Pipeline, dir: &Path) -> Vec<Problem> {
    let mut problems = Vec::new();
    for stage in &pipeline.stages {
        let keys = serde_json::to_value(&stage.config).unwrap_or_default();
        let Some(model) = text(&keys, "model").filter(|model| *model != SHAPES) else { continue };
        let key = |name: &str| format!("{}.{name}", stage.id);
        let Some(known) = variants(&dir.join(model)) else {
            let known = names(dir);
            let message =
                format!("`{}` uses the model `{model}`, and {} has none of that name", stage.id, dir.display());
            let hint = match known.as_slice() {
                [] => "set `dir` in `[models]` to the directory with one folder a model".to_owned(),
                _ => words::did_you_mean(model, known.iter().map(String::as_str), "there are"),
            };
            problems.push(Problem::error(stage.key_place("model"), &key("model"), message, hint));
            continue;
        };
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        if let Some(variant) = text(&keys, "variant").filter(|id| !known.is_empty() && !known.contains(id)) {
            let message = format!("the model `{model}` has no variant `{variant}`");
            let hint = words::did_you_mean(variant, known, "it has");
            problems.push(Problem::error(stage.key_place("variant"), &key("variant"), message, hint));
        }
    }
    problems
}

fn text<'a>(keys: &'a Value, name: &str) -> Option<&'a str> {
    keys.get(name)?.as_str()
}

/// The ids of a model's variants; `None` when there is no such model, none when its manifest cannot be read: that is told by
/// `flyball models verify`.
fn variants(folder: &Path) -> Option<Vec<String>> {
    let manifest = folder.join(MANIFEST);
    if !manifest.is_file() {
        return None;
    }
    let table = fs::read_to_string(manifest).ok().and_then(|text| text.parse::<toml::Table>().ok()).unwrap_or_default();
    let variants = table.get("variant").and_then(toml::Value::as_array).cloned().unwrap_or_default();
    Some(variants.iter().filter_map(|variant| Some(variant.get("id")?.as_str()?.to_owned())).collect())
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let models = entries.filter(|entry| entry.path().join(MANIFEST).is_file());
    let mut names: Vec<String> = models.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

impl super::stage::Stage {
    /// Where this key's value is written, or else the stage, which then uses the default.
    pub(crate) fn key_place(&self, key: &str) -> &Place {
        self.keys.iter().find(|(name, _)| name == key).map_or(&self.place, |(_, place)| place)
    }
}
