//! A pipeline file, read: the stages in the order written, each with its own keys. Whether they make a graph is for `topology`
//! to say; here every stage stands alone.

use std::{path::PathBuf, sync::LazyLock};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use super::{
    place::Place,
    problem::Problem,
    schema,
    shape::{self, Shape},
    stage::{self, Stage},
    tree::Node,
};

/// The name that stands for the cameras in drawings and messages; no stage can have it.
pub const CAMERAS: &str = "cameras";

/// The schema that files are compared with, made once.
static SCHEMA: LazyLock<Json> = LazyLock::new(schema::pipeline);

/// What to run.
#[derive(Clone, Debug)]
pub struct Pipeline {
    /// The file it was read from.
    pub file: PathBuf,
    /// Its name.
    pub name: String,
    /// What it is for, in one line.
    pub summary: String,
    /// Its author's version of it; part of the health events.
    pub version: String,
    /// The stages, in the order written.
    pub stages: Vec<Stage>,
    /// Where it is declared.
    pub place: Place,
}

/// The `[pipeline]` table.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read from the tree, where it may be partly wrong; listed here for the schema")]
pub(crate) struct Head {
    /// The pipeline's name.
    #[schemars(length(min = 1))]
    pub(crate) name: String,
    /// What it is for, in one line.
    #[serde(default)]
    pub(crate) summary: String,
    /// Your own version of it, such as `"1"`.
    #[serde(default)]
    pub(crate) version: String,
}

/// A tree read as a pipeline, as far as it can be read: a stage whose keys are wrong stands in with its defaults, so that the
/// graph around it can still be checked. `None` when a stage's kind is unknown; then nothing is known about the graph.
pub(crate) fn read(tree: &Node, problems: &mut Vec<Problem>) -> Option<Pipeline> {
    let shape = Shape::new(&SCHEMA);
    let mut rest = tree.clone();
    let stages = rest.take("stage");
    // The stages are compared kind by kind below, so that a wrong key is told in the words of its kind.
    let heads = without(&SCHEMA, "stage");
    shape::compare(&rest, Shape::new(&heads), "", problems);
    let Some(stages) = stages.filter(|node| is_stages(node, shape, problems)) else {
        if tree.at("stage").is_none() {
            let hint = "add `[[stage]]` with `kind = \"detect\"` first";
            problems.push(Problem::error(&tree.place, "stage", "the pipeline has no stage", hint));
        }
        return None;
    };
    let read: Vec<_> = stages
        .items()
        .iter()
        .enumerate()
        .map(|(at, node)| stage::read(node, &format!("stage[{at}]"), problems))
        .collect();
    let stages = read.into_iter().collect::<Option<Vec<_>>>()?;
    let head = rest.at("pipeline");
    let text = |key: &str| head.and_then(|head| head.at(key)?.text()).unwrap_or_default().to_owned();
    Some(Pipeline {
        file: tree.place.file().map(PathBuf::from).unwrap_or_default(),
        name: text("name"),
        summary: text("summary"),
        version: text("version"),
        stages,
        place: head.map_or(&tree.place, |head| &head.place).clone(),
    })
}

/// The schema without one of its properties.
fn without(schema: &Json, key: &str) -> Json {
    let mut schema = schema.clone();
    if let Some(properties) = schema["properties"].as_object_mut() {
        properties.remove(key);
        properties.insert(key.to_owned(), Json::Bool(true));
    }
    if let Some(required) = schema["required"].as_array_mut() {
        required.retain(|word| word != key);
    }
    schema
}

/// Whether this is a list of tables with at least one in it.
fn is_stages(node: &Node, shape: Shape<'_>, problems: &mut Vec<Problem>) -> bool {
    let before = problems.len();
    let outer = serde_json::json!({ "type": "array", "minItems": 1, "items": { "type": "object" },
        "description": shape.property("stage").map(|stage| stage.schema["description"].clone()) });
    shape::compare(node, Shape::new(&outer), "stage", problems);
    problems.len() == before
}
