//! One `[[stage]]`: the keys that every stage has, and those of its kind, read where they are written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    place::Place,
    problem::Problem,
    schema,
    shape::{self, Shape},
    tree::{Node, Value},
    words,
};
pub use crate::flow::WhenFull;
use crate::stages::{KINDS, Kind, StageConfig};

/// One `[[stage]]`.
#[derive(Clone, Debug)]
pub struct Stage {
    /// Its id, by default the word for its kind.
    pub id: String,
    /// What it does.
    pub kind: &'static Kind,
    /// How.
    pub config: StageConfig,
    /// Whom it reads from; `None` when the file leaves it to the order.
    pub after: Option<Vec<After>>,
    /// The queue it reads from; `None` when the file does not say.
    pub edge: Option<Edge>,
    /// Where its id, or else its kind, is written.
    pub place: Place,
    /// Where its edge, or else its kind, is written.
    pub edge_place: Place,
    /// Where each of its keys has its value.
    pub(crate) keys: Vec<(String, Place)>,
}

/// The stage read from.
#[derive(Clone, Debug)]
pub struct After {
    /// Its id.
    pub id: String,
    /// Where it is named.
    pub place: Place,
}

/// The bounded queue in front of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Edge {
    /// Most packets that wait, 1 to 1024; each holds a frame's memory.
    #[schemars(range(min = 1, max = 1024))]
    pub capacity: u32,
    /// What happens to a packet that finds the queue full.
    pub when_full: WhenFull,
}

impl Default for Edge {
    fn default() -> Self {
        Self { capacity: 4, when_full: WhenFull::Block }
    }
}

/// Keys that every stage has, beside those of its kind.
#[derive(Debug, Deserialize, JsonSchema)]
#[expect(dead_code, reason = "read from the tree, to keep places; listed here for the schema")]
pub(crate) struct CommonKeys {
    /// The stage's id. Default: its kind.
    #[serde(default)]
    #[schemars(extend("format" = "id"))]
    id: Option<String>,
    /// The stage, or stages, it reads from. Default: the stage before it that is no sink; the first stage reads the cameras.
    #[serde(default)]
    after: Option<AfterKey>,
    /// The bounded queue it reads from. Default: four packets, and the stage before waits.
    #[serde(default)]
    edge: Option<Edge>,
}

/// One id, or several.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
#[expect(dead_code, reason = "read from the tree, to keep places; listed here for the schema")]
pub(crate) enum AfterKey {
    /// One stage.
    One(String),
    /// Several.
    Many(#[schemars(length(min = 1))] Vec<String>),
}

/// A stage, with its defaults where its keys are wrong; `None` when its kind is unknown.
pub(super) fn read(node: &Node, key: &str, problems: &mut Vec<Problem>) -> Option<Stage> {
    let kind = read_kind(node, key, problems)?;
    let before = problems.len();
    let schema = schema::stage(kind);
    shape::compare(node, Shape::new(&schema), key, problems);
    let is_right = problems.len() == before;
    let config = if is_right { parse(kind, node, key, problems) } else { (kind.default)() };
    let named = if node.at("id").is_some() { "id" } else { "kind" };
    let queued = if node.at("edge").is_some() { "edge" } else { "kind" };
    Some(Stage {
        id: node.at("id").and_then(Node::text).unwrap_or(kind.name).to_owned(),
        kind,
        config,
        after: node.at("after").filter(|_| is_right).map(read_after),
        edge: node.at("edge").filter(|_| is_right).and_then(|edge| serde_json::from_value(edge.to_json()).ok()),
        place: node.value_place(named).clone(),
        edge_place: node.key_place(queued).clone(),
        keys: node.entries().iter().map(|entry| (entry.key.clone(), entry.node.place.clone())).collect(),
    })
}

fn read_kind(node: &Node, key: &str, problems: &mut Vec<Problem>) -> Option<&'static Kind> {
    let names = KINDS.iter().map(|kind| kind.name);
    let path = shape::join(key, "kind");
    let Some(kind) = node.at("kind") else {
        let hint = format!("add `kind = …`: {}", words::one_of(&names.collect::<Vec<_>>()));
        problems.push(Problem::error(&node.place, &path, format!("`{key}` does not say its kind"), hint));
        return None;
    };
    let found = kind.text().and_then(Kind::named);
    if found.is_none() {
        let typed = kind.text().unwrap_or_default();
        let hint = words::did_you_mean(typed, names, "there are");
        problems.push(Problem::error(
            &kind.place,
            &path,
            format!("no kind of stage is called {}", kind.place.quoted()),
            hint,
        ));
    }
    found
}

/// Reads the keys of one kind. The schema has approved them; what serde still refuses is told where the stage is.
fn parse(kind: &'static Kind, node: &Node, key: &str, problems: &mut Vec<Problem>) -> StageConfig {
    let mut keys = node.clone();
    for common in ["kind", "id", "after", "edge"] {
        keys.take(common);
    }
    (kind.parse)(keys.to_json()).unwrap_or_else(|error| {
        let hint = format!("see `flyball schema pipeline` for the keys of `{}`", kind.name);
        problems.push(Problem::error(node.value_place("kind"), key, error.to_string(), hint));
        (kind.default)()
    })
}

fn read_after(node: &Node) -> Vec<After> {
    let single = std::slice::from_ref(node);
    let items = if matches!(node.value, Value::List(_)) { node.items() } else { single };
    let after = |item: &Node| Some(After { id: item.text()?.to_owned(), place: item.place.clone() });
    items.iter().filter_map(after).collect()
}
