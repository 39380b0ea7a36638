//! How hard the run is pressed: one word out of a few shares. Next: [`decide`](super::decide), what to do about it.

use serde::{Deserialize, Serialize};

use super::policy::{Policy, Water};
use super::reading::{Event, Reading};

/// How hard the run is pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pressure {
    /// Everything is under its low water.
    Low,
    /// Between the waters: leave it.
    Normal,
    /// Something is over its high water.
    High,
    /// Memory is gone or an allocation failed.
    Critical,
}

impl Pressure {
    /// Every pressure, lightest first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Normal, Self::High, Self::Critical];
}

/// The shares pressure is read from.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Load {
    /// Memory held, as a share of what may be held.
    pub(super) memory: f64,
    /// Time the plan in force needs, as a share of the lanes left to us.
    pub(super) time: f64,
    /// Measured p95 as a share of the objective; 0 while it still holds the past.
    pub(super) latency: f64,
    /// An allocation failed since the last reading.
    pub(super) allocation_failed: bool,
}

/// From here on memory counts as gone: the next allocation of any size may fail.
const MEMORY_GONE: f64 = 0.98;
/// Measured latency up to this share of the objective counts as low.
const LATENCY_LOW: f64 = 0.7;

/// What the shares mean.
pub(super) fn classify(load: &Load, water: &Water) -> Pressure {
    if load.allocation_failed || load.memory >= MEMORY_GONE {
        return Pressure::Critical;
    }
    if load.memory > water.memory_high || load.time > water.time_high || load.latency > 1.0 {
        return Pressure::High;
    }
    let low = load.memory < water.memory_low && load.time < water.time_low && load.latency < LATENCY_LOW;
    if low { Pressure::Low } else { Pressure::Normal }
}

/// Bytes this process may hold now: its budget, or what it has plus what nobody has, whichever is less.
///
/// A foreign tenant that takes memory lowers it at once, without anybody telling us.
pub(super) fn ceiling(reading: &Reading, policy: &Policy) -> f64 {
    let reachable = reading.memory.ours.saturating_add(reading.memory.free);
    let budget = reading.memory.budget.or(policy.memory_budget).unwrap_or(u64::MAX);
    reachable.min(budget) as f64
}

/// Whether an allocation failed since the last reading.
pub(super) fn allocation_failed(reading: &Reading) -> bool {
    reading
        .events
        .iter()
        .any(|event| matches!(event, Event::OutOfMemory { .. } | Event::Failed { out_of_memory: true, .. }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(memory: f64, time: f64, latency: f64) -> Load {
        Load { memory, time, latency, allocation_failed: false }
    }

    #[test]
    fn the_worst_share_names_the_pressure() {
        let water = Water::default();
        assert_eq!(classify(&load(0.5, 0.5, 0.1), &water), Pressure::Low);
        assert_eq!(classify(&load(0.93, 0.5, 0.1), &water), Pressure::Normal);
        assert_eq!(classify(&load(0.5, 0.5, 0.8), &water), Pressure::Normal);
        assert_eq!(classify(&load(0.5, 1.2, 0.1), &water), Pressure::High);
        assert_eq!(classify(&load(0.97, 0.1, 0.1), &water), Pressure::High);
        assert_eq!(classify(&load(0.99, 0.1, 0.1), &water), Pressure::Critical);
        assert_eq!(classify(&Load { allocation_failed: true, ..load(0.1, 0.1, 0.1) }, &water), Pressure::Critical);
    }

    #[test]
    fn a_tenant_lowers_the_ceiling_below_the_budget() {
        let mut reading = Reading::default();
        (reading.memory.ours, reading.memory.free) = (400, 100);
        let policy = Policy { memory_budget: Some(800), ..Policy::default() };
        assert!((ceiling(&reading, &policy) - 500.0).abs() < 1e-9);
    }
}
