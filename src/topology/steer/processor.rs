//! How busy the cores are: with this process, and with everything.

use std::{fs, time::Duration};

use crate::memory::process_cpu_time;

/// Processor time spent so far.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::topology) struct Spent {
    /// By this process.
    pub(in crate::topology) ours: Duration,
    /// By everybody on the cores we may use; `None` where that cannot be told.
    pub(in crate::topology) everybody: Option<Duration>,
}

/// Reads [`Spent`] and says how many cores there are.
pub(in crate::topology) struct Processor {
    /// Cores this process may use.
    pub(in crate::topology) lanes: f64,
    /// Reads the counters.
    pub(in crate::topology) spent: Box<dyn FnMut() -> Spent + Send>,
}

/// This machine's.
pub(in crate::topology) fn processor() -> Processor {
    let lanes = std::thread::available_parallelism().map_or(1, usize::from);
    Processor { lanes: lanes as f64, spent: Box::new(move || Spent { ours: process_cpu_time(), everybody: all_busy(lanes) }) }
}

/// Time all cores together were busy. Where we may use only some of the machine's cores, nobody says how busy those are.
fn all_busy(lanes: usize) -> Option<Duration> {
    let text = fs::read_to_string("/proc/stat").ok()?;
    let cores = text.lines().filter(|line| line.starts_with("cpu") && !line.starts_with("cpu ")).count();
    let all = text.lines().next().filter(|_| cores == lanes)?;
    let ticks: Vec<u64> = all.split_whitespace().skip(1).map_while(|field| field.parse().ok()).collect();
    // user, nice, system, idle, iowait, irq, softirq, steal; a tick is 10 ms wherever Linux runs today
    let busy: u64 = [0, 1, 2, 5, 6, 7].iter().filter_map(|field| ticks.get(*field)).sum();
    Some(Duration::from_millis(busy * 10))
}
