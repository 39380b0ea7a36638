//! The commands: what `flyball --help` lists. Each lives in a file of its own, with its arguments and its code.

mod check;
mod draw;
mod exit;
mod run;
mod schema;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

pub use exit::Exit;

/// Watches live video: finds faces, follows them, says who they are and whether they are alive, and tells subscribers.
#[derive(Debug, Parser)]
#[command(name = "flyball", version, after_help = exit::HELP, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
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
    dispatch(cli.command).into()
}

fn dispatch(command: Command) -> Exit {
    match command {
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "flyball", &mut io::stdout());
            Exit::Done
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
