//! `flyball trial FILE`: the same deployment twice, with the governor and without, each as a process of its own. Half-way
//! through, the budget of the first is halved while it runs. What both did is printed side by side and written as JSON.
//!
//! [`child`] runs one of them and watches its memory, [`figures`] reads what it wrote, [`report`] prints.

mod child;
mod figures;
mod report;

use std::{
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;

use self::{
    child::{Course, run_child},
    figures::Figures,
    report::Report,
};
use super::{Exit, complain};
use crate::{
    config::{Budget, Environment},
    topology::open,
};

const EXAMPLES: &str = "Example: flyball trial config/governed.toml --for 60s --squeeze-at 45s

Wall times and percentiles depend on what else the machine does; the load beforehand is part of the report.";

/// Run a deployment with and without its governor, halve the budget on the way, and print both
#[derive(Args, Debug)]
#[command(after_help = format!("{EXAMPLES}\n\n{}", super::exit::HELP))]
pub(super) struct TrialArgs {
    /// The deployment file; its budget must be an amount such as "512 MiB"
    file: PathBuf,
    /// How long each of the two runs
    #[arg(long = "for", value_name = "TIME", default_value = "90s", value_parser = humantime::parse_duration)]
    run_for: Duration,
    /// When the budget is halved; never if later than the end
    #[arg(long, value_name = "TIME", default_value = "75s", value_parser = humantime::parse_duration)]
    squeeze_at: Duration,
    /// Where the JSON report goes
    #[arg(long, value_name = "FILE", default_value = "target/reports/governed.json")]
    report: PathBuf,
}

/// Why a trial came to nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum TrialError {
    /// The file cannot be tried.
    #[error("{0}")]
    Unfit(String),
    /// A file or a process of the trial.
    #[error("{0}: {1}")]
    Io(String, std::io::Error),
    /// One of the two runs failed.
    #[error("the run {0} ended with {1}; its log says why: {2}")]
    Child(&'static str, std::process::ExitStatus, String),
}

/// Runs both and prints.
pub(super) fn run(args: &TrialArgs, out: &mut dyn Write) -> Exit {
    match try_run(args).and_then(|report| report.publish(&args.report, out)) {
        Ok(()) => Exit::Done,
        Err(cause) => {
            complain(&cause);
            if matches!(cause, TrialError::Unfit(_)) { Exit::BadInput } else { Exit::Failed }
        }
    }
}

fn try_run(args: &TrialArgs) -> Result<Report, TrialError> {
    let budget = budget_of(&args.file)?;
    let folder = args.report.parent().unwrap_or_else(|| Path::new("."));
    std::fs::create_dir_all(folder).map_err(|cause| TrialError::Io(folder.display().to_string(), cause))?;
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let course = |governed: bool| Course {
        file: &args.file,
        folder,
        governed,
        run_for: args.run_for,
        squeeze: (governed && args.squeeze_at < args.run_for).then_some((args.squeeze_at, budget / 2)),
    };
    complain(&format!("with the governor, {}", humantime::format_duration(args.run_for)));
    let on = Figures::read(&run_child(&course(true))?)?;
    complain(&format!("without, {}", humantime::format_duration(args.run_for)));
    let off = Figures::read(&run_child(&course(false))?)?;
    Ok(Report { file: args.file.clone(), budget, load: load.trim().to_owned(), on, off })
}

fn budget_of(file: &Path) -> Result<u64, TrialError> {
    let opened = open(file, &Environment::of_process());
    let Some(deployment) = opened.deployment else {
        let problems: Vec<_> = opened.problems.iter().map(ToString::to_string).collect();
        return Err(TrialError::Unfit(problems.join("\n")));
    };
    match deployment.governor.memory_budget {
        Budget::Bytes(bytes) => Ok(bytes),
        Budget::Share(_) => {
            let file = file.display();
            Err(TrialError::Unfit(format!(
                "{file}: a share cannot be halved here; write [governor] memory_budget in MiB"
            )))
        }
    }
}
