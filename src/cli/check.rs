//! `flyball check FILE…`: every problem of deployment and pipeline files, with what to try. Opens no device and no network.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use clap::Args;
use serde_json::json;

use crate::{
    config::{Environment, Problem, any_error, in_reading_order},
    doctor::WantedVersions,
    topology::open,
};

/// The exit code when a file cannot run.
pub(super) const EXIT_PROBLEMS: u8 = 2;

const EXAMPLES: &str = "Examples:
  flyball check config/demo.toml
  flyball check --json config/*.toml pipelines/*.toml

";

/// Find every problem in deployment and pipeline files, without opening a device.
#[derive(Args, Debug)]
#[command(after_help = format!("{EXAMPLES}{}", super::exit::HELP))]
pub(super) struct CheckArgs {
    /// Files to check, such as config/demo.toml.
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(super) json: bool,
}

/// Prints what is wrong; answers the exit code: 0 when every file can run, [`EXIT_PROBLEMS`] otherwise.
pub(super) fn run(args: &CheckArgs, out: &mut dyn Write) -> io::Result<u8> {
    let environment = Environment::of_process();
    // Two deployments of one pipeline share its problems; each is told once.
    let problems = args.files.iter().flat_map(|file| problems(file, &environment)).collect();
    let problems = in_reading_order(problems);
    if args.json {
        write_json(&problems, out)?;
    } else {
        write_text(&problems, args.files.len(), out)?;
    }
    Ok(if any_error(&problems) { EXIT_PROBLEMS } else { 0 })
}

/// What is wrong with one file; the list of dependencies lies beside the deployments and is known by its tables.
fn problems(file: &Path, environment: &Environment) -> Vec<Problem> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    if !WantedVersions::is_meant(&text) {
        return open(file, environment).problems;
    }
    let hint = "compare it with the manifest's own head, which explains the keys";
    let wrong = WantedVersions::read(&text).map_err(|why| Problem::unreadable(file, why.to_string(), hint));
    wrong.err().into_iter().collect()
}

fn write_json(problems: &[Problem], out: &mut dyn Write) -> io::Result<()> {
    let (errors, warnings) = count(problems);
    let report = json!({ "problems": problems, "errors": errors, "warnings": warnings });
    writeln!(out, "{report}")
}

fn write_text(problems: &[Problem], files: usize, out: &mut dyn Write) -> io::Result<()> {
    for problem in problems {
        writeln!(out, "{problem}\n")?;
    }
    let (errors, warnings) = count(problems);
    let verdict = match (errors, warnings) {
        (0, 0) => "no problems".to_owned(),
        (0, _) => plural(warnings, "warning"),
        (_, 0) => plural(errors, "error"),
        _ => format!("{}, {}", plural(errors, "error"), plural(warnings, "warning")),
    };
    writeln!(out, "{} checked: {verdict}", plural(files, "file"))
}

fn count(problems: &[Problem]) -> (usize, usize) {
    let errors = problems.iter().filter(|problem| problem.is_error()).count();
    (errors, problems.len() - errors)
}

fn plural(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}
