//! The checked graph: stages in the order packets meet them, the queues between them, and proof that every stage gets what it
//! needs. A wrong graph cannot be built. Next: `build`, which makes a thread of each node.

use std::collections::{HashMap, HashSet};

use super::contracts;
use crate::config::{self, After, CAMERAS, Edge, Pipeline, Place, Problem, any_error};
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
        let index = index_by_id(pipeline, &mut problems);
        let inputs = inputs_of(pipeline, &index, &mut problems);
        check_edges(pipeline, &mut problems);
        let order = match ordered(pipeline, &inputs) {
            Ok(order) if !any_error(&problems) => order,
            Ok(_) => return Err(problems),
            Err(cycle) => {
                problems.push(cycle);
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
        Ok(Self {
            nodes,
            links,
            warnings: problems,
        })
    }

    /// The stages; each comes after all it reads from, the first reads the cameras.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
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

fn index_by_id<'a>(pipeline: &'a Pipeline, problems: &mut Vec<Problem>) -> HashMap<&'a str, usize> {
    let mut index = HashMap::new();
    for (at, stage) in pipeline.stages.iter().enumerate() {
        let key = format!("stage[{at}].id");
        if stage.id == CAMERAS {
            let message =
                format!("a stage cannot be called `{CAMERAS}`: that word stands for what comes before the first");
            problems.push(Problem::error(&stage.place, &key, message, "choose another id"));
        }
        if index.contains_key(stage.id.as_str()) {
            let hint = format!("give this one an id of its own, such as `id = \"{}-2\"`", stage.id);
            problems.push(Problem::error(
                &stage.place,
                &key,
                format!("two stages are called `{}`", stage.id),
                hint,
            ));
        } else {
            index.insert(stage.id.as_str(), at);
        }
    }
    index
}

/// For each stage, the stages it reads from: those it names, or else the last one before it that is no sink.
fn inputs_of(pipeline: &Pipeline, index: &HashMap<&str, usize>, problems: &mut Vec<Problem>) -> Vec<Vec<usize>> {
    let mut inputs = Vec::new();
    for (at, stage) in pipeline.stages.iter().enumerate() {
        inputs.push(match &stage.after {
            Some(named) => named_inputs(pipeline, index, at, named, problems),
            None => (0..at)
                .rev()
                .find(|before| !pipeline.stages[*before].kind.is_sink)
                .into_iter()
                .collect(),
        });
        if at > 0 && stage.after.is_none() && inputs[at].is_empty() {
            let message = format!("`{}` has only sinks before it, and packets end in a sink", stage.id);
            problems.push(Problem::error(
                &stage.place,
                &format!("stage[{at}]"),
                message,
                "put the sinks last",
            ));
        }
    }
    inputs
}

fn named_inputs(
    pipeline: &Pipeline,
    index: &HashMap<&str, usize>,
    at: usize,
    named: &[After],
    problems: &mut Vec<Problem>,
) -> Vec<usize> {
    let key = format!("stage[{at}].after");
    let id = &pipeline.stages[at].id;
    let mut inputs = Vec::new();
    for after in named {
        let found = index.get(after.id.as_str()).copied();
        let refusal = match found {
            None => Some(unknown_input(index, id, after)),
            Some(same) if same == at => Some((
                format!("`{id}` cannot read from itself"),
                "name the stage before it".to_owned(),
            )),
            Some(input) if inputs.contains(&input) => {
                Some((format!("`{}` is named twice", after.id), "name it once".to_owned()))
            }
            Some(input) if pipeline.stages[input].kind.is_sink => Some((
                format!("`{}` is a sink: packets end there", after.id),
                reads_from_hint(pipeline, input),
            )),
            Some(_) => None,
        };
        match refusal {
            Some((message, hint)) => problems.push(Problem::error(&after.place, &key, message, hint)),
            None => inputs.extend(found),
        }
    }
    if let [_, second, ..] = &inputs[..] {
        let message = format!("`{id}` reads from several stages, so each frame reaches it once from each");
        let hint = "packets are never joined: put the stages in a row instead, each enriches the packet it gets";
        let place = named
            .iter()
            .find(|after| index.get(after.id.as_str()) == Some(second))
            .map_or(Place::nowhere(), |a| a.place.clone());
        problems.push(Problem::warning(&place, &key, message, hint));
    }
    inputs
}

