//! What `flyball simulate` is asked for. Next: [`mod`](super), which does it.

use std::path::PathBuf;

use clap::Args;

const EXAMPLES: &str = "Examples:
  flyball simulate tests/plant/crowd_burst.toml --decisions
  flyball simulate tests/plant/ramp.toml --chart ramp.svg --record ramp.jsonl
  flyball simulate --replay ramp.jsonl
  flyball simulate tests/plant | tail -1 | jq '.scenarios[] | {scenario, vs_one_static, vs_oracle_settled}'

The last line is one JSON object. `vs_best_static` compares with the best fixed setting that never runs out of memory,
`vs_static_in_time` with the best that also serves 95 of 100 frames within the objective; both know the whole scenario.
`vs_mean_static` and `vs_peak_static` compare with the settings best for its mean load and for its peak.
`most_vs_...` is what an oracle would gain over the same, and so the most that any governor can.
`vs_oracle_settled` leaves out the ten seconds after each jump of the load, which only the oracle foresees.
Of a folder the last line holds all of its scenarios; `vs_one_static` compares with the one fixed setting that is best over
all days of a device: what would have to be chosen by somebody who does not know which day comes.";

/// Run the governor against a simulated machine.
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = EXAMPLES)]
pub struct SimulateArgs {
    /// Scenario file, or a folder of them: a row each, without a timeline
    #[arg(required_unless_present = "replay")]
    pub scenario: Option<PathBuf>,
    /// Decide a recorded run again and report where the plans differ
    #[arg(long, value_name = "RUN.jsonl", conflicts_with = "scenario")]
    pub replay: Option<PathBuf>,
    /// Write a chart of the run here
    #[arg(long, value_name = "FILE.svg")]
    pub chart: Option<PathBuf>,
    /// Record the run here, for `--replay`
    #[arg(long, value_name = "RUN.jsonl")]
    pub record: Option<PathBuf>,
    /// Use this seed instead of the scenario's
    #[arg(long)]
    pub seed: Option<u64>,
    /// Print every decision
    #[arg(long)]
    pub decisions: bool,
}
