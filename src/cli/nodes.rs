//! `flyball nodes`: who is there, which cameras each node serves, and how those fare.

use std::io::Write;

use clap::Args;

use super::{Exit, Reach, complain};

const EXAMPLES: &str = "Examples:
  flyball nodes                                             everybody reachable through this machine
  flyball nodes --connect tcp/router.example:7447           everybody behind a router
  flyball nodes --json | jq -r '.nodes[].cameras[].camera'  cameras alone

A node is listed while its [events.zenoh] session lives. States come from its journal: add [events.journal] to see them.

";

/// List running nodes and their cameras.
#[derive(Args, Clone, Debug)]
#[command(after_help = format!("{EXAMPLES}{}", super::exit::HELP))]
pub(super) struct NodesArgs {
    #[command(flatten)]
    reach: Reach,
    /// Only this site
    #[arg(long)]
    site: Option<String>,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

/// Asks once, and prints.
pub(super) fn run(args: &NodesArgs, out: &mut dyn Write) -> Exit {
    match ask::list(args, out) {
        Ok(exit) => exit,
        Err(cause) => {
            complain(&cause);
            Exit::from(&cause)
        }
    }
}

#[cfg(feature = "zenoh")]
mod ask {
    use std::io::{self, Write};

    use comfy_table::{ContentArrangement, Table, presets::UTF8_HORIZONTAL_ONLY};
    use serde_json::json;

    use super::NodesArgs;
    use crate::{
        cli::{Exit, complain},
        events::{
            BusError,
            zenoh::{CameraSeen, NodeSeen, ZenohBus},
        },
        telemetry::{LogFormat, log_to_stderr},
    };

    /// Widest table.
    const WIDTH: u16 = 140;

    pub(super) fn list(args: &NodesArgs, out: &mut dyn Write) -> Result<Exit, BusError> {
        let _usual_filter = log_to_stderr("warn,zenoh=off", LogFormat::Human);
        let bus = match ZenohBus::open(&args.reach.asking()?) {
            Err(BusError::Zenoh(_)) => return Ok(nobody(&args.reach.connect)),
            opened => opened?,
        };
        let nodes = bus.nodes(args.site.as_deref())?;
        if nodes.is_empty() {
            complain(&format!("{} answers, and no node is there", args.reach.connect));
        }
        let printed = if args.json { print_json(&nodes, out) } else { print_table(&nodes, out) };
        match printed {
            Err(cause) if cause.kind() != io::ErrorKind::BrokenPipe => Ok(Exit::Failed),
            _ => Ok(Exit::Done),
        }
    }

    fn nobody(endpoint: &str) -> Exit {
        complain(&format!(
            "nobody answers at {endpoint}; start `flyball run` with [events.zenoh] listening there, say --connect, or check \
             user and password"
        ));
        Exit::Failed
    }

    fn print_json(nodes: &[NodeSeen], out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{:#}", json!({ "nodes": nodes }))
    }

    fn print_table(nodes: &[NodeSeen], out: &mut dyn Write) -> io::Result<()> {
        if nodes.is_empty() {
            return Ok(());
        }
        let mut table = Table::new();
        table.load_style(UTF8_HORIZONTAL_ONLY);
        table.set_content_arrangement(ContentArrangement::Dynamic);
        if table.width().is_none_or(|width| width > WIDTH) {
            table.set_width(WIDTH);
        }
        table.set_header(["site", "node", "camera", "state", "since", "detail"]);
        table.add_rows(nodes.iter().flat_map(rows));
        writeln!(out, "{table}")
    }

    /// One row a camera, or one for a node without any.
    fn rows(node: &NodeSeen) -> Vec<[String; 6]> {
        let name = node.node.clone().unwrap_or_else(|| "?".into());
        let place = [node.site.clone(), name];
        if node.cameras.is_empty() {
            let [site, name] = place;
            return vec![[site, name, "no cameras".into(), String::new(), String::new(), String::new()]];
        }
        node.cameras.iter().map(|camera| row(&place, camera)).collect()
    }

    fn row([site, node]: &[String; 2], camera: &CameraSeen) -> [String; 6] {
        let state = camera.state.as_ref();
        let condition = state.and_then(|state| serde_json::to_value(&state.condition).ok());
        let condition = condition.and_then(|word| word.as_str().map(|word| word.replace('_', " ")));
        [
            site.clone(),
            node.clone(),
            camera.camera.clone(),
            condition.unwrap_or_else(|| "not known".into()),
            state.map(|state| state.since.to_string()).unwrap_or_default(),
            state.and_then(|state| state.detail.clone()).unwrap_or_default(),
        ]
    }
}

#[cfg(not(feature = "zenoh"))]
mod ask {
    use std::io::Write;

    use super::NodesArgs;
    use crate::{cli::Exit, events::BusError};

    pub(super) fn list(_: &NodesArgs, _: &mut dyn Write) -> Result<Exit, BusError> {
        Err(BusError::NotBuilt)
    }
}
