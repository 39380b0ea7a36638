//! The graph as a picture: Mermaid for pages, DOT for Graphviz. Boxes say what a stage needs and adds, arrows say how much may
//! wait and what is lost when it is full.

use std::fmt::Write as _;

use super::{Graph, Node};
use crate::config::{CAMERAS, Edge, WhenFull};

/// The policy of the cameras' lanes.
const LANES: &str = "lanes: newest wins";

/// As Mermaid. `cameras` names the inputs; empty for a pipeline alone.
pub fn mermaid(graph: &Graph, title: &str, cameras: &[&str]) -> String {
    let mut out = format!("%% {}\nflowchart LR\n", one_line(title));
    line(&mut out, format_args!("  {CAMERAS}([\"{}\"])", inputs(cameras, "<br/>")));
    for (at, node) in graph.nodes().iter().enumerate() {
        let text = contract(node, "<br/>");
        let (open, close) = if node.is_sink { ("[/", "/]") } else { ("[", "]") };
        line(&mut out, format_args!("  s{at}{open}\"{text}\"{close}"));
    }
    for link in graph.links() {
        let from = link.from.map_or(CAMERAS.to_owned(), |from| format!("s{from}"));
        line(&mut out, format_args!("  {from} -- \"{}\" --> s{}", policy(link.edge), link.to));
    }
    out
}

/// As DOT. `cameras` names the inputs; empty for a pipeline alone.
pub fn dot(graph: &Graph, title: &str, cameras: &[&str]) -> String {
    let title = one_line(title).replace('\\', "\\\\").replace('"', "\\\"");
    let mut out = format!("digraph flyball {{\n  label=\"{title}\";\n  rankdir=LR;\n  node [shape=box];\n");
    line(&mut out, format_args!("  {CAMERAS} [shape=oval, label=\"{}\"];", inputs(cameras, "\\n")));
    for (at, node) in graph.nodes().iter().enumerate() {
        let shape = if node.is_sink { "shape=cds, " } else { "" };
        line(&mut out, format_args!("  s{at} [{shape}label=\"{}\"];", contract(node, "\\n")));
    }
    for link in graph.links() {
        let from = link.from.map_or(CAMERAS.to_owned(), |from| format!("s{from}"));
        line(&mut out, format_args!("  {from} -> s{} [label=\"{}\"];", link.to, policy(link.edge)));
    }
    out + "}\n"
}

/// Writing to a `String` cannot fail.
fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = writeln!(out, "{text}");
}

fn inputs(cameras: &[&str], newline: &str) -> String {
    let mut lines = vec![CAMERAS];
    lines.extend(cameras);
    lines.join(newline)
}

fn contract(node: &Node, newline: &str) -> String {
    let mut lines = vec![node.id.clone()];
    if node.id != node.kind {
        lines.push(format!("({})", node.kind));
    }
    if !node.contract.needs.is_empty() {
        lines.push(format!("needs {}", node.contract.needs));
    }
    if !node.contract.adds.is_empty() {
        lines.push(format!("adds {}", node.contract.adds));
    }
    lines.join(newline)
}

fn policy(edge: Option<Edge>) -> String {
    let Some(edge) = edge else { return LANES.to_owned() };
    let when_full = match edge.when_full {
        WhenFull::Block => "then waits",
        WhenFull::DropOldest => "then drops the oldest",
        WhenFull::DropNewest => "then drops the newest",
    };
    format!("up to {}, {when_full}", edge.capacity)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
