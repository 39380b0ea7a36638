//! Checks along every path that each stage gets the facts it needs, and says which stage would add a missing one.

use super::Node;
use crate::config::{self, Problem};
use crate::flow::{Fact, Facts};
use crate::stages::KINDS;

/// What a packet carries when it leaves the cameras' lanes.
const FROM_CAMERAS: Facts = Facts::of(&[Fact::Pixels]);

/// Fills in what each node's packets carry. Nodes come after all they read from. A gap is told where it first hurts, and not
/// again by every stage behind it.
pub(super) fn check(nodes: &mut [Node]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for at in 0..nodes.len() {
        let mut missing = Facts::NONE;
        for (path, carried) in arriving(nodes, at) {
            let lacks = nodes[at].contract.needs.without(carried).without(missing);
            problems.extend(lacks.iter().map(|fact| refusal(nodes, at, &path, fact)));
            missing = missing | lacks;
        }
        let common = arriving(nodes, at).into_iter().map(|(_, carried)| carried).reduce(both).unwrap_or(Facts::NONE);
        let contract = nodes[at].contract;
        nodes[at].carries = common | contract.needs | contract.adds;
    }
    problems
}

/// For each way into a node: whom it comes from, and what packets carry.
fn arriving(nodes: &[Node], at: usize) -> Vec<(String, Facts)> {
    let inputs = &nodes[at].inputs;
    if inputs.is_empty() {
        return vec![("the cameras".to_owned(), FROM_CAMERAS)];
    }
    inputs.iter().map(|input| (format!("`{}`", nodes[*input].id), nodes[*input].carries)).collect()
}

fn both(a: Facts, b: Facts) -> Facts {
    a.without(a.without(b))
}

fn refusal(nodes: &[Node], at: usize, path: &str, fact: Fact) -> Problem {
    let node = &nodes[at];
    let message = format!("`{}` needs {}, and packets from {path} carry none", node.id, fact.word());
    Problem::error(&node.place, &node.id, message, hint(nodes, node, fact))
}

fn hint(nodes: &[Node], node: &Node, fact: Fact) -> String {
    let adds = |facts: Facts| Facts::of(&[fact]).without(facts).is_empty();
    let present = nodes.iter().find(|other| adds(other.contract.adds) && other.id != node.id);
    if let Some(present) = present {
        return format!("`{}` adds {}: move it before `{}`, or read `after` it", present.id, fact.word(), node.id);
    }
    let kinds: Vec<&str> = KINDS.iter().filter(|kind| adds(kind.contract.adds)).map(|kind| kind.name).collect();
    if kinds.is_empty() {
        return format!("no stage adds {} yet: remove `{}`", fact.word(), node.id);
    }
    format!("add a stage {} before it, which adds {}", config::one_of(&kinds), fact.word())
}