fn unknown_input(index: &HashMap<&str, usize>, id: &str, after: &After) -> (String, String) {
    if after.id == CAMERAS {
        let hint = format!("remove `after`, and put `{id}` first: only the first stage reads the cameras");
        return (format!("`{id}` cannot read from the cameras"), hint);
    }
    let mut known: Vec<&str> = index.keys().copied().filter(|known| *known != id).collect();
    known.sort_by_key(|known| index[known]);
    (
        format!("`{id}` reads from `{}`, and no stage is called that", after.id),
        config::did_you_mean(&after.id, known, "there are"),
    )
}

fn reads_from_hint(pipeline: &Pipeline, sink: usize) -> String {
    let before = (0..sink).rev().find(|at| !pipeline.stages[*at].kind.is_sink);
    before.map_or("name a stage that is no sink".to_owned(), |at| {
        format!("read from `{}` instead", pipeline.stages[at].id)
    })
}

/// In front of the first stage are the cameras' lanes, which have a policy of their own.
fn check_edges(pipeline: &Pipeline, problems: &mut Vec<Problem>) {
    let Some(first) = pipeline
        .stages
        .first()
        .filter(|stage| stage.edge.is_some() && stage.after.is_none())
    else {
        return;
    };
    let message = format!(
        "`{}` reads the cameras' lanes, where the newest frame of each camera wins",
        first.id
    );
    let hint = "remove `edge`; `in_flight` in the deployment's `[flow]` bounds how many frames are on their way";
    problems.push(Problem::error(&first.edge_place, "stage[0].edge", message, hint));
}

/// Indices in the order packets meet the stages, those written first going first; or the cycle that makes it impossible.
fn ordered(pipeline: &Pipeline, inputs: &[Vec<usize>]) -> Result<Vec<usize>, Problem> {
    let mut order = Vec::new();
    let mut placed = HashSet::new();
    while order.len() < inputs.len() {
        let ready = |at: &usize| !placed.contains(at) && inputs[*at].iter().all(|input| placed.contains(input));
        let Some(next) = (0..inputs.len()).find(ready) else {
            return Err(cycle(pipeline, inputs, &placed));
        };
        placed.insert(next);
        order.push(next);
    }
    Ok(order)
}

/// Walks back from a stage that could not be placed until one comes up twice.
fn cycle(pipeline: &Pipeline, inputs: &[Vec<usize>], placed: &HashSet<usize>) -> Problem {
    let open = |at: &usize| !placed.contains(at);
    let mut walk: Vec<usize> = (0..inputs.len()).find(open).into_iter().collect();
    let repeated = loop {
        let Some(&last) = walk.last() else { break 0 };
        let Some(before) = inputs[last].iter().copied().find(open) else {
            break 0;
        };
        if let Some(seen) = walk.iter().position(|at| *at == before) {
            break seen;
        }
        walk.push(before);
    };
    let mut ring: Vec<usize> = walk.split_off(repeated);
    ring.reverse();
    let earliest = ring
        .iter()
        .enumerate()
        .min_by_key(|(_, at)| **at)
        .map_or(0, |(position, _)| position);
    ring.rotate_left(earliest);
    let names: Vec<&str> = ring
        .iter()
        .chain(ring.first())
        .map(|at| pipeline.stages[*at].id.as_str())
        .collect();
    let at = ring.first().copied().unwrap_or_default();
    let stage = &pipeline.stages[at];
    let place = stage
        .after
        .as_ref()
        .and_then(|after| after.first())
        .map_or(&stage.place, |after| &after.place);
    let hint = "frames go one way: change one `after`, so that the first stage reads the cameras and the others lead away from it";
    let message = format!("the stages read from each other in a circle: {}", names.join(" → "));
    Problem::error(place, &format!("stage[{at}].after"), message, hint)
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
            return vec![Link {
                from: None,
                to,
                edge: None,
            }];
        }
        node.inputs
            .iter()
            .map(|from| Link {
                from: Some(*from),
                to,
                edge: Some(node.edge),
            })
            .collect()
    };
    nodes.iter().enumerate().flat_map(into).collect()
}

/// Work that nobody hears of.
fn dead_ends(pipeline: &Pipeline, nodes: &[Node]) -> Vec<Problem> {
    if !nodes.iter().any(|node| node.is_sink) {
        let message = "the pipeline has no sink: what it finds is told to nobody";
        return vec![Problem::warning(
            &pipeline.place,
            "stage",
            message,
            "end it with `kind = \"publish\"`",
        )];
    }
    let ends = nodes.iter().filter(|node| node.outputs.is_empty() && !node.is_sink);
    ends.map(|node| {
        let message = format!("nothing reads what `{}` finds", node.id);
        let hint = format!("add a sink with `after = \"{}\"`, or remove the stage", node.id);
        Problem::warning(&node.place, &node.id, message, hint)
    })
    .collect()
}
