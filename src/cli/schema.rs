//! `flyball schema pipeline|deployment`: the JSON Schema of a file kind, for editors.

use std::io::{self, Write};

use clap::{Args, ValueEnum};

use crate::config::schema;

/// Print the JSON Schema of pipeline or deployment files, with which editors complete them.
#[derive(Args, Debug)]
#[command(after_help = "Example: flyball schema pipeline > config/schema/pipeline.schema.json")]
pub(super) struct SchemaArgs {
    /// The kind of file.
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
}

/// Prints it, indented, as it is committed under `config/schema/`.
pub(super) fn run(args: &SchemaArgs, out: &mut dyn Write) -> io::Result<u8> {
    let schema = match args.kind {
        FileKind::Pipeline => schema::pipeline(),
        FileKind::Deployment => schema::deployment(),
    };
    writeln!(out, "{schema:#}")?;
    Ok(0)
}
