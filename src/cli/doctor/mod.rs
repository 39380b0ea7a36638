//! `flyball doctor [CONFIG]`: is everything there that this machine, or one deployment, stands on? `table` prints it, `profile`
//! measures what loading each piece costs, `follow` watches what is in use, `bill` prints what all of it is made of.

mod bill;
mod follow;
mod profile;
mod table;

use std::{
    io::{self, Write},
    path::PathBuf,
    time::Duration,
};

use clap::Args;

use super::{Exit, complain};
use crate::{
    config::{Deployment, Environment},
    doctor::{Area, Check, Depth, Needs, Places, Report, examine},
    topology::{Graph, Opened, open},
};

const HELP: &str = "Examples:
  flyball doctor                          everything Flyball can use
  flyball doctor config/demo.toml         only what this deployment needs
  flyball doctor --json | jq -r '.checks[] | select(.health != \"healthy\") | .mend'
  flyball doctor --profile                load time and memory of each heavy piece
  flyball doctor --sbom > bill.json       what this program is made of and stands on
  flyball doctor --watch                  processor, memory and GPU, a line a second

Exit codes: 0 all is well · 1 it runs, but something should be done · 2 it cannot run";

/// Check everything Flyball stands on, and say how to mend what is wrong
#[derive(Args, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch on the command line")]
#[command(after_help = HELP)]
pub(super) struct DoctorArgs {
    /// Only what this deployment needs, such as config/demo.toml
    #[arg(value_name = "CONFIG")]
    file: Option<PathBuf>,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
    /// Measure load time and memory of each heavy piece, the slowest first
    #[arg(long, conflicts_with = "watch")]
    profile: bool,
    /// Follow processor, memory and GPU until Ctrl-C
    #[arg(long)]
    watch: bool,
    /// Print the bill of materials made with this program, as CycloneDX; `make sbom` makes it
    #[arg(long, conflicts_with_all = ["watch", "profile", "json"])]
    sbom: bool,
    /// End `--watch` after this long, such as `10s`
    #[arg(long = "for", value_name = "TIME", requires = "watch", value_parser = humantime::parse_duration)]
    watch_for: Option<Duration>,
    /// Folder with one folder a model, where no deployment says
    #[arg(long, default_value = "models", value_name = "FOLDER")]
    models: PathBuf,
    /// ONNX Runtime's library or its folder; otherwise vendor/onnxruntime is searched
    #[arg(long, value_name = "PATH")]
    onnxruntime: Option<PathBuf>,
}

/// The exit code; a reader that went away (`| head`) is no failure.
pub(super) fn run(args: &DoctorArgs, out: &mut dyn Write) -> u8 {
    if args.sbom {
        return bill::run(out).unwrap_or(0);
    }
    let done = if args.watch { follow::run(args.json, args.watch_for, out).map(|()| 0) } else { look(args, out) };
    done.unwrap_or_else(|why| if why.kind() == io::ErrorKind::BrokenPipe { 0 } else { Exit::Failed as u8 })
}

fn look(args: &DoctorArgs, out: &mut dyn Write) -> io::Result<u8> {
    let Some(needs) = needs(args) else { return Ok(Exit::BadInput as u8) };
    let places = Places { onnxruntime: args.onnxruntime.clone() };
    if args.profile {
        profile::run(&needs, &places, args.json, out)?;
        return Ok(0);
    }
    let report = examine(&needs, &places, Depth::Full);
    if args.json {
        let (version, code) = (env!("CARGO_PKG_VERSION"), report.code());
        writeln!(out, "{}", serde_json::json!({ "version": version, "verdict": code, "checks": report.checks }))?;
    } else {
        table::write(&report, out)?;
    }
    Ok(report.code())
}

/// What is asked for; `None` after saying what is wrong with the file.
fn needs(args: &DoctorArgs) -> Option<Needs> {
    let Some(file) = &args.file else { return Some(Needs::of_everything(args.models.clone())) };
    match open(file, &Environment::of_process()) {
        Opened { deployment: Some(deployment), graph: Some(graph), .. } => Some(Needs::of(&deployment, &graph)),
        Opened { problems, .. } => {
            for problem in &problems {
                complain(&format!("{problem}\n"));
            }
            if problems.is_empty() {
                complain(&format!("{} is a pipeline: name a deployment, such as config/demo.toml", file.display()));
            }
            None
        }
    }
}

/// Before a run: what would stop it, said at once with the mending command. Answers how to end, or `None` to go on.
pub(super) fn refuse(deployment: &Deployment, graph: &Graph) -> Option<Exit> {
    let report: Report = examine(&Needs::of(deployment, graph), &Places::default(), Depth::Quick);
    report.fatal().for_each(|check| complain(check));
    report.complaints().filter(|check| !check.is_fatal()).for_each(|check| tracing::warn!("{check}"));
    report.fatal().next().map(how_to_end)
}

/// A taken port is the machine's refusal, a manifest that cannot be read what we were given; anything else is missing.
fn how_to_end(check: &Check) -> Exit {
    match check.area {
        Area::Ports => Exit::Failed,
        _ if check.is_about_a_manifest() => Exit::BadInput,
        _ => Exit::Missing,
    }
}
