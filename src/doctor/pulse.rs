//! What is in use now: processor, main memory, memory and decoder of each GPU. Read once a line by `flyball doctor --watch`.

use std::fs;

use serde::Serialize;

use super::nvidia;
use crate::memory::{MemoryMeter, ProcessMeter};

/// One reading.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pulse {
    /// Part of all cores that was busy since the last reading, 0 to 1; `None` on the first.
    pub busy: Option<f64>,
    /// Bytes of main memory that could still be taken, and all there is.
    pub free: u64,
    /// All there is.
    pub total: u64,
    /// Each GPU.
    pub gpus: Vec<GpuPulse>,
}

/// One GPU's reading.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GpuPulse {
    /// Its name.
    pub name: String,
    /// Bytes nobody has.
    pub free: u64,
    /// Bytes in all.
    pub total: u64,
    /// How busy its decoder is, per cent.
    pub decoder: Option<u32>,
}

/// Reads; keeps the last counters, since busy is a difference.
#[derive(Debug, Default)]
pub struct Finger {
    last: Option<Ticks>,
}

/// Ticks since the machine started.
#[derive(Clone, Copy, Debug)]
struct Ticks {
    busy: u64,
    all: u64,
}

impl Finger {
    /// The reading now.
    pub fn feel(&mut self) -> Pulse {
        let now = fs::read_to_string("/proc/stat").ok().and_then(|text| ticks(&text));
        let busy = now.zip(self.last).and_then(|(now, last)| {
            let all = now.all.checked_sub(last.all).filter(|all| *all > 0)?;
            Some(now.busy.saturating_sub(last.busy) as f64 / all as f64)
        });
        self.last = now.or(self.last);
        let memory = ProcessMeter.read().unwrap_or_default();
        let gpus = nvidia::ask().map(|nvidia| nvidia.devices).unwrap_or_default();
        let gpus = gpus.into_iter().map(|device| GpuPulse {
            name: device.name,
            free: device.free,
            total: device.total,
            decoder: device.decoder,
        });
        Pulse { busy, free: memory.free, total: memory.total, gpus: gpus.collect() }
    }
}

/// user, nice, system, idle, iowait, irq, softirq, steal
fn ticks(stat: &str) -> Option<Ticks> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let fields: Vec<u64> = line.split_whitespace().take(8).map_while(|field| field.parse().ok()).collect();
    let idle = fields.get(3)? + fields.get(4)?;
    let all = fields.iter().sum();
    Some(Ticks { busy: all - idle, all })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_and_waiting_are_not_busy() {
        let ticks = ticks("cpu  10 0 20 60 5 0 3 2 0 0\ncpu0 1 2 3").unwrap();
        assert_eq!((ticks.busy, ticks.all), (35, 100));
        assert!(super::ticks("nonsense").is_none());
    }

    #[test]
    fn the_first_reading_knows_no_busy() {
        let mut finger = Finger::default();
        let first = finger.feel();
        assert!(first.busy.is_none() && first.total >= first.free);
    }
}
