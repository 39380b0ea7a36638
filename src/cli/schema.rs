//! `flyball schema KIND`: the JSON Schema of a kind of file, for editors, and of events, for subscribers.

use std::io::{self, Write};

use clap::{Args, ValueEnum};

use crate::config::schema;

/// Print the JSON Schema of pipeline or deployment files, with which editors complete them, or of events.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  flyball schema pipeline > config/schema/pipeline.schema.json\n  flyball schema events > face-event-v1.schema.json"
)]
pub(super) struct SchemaArgs {
    /// What to describe.
    #[arg(value_enum, value_name = "KIND")]
    pub(super) kind: FileKind,
}

/// A kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum FileKind {
    /// What to run.
    Pipeline,
    /// Where to run it.
    Deployment,
    /// What subscribers read.
    Events,
    /// One line of a file that `flyball record` writes.
    Recording,
}

/// Prints it, indented, as it is committed under `config/schema/`.
pub(super) fn run(args: &SchemaArgs, out: &mut dyn Write) -> io::Result<u8> {
    let schema = match args.kind {
        FileKind::Pipeline => schema::pipeline(),
        FileKind::Deployment => schema::deployment(),
        FileKind::Events => crate::events::wire::event_schema(),
        FileKind::Recording => crate::events::recording::schema(),
    };
    writeln!(out, "{schema:#}")?;
    Ok(0)
}
