//! The commands: what `flyball --help` lists. Each lives in a file of its own, with its arguments and its code.

mod bench;
pub mod check;
mod doctor;
pub mod draw;
mod exit;
mod gallery;
#[cfg(feature = "server")]
mod metrics;
pub mod models;
mod nodes;
mod reach;
mod record;
mod replay;
mod run;
#[cfg(feature = "media")]
mod sample_camera;
pub mod schema;
#[cfg(feature = "zenoh")]
mod signals;
mod top;
mod trial;
pub mod watch;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

pub use exit::Exit;
pub use reach::Reach;

use crate::simulate::{self, SimulateArgs};

/// Watch live video: find faces, follow them, say who they are and whether they are alive, and tell subscribers.
#[derive(Debug, Parser)]
#[command(name = "flyball", version, after_help = exit::HELP, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::RunArgs),
    Check(check::CheckArgs),
    Doctor(doctor::DoctorArgs),
    Draw(draw::DrawArgs),
    Schema(schema::SchemaArgs),
    Gallery(gallery::GalleryArgs),
    Models(models::ModelsArgs),
    Watch(watch::WatchArgs),
    Nodes(nodes::NodesArgs),
    Record(record::RecordArgs),
    Replay(replay::ReplayArgs),
    Top(top::TopArgs),
    #[cfg(feature = "server")]
    Metrics(metrics::MetricsArgs),
    Trial(trial::TrialArgs),
    Bench(bench::BenchArgs),
    Simulate(SimulateArgs),
    #[cfg(feature = "media")]
    SampleCamera(sample_camera::SampleCameraArgs),
    /// Print shell completions
    #[command(after_help = "Example: flyball completions bash > /etc/bash_completion.d/flyball")]
    Completions {
        /// Which shell.
        shell: Shell,
    },
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    dispatch(cli.command)
}

fn dispatch(command: Command) -> ExitCode {
    let mut out = io::stdout().lock();
    let exit = match command {
        Command::Run(args) => {
            drop(out);
            crate::memory::settle_heaps();
            run::run(&args)
        }
        Command::Check(args) => told(check::run(&args, &mut out)),
        // Its exit codes are its own: see its `--help`.
        Command::Doctor(args) => return doctor::run(&args, &mut out).into(),
        Command::Draw(args) => told(draw::run(&args, &mut out, &mut io::stderr())),
        #[cfg(feature = "server")]
        Command::Metrics(args) => told(metrics::run(&args, &mut out)),
        Command::Schema(args) => told(schema::run(&args, &mut out)),
        Command::Gallery(args) => gallery::run(&args, &mut out),
        #[cfg(feature = "media")]
        Command::SampleCamera(args) => sample_camera::run(&args),
        Command::Models(args) => {
            crate::memory::settle_heaps();
            modelled(models::run(&args, &mut out))
        }
        Command::Bench(args) => {
            crate::memory::settle_heaps();
            bench::run(&args, &mut out)
        }
        Command::Trial(args) => trial::run(&args, &mut out),
        Command::Top(args) => top::run(&args, &mut out),
        Command::Watch(args) => watch::run(&args, &mut out),
        Command::Nodes(args) => nodes::run(&args, &mut out),
        Command::Record(args) => record::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Simulate(args) => simulated(simulate::run(&args, &mut out)),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "flyball", &mut out);
            Exit::Done
        }
    };
    exit.into()
}

/// The exit of a command that only prints; a reader that went away (`| head`) is no failure.
fn told(code: io::Result<u8>) -> Exit {
    match code {
        Ok(0) => Exit::Done,
        Ok(check::EXIT_PROBLEMS) => Exit::BadInput,
        Err(cause) if cause.kind() == io::ErrorKind::BrokenPipe => Exit::Done,
        Ok(_) | Err(_) => Exit::Failed,
    }
}

fn modelled(code: Result<u8, models::ModelsError>) -> Exit {
    match code {
        Ok(0) => Exit::Done,
        Ok(_) => Exit::Failed,
        Err(cause) => {
            complain(&cause);
            Exit::Missing
        }
    }
}

fn simulated(outcome: Result<(), simulate::SimulateError>) -> Exit {
    match outcome {
        Ok(()) => Exit::Done,
        Err(cause) => {
            complain(&cause);
            Exit::BadInput
        }
    }
}

/// Says on standard error what is wrong, in one line, the way every command does.
fn complain(what: &dyn std::fmt::Display) {
    // When standard error is closed there is nobody left to tell.
    let _nobody = writeln!(io::stderr(), "flyball: {what}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
