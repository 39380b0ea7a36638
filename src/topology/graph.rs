//! The checked graph: stages in the order packets meet them, the queues between them, and proof that every stage gets what it
//! needs. A wrong graph cannot be built. Next: `build`, which makes a thread of each node.

use super::{contracts, order, reads};
use crate::config::{Edge, Pipeline, Place, Problem, any_error};
use crate::flow::{Contract, Facts};
use crate::stages::StageConfig;

/// Stages and queues. Made by [`Graph::build`] alone.
#[derive(Clone, Debug)]
pub struct Graph {
    nodes: Vec<Node>,
    links: Vec<Link>,
    warnings: Vec<Problem>,
}

/// A stage in the graph.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its id: the name of its thread, its metrics and its drops.
    pub id: String,
    /// The word for its kind.
    pub kind: &'static str,
    /// What it is told.
    pub config: StageConfig,
    /// What it needs and adds.
    pub contract: Contract,
    /// What every packet that leaves it carries.
    pub carries: Facts,
    /// Whether packets end here.
    pub is_sink: bool,
    /// The queue it reads from; the first stage reads the cameras' lanes instead, and this is not used.
    pub edge: Edge,
    /// The nodes it reads from, by index; empty for the first stage, which reads the cameras.
    pub inputs: Vec<usize>,
    /// The nodes that read from it, by index; each gets every packet.
    pub outputs: Vec<usize>,
    /// Where it is written.
    pub place: Place,
}

/// One node's packets going to another's queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Index of the node before; `None` for the cameras.
    pub from: Option<usize>,
    /// Index of the node after.
    pub to: usize,
    /// The queue; `None` for the cameras' lanes, where the newest frame wins.
    pub edge: Option<Edge>,
}

impl Graph {
    /// Checks a pipeline and orders its stages; or says everything that is wrong with it.
    pub fn build(pipeline: &Pipeline) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let index = reads::index_by_id(pipeline, &mut problems);
        let inputs = reads::inputs_of(pipeline, &index, &mut problems);
        reads::check_edges(pipeline, &mut problems);
        let order = match order::ordered(pipeline, &inputs) {
            Ok(order) if !any_error(&problems) => order,
            Ok(_) => return Err(problems),
            Err(cycle) => {
                problems.push(*cycle);
                return Err(problems);
            }
        };
        let mut nodes = nodes(pipeline, &inputs, &order);
        problems.extend(contracts::check(&mut nodes));
        problems.extend(dead_ends(pipeline, &nodes));
        if any_error(&problems) {
            return Err(problems);
        }
        let links = links(&nodes);
        Ok(Self { nodes, links, warnings: problems })
    }

    /// The stages; each comes after all it reads from, the first reads the cameras.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The same graph with its stages told something else. Kinds, and so what each needs and adds, stay.
    #[must_use]
    pub fn told(mut self, change: impl Fn(&mut StageConfig)) -> Self {
        self.nodes.iter_mut().for_each(|node| change(&mut node.config));
        self
    }

    /// The queues, by the node that reads.
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// The stage of this id.
    pub fn node(&self, id: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.id == id)
    }

    /// Stages whose packets go more than one way.
    pub fn branch_points(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(|node| node.outputs.len() > 1)
    }

    /// What is probably not meant.
    pub fn warnings(&self) -> &[Problem] {
        &self.warnings
    }
}

fn nodes(pipeline: &Pipeline, inputs: &[Vec<usize>], order: &[usize]) -> Vec<Node> {
    let mut rank = vec![0; order.len()];
    for (position, at) in order.iter().enumerate() {
        rank[*at] = position;
    }
    let mut nodes: Vec<Node> = Vec::new();
    for at in order {
        let stage = &pipeline.stages[*at];
        nodes.push(Node {
            id: stage.id.clone(),
            kind: stage.kind.name,
            config: stage.config.clone(),
            contract: stage.kind.contract,
            carries: Facts::NONE,
            is_sink: stage.kind.is_sink,
            edge: stage.edge.unwrap_or_default(),
            inputs: inputs[*at].iter().map(|input| rank[*input]).collect(),
            outputs: Vec::new(),
            place: stage.place.clone(),
        });
        let me = nodes.len() - 1;
        for input in nodes[me].inputs.clone() {
            nodes[input].outputs.push(me);
        }
    }
    nodes
}

fn links(nodes: &[Node]) -> Vec<Link> {
    let into = |(to, node): (usize, &Node)| -> Vec<Link> {
        if node.inputs.is_empty() {
            return vec![Link { from: None, to, edge: None }];
        }
        node.inputs.iter().map(|from| Link { from: Some(*from), to, edge: Some(node.edge) }).collect()
    };
    nodes.iter().enumerate().flat_map(into).collect()
}

/// Work that nobody hears of.
fn dead_ends(pipeline: &Pipeline, nodes: &[Node]) -> Vec<Problem> {
    if !nodes.iter().any(|node| node.is_sink) {
        let message = "the pipeline has no sink: what it finds is told to nobody";
        return vec![Problem::warning(&pipeline.place, "stage", message, "end it with `kind = \"publish\"`")];
    }
    let ends = nodes.iter().filter(|node| node.outputs.is_empty() && !node.is_sink);
    ends.map(|node| {
        let message = format!("nothing reads what `{}` finds", node.id);
        let hint = format!("add a sink with `after = \"{}\"`, or remove the stage", node.id);
        Problem::warning(&node.place, &node.id, message, hint)
    })
    .collect()
}
