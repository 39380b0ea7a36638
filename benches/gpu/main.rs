//! On a machine with an NVIDIA GPU: `make bench-gpu`, which is `day.sh` beside this. `letterbox` holds the kernel against
//! its CPU twin and times it; `tenant` is a stranger who takes memory.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::expect_used,
    reason = "a bench prints, reads the clock, and ends where something is wrong"
)]

mod letterbox;
mod tenant;

use std::{process::ExitCode, time::Duration};

use clap::Parser;
use flyball::inference::tensor::cuda::driver_is_here;

/// What to do.
#[derive(Parser)]
enum Job {
    /// The NV12-to-tensor kernel: what it computes beside the CPU, and how fast
    Letterbox,
    /// Take memory of GPU 0 in one step, hold it, and give it back
    Tenant {
        /// This share of what is free
        #[arg(long, conflicts_with = "leave")]
        share: Option<f64>,
        /// All that is free but so much
        #[arg(long, value_name = "SIZE")]
        leave: Option<bytesize::ByteSize>,
        /// Not at once
        #[arg(long, value_parser = humantime::parse_duration, default_value = "0s")]
        after: Duration,
        /// How long it is held
        #[arg(long = "for", value_parser = humantime::parse_duration, default_value = "60s")]
        hold: Duration,
    },
}

fn main() -> ExitCode {
    let job = Job::parse();
    if !driver_is_here() {
        eprintln!("gpu: there is no NVIDIA driver (libcuda.so) on this machine; `flyball doctor` says more");
        return ExitCode::from(3);
    }
    match job {
        Job::Letterbox => letterbox::run(),
        Job::Tenant { share, leave, after, hold } => {
            tenant::run(share.unwrap_or(1.0), leave.map(|leave| leave.0), after, hold);
        }
    }
    ExitCode::SUCCESS
}
