//! Reads files from disk: the door into this room. Every problem of a file and of what it refers to is collected.

use std::path::{Path, PathBuf};

use super::{
    camera,
    deployment::{Camera, Deployment},
    environment::Environment,
    overlay,
    pipeline::{self, Pipeline},
    problem::{Problem, any_error, in_reading_order},
    resolve::{Resolver, absolute},
    schema,
    shape::{self, Shape},
    syntax,
    tree::Node,
    words,
};

/// What a file turned out to be, and everything wrong with it.
#[derive(Debug)]
pub struct Reading {
    /// The deployment, when the file is one and nothing keeps it from running.
    pub deployment: Option<Deployment>,
    /// The pipeline, as far as it can be read; with errors among the problems it is good for further checks only.
    pub pipeline: Option<Pipeline>,
    /// What is wrong, in reading order.
    pub problems: Vec<Problem>,
}

/// Reads a deployment or a pipeline file; its first table says which it is. Opens no device and no network.
pub fn read(path: &Path, environment: &Environment) -> Reading {
    let mut problems = Vec::new();
    let mut reading = match syntax::read(path, &mut problems) {
        Some(tree) => read_tree(path, tree, environment, &mut problems),
        None => Reading { deployment: None, pipeline: None, problems: Vec::new() },
    };
    reading.problems = in_reading_order(problems);
    reading
}

fn read_tree(path: &Path, mut tree: Node, environment: &Environment, problems: &mut Vec<Problem>) -> Reading {
    let mut reading = Reading { deployment: None, pipeline: None, problems: Vec::new() };
    environment.fill(&mut tree, "", problems);
    match kind_of(&tree) {
        Some(FileKind::Deployment) => read_deployment(path, tree, environment, problems, &mut reading),
        Some(FileKind::Pipeline) => reading.pipeline = pipeline::read(&tree, problems),
        None => problems.push(neither(&tree)),
    }
    reading
}

/// One camera as a deployment would describe it, from JSON that somebody sent: `{"id": …, "source": …}`. Neither the
/// environment nor files with secrets are read for it: whoever may add cameras may not have those sent elsewhere.
pub fn camera(json: &serde_json::Value, dir: &Path) -> Result<Camera, Vec<Problem>> {
    let mut problems = Vec::new();
    let found = camera_in(json, dir, &mut problems);
    match found {
        Some(camera) if !any_error(&problems) => Ok(camera),
        _ => Err(problems),
    }
}

fn camera_in(json: &serde_json::Value, dir: &Path, problems: &mut Vec<Problem>) -> Option<Camera> {
    let refuse = |message: &str, hint: &str| Problem::unreadable("", message, hint);
    if names_a_secret_file(json) {
        problems
            .push(refuse("a key names a file with a secret", "write the password itself; it is kept in memory only"));
        return None;
    }
    let Ok(text) = toml::to_string(&serde_json::json!({ "camera": [json] })) else {
        problems.push(refuse(
            "the camera cannot be written as TOML",
            "send an object without null, with `id` and `source`",
        ));
        return None;
    };
    let tree = syntax::parse_text("", text, problems)?;
    let schema = schema::deployment();
    let node = tree.at("camera").and_then(|cameras| cameras.items().first())?;
    let item = Shape::new(&schema).with(&schema["properties"]["camera"]["items"]);
    shape::compare(node, item, "camera", problems);
    camera::resolve(&mut Resolver { tree: &tree, dir: dir.to_owned(), problems }, node, "camera")
}

fn names_a_secret_file(json: &serde_json::Value) -> bool {
    match json {
        serde_json::Value::Object(keys) => {
            keys.iter().any(|(key, value)| key.ends_with("_file") || names_a_secret_file(value))
        }
        serde_json::Value::Array(items) => items.iter().any(names_a_secret_file),
        _ => false,
    }
}

enum FileKind {
    Deployment,
    Pipeline,
}

