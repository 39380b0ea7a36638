//! `flyball models bench`: milliseconds and bytes of every variant and batch on this machine, what our engine adds to the
//! bare runtime, and the profile that the governor reads.

use std::path::PathBuf;

use clap::Args;

use super::RuntimeArgs;

/// What to measure.
#[derive(Args, Debug)]
pub struct BenchArgs {
    /// Only these models; otherwise all that are fetched.
    #[arg(value_name = "MODEL")]
    pub only: Vec<String>,
    /// Batches to measure, powers of two.
    #[arg(long, value_delimiter = ',', default_value = "1,4")]
    pub batches: Vec<usize>,
    /// Seconds of processor time for each variant and batch.
    #[arg(long, default_value_t = 1.0)]
    pub seconds: f64,
    /// Instead: switch this often between the first two variants of a model (yunet unless named) while it works, and tell
    /// whether memory returns to where it was. The last line is one JSON object.
    #[arg(long, value_name = "COUNT")]
    pub switches: Option<usize>,
    /// Where the profile is kept.
    #[arg(long, default_value = "state/profile.json", value_name = "FILE")]
    pub profile: PathBuf,
    /// Print the profile as JSON instead of a table.
    #[arg(long)]
    pub json: bool,
    /// The runtime.
    #[command(flatten)]
    pub runtime: RuntimeArgs,
}

#[cfg(not(feature = "ort"))]
pub(super) fn run(
    args: &BenchArgs,
    _: &crate::inference::manifest::Catalogue,
    _: &mut dyn std::io::Write,
) -> Result<u8, super::ModelsError> {
    args.runtime.backend()?;
    Ok(0)
}

#[cfg(feature = "ort")]
pub(super) use super::measure::run;
