//! `flyball simulate`: the governor in a closed loop with a seeded machine, beside settings that never change and an
//! oracle that knows the future. The files, in reading order:

#[cfg(feature = "cli")]
mod args;
mod scenario;

mod control;
mod frames;
mod lanes;
mod meter;
mod plant;
mod recent;
mod score;
mod stage;
mod store;

mod course;
mod fixed;
mod load;
mod oracle;
mod rivals;
mod statue;

#[cfg(feature = "cli")]
mod chart;
#[cfg(feature = "cli")]
mod replay;
mod summary;
#[cfg(feature = "cli")]
mod table;

#[cfg(feature = "cli")]
mod folder;
#[cfg(feature = "cli")]
mod one;

#[cfg(feature = "cli")]
use std::io::Write;
use std::path::PathBuf;

#[cfg(feature = "cli")]
pub use args::SimulateArgs;
pub use scenario::{Curve, Device, Failure, Scenario};
pub use summary::{Outcome, Promises, Summary, promises, simulate};

/// Why a simulation could not be done.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// A file could not be read.
    #[error("cannot read {path}: {error}; check the path")]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// A file could not be written.
    #[error("cannot write {path}: {error}; check that its folder exists and is writable")]
    Write {
        /// Which file, or the standard output.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// A scenario or device file does not make sense.
    #[error("{path}: {problem}")]
    Scenario {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A recorded run does not make sense.
    #[error("{path}: line {line}: {problem}; record it again with `--record`")]
    Recording {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// Neither a scenario nor a recording was named.
    #[error("nothing to simulate; name a scenario file or use `--replay`")]
    Nothing,
}

/// Does what `args` ask and prints it to `out`; the last line is a JSON summary.
#[cfg(feature = "cli")]
pub fn run(args: &SimulateArgs, out: &mut dyn Write) -> Result<(), SimulateError> {
    if let Some(recording) = &args.replay {
        return replay::run(recording, out);
    }
    let path = args.scenario.as_ref().ok_or(SimulateError::Nothing)?;
    if path.is_dir() {
        only_of_one_run(args, path)?;
        return print(out, &folder::text(path, args.seed)?);
    }
    let (mut scenario, device) = Scenario::read(path)?;
    scenario.seed = args.seed.unwrap_or(scenario.seed);
    let outcome = simulate(&scenario, &device);
    if let Some(chart) = &args.chart {
        write_file(chart, &chart::svg(&scenario, &outcome))?;
    }
    if let Some(record) = &args.record {
        write_file(record, &replay::recording(&scenario, &device, &outcome))?;
    }
    let text = table::text(&scenario, &device, &outcome, args.decisions);
    print(out, &text)
}

/// What belongs to one run cannot be had of a folder.
#[cfg(feature = "cli")]
fn only_of_one_run(args: &SimulateArgs, folder: &std::path::Path) -> Result<(), SimulateError> {
    let asked =
        [("--chart", args.chart.is_some()), ("--record", args.record.is_some()), ("--decisions", args.decisions)];
    let Some((option, _)) = asked.into_iter().find(|(_, asked)| *asked) else { return Ok(()) };
    let problem = format!("{option} is about one run, and this is a folder; name one of its scenarios");
    Err(SimulateError::Scenario { path: folder.to_owned(), problem })
}

#[cfg(feature = "cli")]
fn print(out: &mut dyn Write, text: &str) -> Result<(), SimulateError> {
    let path = PathBuf::from("standard output");
    out.write_all(text.as_bytes()).map_err(|error| SimulateError::Write { path, error })
}

#[cfg(feature = "cli")]
fn write_file(path: &std::path::Path, text: &str) -> Result<(), SimulateError> {
    std::fs::write(path, text).map_err(|error| SimulateError::Write { path: path.to_owned(), error })
}