/// By the tables a file has, so that one with its head missing or mistyped is still told what it lacks.
fn kind_of(tree: &Node) -> Option<FileKind> {
    let has = |key: &str| tree.entry(key).is_some();
    if has("deployment") || has("camera") || has("override") {
        return Some(FileKind::Deployment);
    }
    (has("pipeline") || has("stage")).then_some(FileKind::Pipeline)
}

fn neither(tree: &Node) -> Problem {
    if tree.entry("onnxruntime").is_some() && tree.entry("machine").is_some() {
        let message = "this is the list of dependencies that `flyball doctor` compares the machine with, no deployment";
        return Problem::error(&tree.place, "", message, "name a deployment, such as config/demo.toml");
    }
    let known = ["deployment", "pipeline", "camera", "stage"];
    let slip = tree.entries().iter().find_map(|entry| Some((entry, words::nearest(&entry.key, known)?)));
    let message = "neither a deployment nor a pipeline";
    match slip {
        Some((entry, meant)) => Problem::error(&entry.place, &entry.key, message, format!("did you mean `[{meant}]`?")),
        None => Problem::error(&tree.place, "", message, "start the file with `[deployment]` or `[pipeline]`"),
    }
}

fn read_deployment(
    path: &Path,
    mut tree: Node,
    environment: &Environment,
    problems: &mut Vec<Problem>,
    reading: &mut Reading,
) {
    let dir = std::path::absolute(path).ok().and_then(|path| path.parent().map(PathBuf::from)).unwrap_or_default();
    let schema = schema::deployment();
    let overrides = tree.take("override");
    shape::compare(&tree, Shape::new(&schema), "", problems);
    reading.pipeline = read_named_pipeline(&tree, overrides.as_ref(), &dir, environment, problems);
    let mut resolver = Resolver { tree: &tree, dir, problems };
    reading.deployment = resolver.deployment(path, reading.pipeline.clone());
}

/// The pipeline a deployment names, with its overrides laid over.
fn read_named_pipeline(
    tree: &Node,
    overrides: Option<&Node>,
    dir: &Path,
    environment: &Environment,
    problems: &mut Vec<Problem>,
) -> Option<Pipeline> {
    let named = tree.at("deployment")?.at("pipeline")?;
    let path = absolute(dir, named.text().filter(|text| !text.is_empty())?);
    if !path.is_file() {
        let message = format!("there is no pipeline file {}", path.display());
        problems.push(Problem::error(&named.place, "deployment.pipeline", message, nearby(&path)));
        return None;
    }
    let mut pipeline = syntax::read(&shorter(&path), problems)?;
    environment.fill(&mut pipeline, "", problems);
    if let Some(overrides) = overrides {
        // What is overridden must be right too: the next deployment may not override it.
        pipeline::read(&pipeline, problems);
        overlay::apply(overrides, &mut pipeline, problems);
    }
    pipeline::read(&pipeline, problems)
}

/// The pipeline files that lie where one was looked for.
fn nearby(path: &Path) -> String {
    let entries = path.parent().and_then(|dir| dir.read_dir().ok()).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.retain(|name| Path::new(name).extension().is_some_and(|extension| extension == "toml"));
    names.sort();
    let wanted = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    if names.is_empty() {
        return "name a pipeline file, relative to this file, such as \"../pipelines/face-gate.toml\"".to_owned();
    }
    words::did_you_mean(&wanted, names.iter().map(String::as_str), "there are")
}

/// As seen from where the user is, when that is shorter: problems show this path.
fn shorter(path: &Path) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(here).map_or_else(|_| path.to_owned(), PathBuf::from)
}

/// Reads a deployment that must be ready to run.
pub fn deployment(path: &Path, environment: &Environment) -> Result<(Deployment, Vec<Problem>), Vec<Problem>> {
    let Reading { deployment, mut problems, .. } = read(path, environment);
    match deployment {
        Some(deployment) if !any_error(&problems) => Ok((deployment, problems)),
        _ => {
            if !any_error(&problems) {
                let hint = "name a file with `[deployment]`, such as config/demo.toml";
                problems.push(Problem::unreadable(path, "this is a pipeline, not a deployment", hint));
            }
            Err(problems)
        }
    }
}
