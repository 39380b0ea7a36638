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
        let mut told = Facts::NONE;
        let mut common = None;
        for (path, carried) in arriving(nodes, at) {
            let lacks = nodes[at].contract.needs.without(carried).without(told);
            if !lacks.is_empty() {
                problems.push(refusal(nodes, at, &path, lacks));
            }
            told = told | lacks;
            common = Some(common.map_or(carried, |common| both(common, carried)));
        }
        let contract = nodes[at].contract;
        nodes[at].carries = common.unwrap_or(Facts::NONE) | contract.needs | contract.adds;
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

fn refusal(nodes: &[Node], at: usize, path: &str, lacks: Facts) -> Problem {
    let node = &nodes[at];
    let none = if lacks.iter().count() == 1 { "none" } else { "none of these" };
    let message = format!("`{}` needs {lacks}, and packets from {path} carry {none}", node.id);
    let mut hints: Vec<String> = lacks.iter().map(|fact| hint(nodes, node, fact)).collect();
    hints.dedup();
    Problem::error(&node.place, &node.id, message, hints.join("; "))
}

/// The stage that would add the fact: one that is in the graph at the wrong place, or else a kind that exists.
fn hint(nodes: &[Node], node: &Node, fact: Fact) -> String {
    let adds = |facts: Facts| Facts::of(&[fact]).without(facts).is_empty();
    if let Some(present) = nodes.iter().find(|other| adds(other.contract.adds) && other.id != node.id) {
        return format!("`{}` adds {}: read `after` it", present.id, present.contract.adds);
    }
    let kinds = KINDS.iter().filter(|kind| adds(kind.contract.adds));
    let Some(kind) = kinds.clone().next() else {
        return format!("no stage adds {} yet: remove `{}`", fact.word(), node.id);
    };
    let names: Vec<&str> = kinds.map(|kind| kind.name).collect();
    format!("add a stage {} before it, which adds {}", config::one_of(&names), kind.contract.adds)
}
