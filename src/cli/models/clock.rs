//! Time spent by this thread and by the clock, for `flyball models bench`. Part of the front, so it may read a clock.

use std::{fs, time::Instant};

/// Where Linux tells how long this thread has run: its first number, in nanoseconds.
const SCHEDSTAT: &str = "/proc/thread-self/schedstat";

/// Time spent, in seconds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spent {
    /// By this thread on a processor; by the clock where the system does not tell.
    pub(super) cpu: f64,
    /// By the clock.
    pub(super) wall: f64,
}

impl Spent {
    /// Adds another stretch.
    pub(super) fn add(&mut self, other: Self) {
        self.cpu += other.cpu;
        self.wall += other.wall;
    }
}

/// Runs `work` and tells what it took.
#[allow(clippy::disallowed_methods, reason = "a bench reads the clock; it is a command, not a stage")]
pub(super) fn timed<T>(work: impl FnOnce() -> T) -> (T, Spent) {
    let (started, cpu_before) = (Instant::now(), on_cpu());
    let done = work();
    let wall = started.elapsed().as_secs_f64();
    let cpu = cpu_before.zip(on_cpu()).map_or(wall, |(before, after)| after - before);
    (done, Spent { cpu, wall })
}

/// Seconds this thread has spent on a processor.
fn on_cpu() -> Option<f64> {
    let text = fs::read_to_string(SCHEDSTAT).ok()?;
    let nanoseconds: f64 = text.split_whitespace().next()?.parse().ok()?;
    Some(nanoseconds / 1e9)
}
