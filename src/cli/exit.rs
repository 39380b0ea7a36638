//! Exit codes, the same for every command.

use std::process::ExitCode;

use crate::{events::BusError, topology::AssembleError};

/// How a command ended. The numbers are part of the contract with scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done, or ended because it was asked to.
    Done = 0,
    /// It ran, and failed; or the machine refused: a port that is taken, a full disk.
    Failed = 1,
    /// What it was given is wrong: arguments, a configuration file, a picture, videos none of which shows anything.
    BadInput = 2,
    /// Something it needs is missing: a model, the ONNX Runtime library, a plugin. The message names the mending command.
    Missing = 3,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl From<AssembleError> for Exit {
    fn from(cause: AssembleError) -> Self {
        match cause {
            AssembleError::Missing(_) => Self::Missing,
            AssembleError::Bad(_) => Self::BadInput,
            AssembleError::Failed(_) => Self::Failed,
        }
    }
}

impl From<&BusError> for Exit {
    fn from(cause: &BusError) -> Self {
        match cause {
            BusError::NotBuilt => Self::Missing,
            BusError::Zenoh(_) | BusError::Thread(..) => Self::Failed,
            _ => Self::BadInput,
        }
    }
}

/// The paragraph on exit codes in `--help`.
pub(super) const HELP: &str = "Exit codes: 0 done or asked to end · 1 failed while running · 2 wrong input or configuration · \
3 something needed is missing (the message says how to get it)";
