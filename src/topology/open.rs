//! Opens a file for running, checking or drawing: the same way for all three, so that what `flyball check` accepts is what
//! `flyball run` runs. Opens no device and no network.

use std::path::Path;

use super::Graph;
use crate::config::{self, Deployment, Environment, Problem, any_error, in_reading_order};

/// A file, read and checked.
#[derive(Debug)]
pub struct Opened {
    /// The pipeline's name and what it is for; empty when it could not be read.
    pub title: String,
    /// Where to run; `None` for a pipeline file, and when a problem keeps it from running.
    pub deployment: Option<Deployment>,
    /// What to run; `None` when a problem keeps it from being one.
    pub graph: Option<Graph>,
    /// Everything wrong, in reading order.
    pub problems: Vec<Problem>,
}

/// Reads a deployment or a pipeline file with all it refers to, and checks that its stages make a graph.
pub fn open(path: &Path, environment: &Environment) -> Opened {
    let config::Reading { mut deployment, pipeline, mut problems } = config::read(path, environment);
    let mut graph = None;
    let mut title = String::new();
    if let Some(pipeline) = pipeline {
        title = if pipeline.summary.is_empty() {
            pipeline.name.clone()
        } else {
            format!("{}: {}", pipeline.name, pipeline.summary)
        };
        match Graph::build(&pipeline) {
            Ok(built) => {
                problems.extend_from_slice(built.warnings());
                graph = Some(built);
            }
            Err(found) => problems.extend(found),
        }
    }
    if any_error(&problems) {
        deployment = None;
    }
    Opened { title, deployment, graph, problems: in_reading_order(problems) }
}
