//! Lays a deployment's `[override.<stage-id>]` tables over the stages of its pipeline. Values keep their places, so a problem
//! with one points into the file that wrote it.

use super::{
    problem::Problem,
    schema,
    shape::{self, Shape},
    tree::{Node, Value},
    words,
};
use crate::stages::Kind;

/// Lays them over; what does not fit is reported and left out.
pub(crate) fn apply(overrides: &Node, pipeline: &mut Node, problems: &mut Vec<Problem>) {
    let Some(mut stages) = pipeline.take("stage") else {
        return;
    };
    let ids: Vec<String> = stages.items().iter().filter_map(id).map(str::to_owned).collect();
    for entry in overrides.entries() {
        let key = format!("override.{}", entry.key);
        let Value::List(items) = &mut stages.value else { break };
        if let Some(stage) = items.iter_mut().find(|stage| id(stage) == Some(&entry.key)) {
            lay_over(&entry.node, stage, &key, problems);
            continue;
        }
        let message = format!("the pipeline has no stage `{}`", entry.key);
        let hint = words::did_you_mean(&entry.key, ids.iter().map(String::as_str), "it has");
        problems.push(Problem::error(&entry.place, &key, message, hint));
    }
    pipeline.put(super::tree::Entry { key: "stage".to_owned(), place: stages.place.clone(), node: stages });
}

fn id(stage: &Node) -> Option<&str> {
    stage.at("id").or(stage.at("kind"))?.text()
}

fn lay_over(over: &Node, stage: &mut Node, key: &str, problems: &mut Vec<Problem>) {
    let Some(kind) = stage.at("kind").and_then(Node::text).and_then(Kind::named) else {
        return;
    };
    let before = problems.len();
    let schema = schema::overrides(kind);
    shape::compare(over, Shape::new(&schema), key, problems);
    if problems.len() == before {
        merge(over, stage);
    }
}

fn merge(over: &Node, under: &mut Node) {
    for entry in over.entries() {
        let mut entry = entry.clone();
        // Tables merge key by key: `edge = { capacity = 8 }` keeps the policy that the pipeline wrote.
        if matches!(entry.node.value, Value::Table(_))
            && let Some(mut old) = under.take(&entry.key)
        {
            merge(&entry.node, &mut old);
            entry.node = old;
        }
        under.put(entry);
    }
}
