//! `flyball draw FILE`: the graph of a pipeline or deployment, for a page or for Graphviz.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use clap::{Args, ValueEnum};

use super::check::EXIT_PROBLEMS;
use crate::{
    config::Environment,
    topology::{draw, open},
};

const EXAMPLES: &str = "Examples:
  flyball draw pipelines/face-gate.toml
  flyball draw config/demo.toml --format dot | dot -Tsvg > graph.svg";

/// Draw the graph of a pipeline or deployment file, with the policy of every edge.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct DrawArgs {
    /// The file, such as pipelines/face-gate.toml.
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
    /// The language of the drawing.
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
}

/// The language of a drawing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For Markdown pages and mermaid.live.
    #[default]
    Mermaid,
    /// For Graphviz: `flyball draw FILE --format dot | dot -Tsvg`.
    Dot,
}

/// Draws to `out`, or tells to `err` why there is no graph; answers the exit code. Problems that leave the graph whole, such as
/// a camera that cannot be reached, do not keep it from being drawn.
pub(super) fn run(args: &DrawArgs, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<u8> {
    let opened = open(&args.file, &Environment::of_process());
    let Some(graph) = &opened.graph else {
        for problem in &opened.problems {
            writeln!(err, "{problem}\n")?;
        }
        return Ok(EXIT_PROBLEMS);
    };
    let cameras = opened.deployment.iter().flat_map(|deployment| &deployment.cameras);
    let cameras: Vec<&str> = cameras.map(|camera| camera.id.as_str()).collect();
    let drawing = match args.format {
        Format::Mermaid => draw::mermaid(graph, &opened.title, &cameras),
        Format::Dot => draw::dot(graph, &opened.title, &cameras),
    };
    out.write_all(drawing.as_bytes())?;
    Ok(0)
}
