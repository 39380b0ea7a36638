//! Reads the instruments of a running graph into a [`Dashboard`]: rates from counters, CPU and memory of the process.

use std::time::{Duration, Instant};

use super::view::Dashboard;
use crate::flow::Percentiles;
use crate::memory::{MemoryMeter, ProcessMeter, process_cpu_time};
use crate::topology::{Assembly, Running};

/// Latency is shown over windows of this length.
const WINDOW: Duration = Duration::from_secs(5);

/// Remembers what the last reading needs.
pub(super) struct Gauge {
    start: Instant,
    window: (Instant, Percentiles),
    last: (Instant, Duration),
    cores: f32,
    resident: u64,
    uptime: Duration,
}

impl Gauge {
    pub(super) fn new(start: Instant) -> Self {
        let window = (start, Percentiles::default());
        Self { start, window, last: (start, process_cpu_time()), cores: 0.0, resident: 0, uptime: Duration::ZERO }
    }

    /// Reads everything that changes.
    pub(super) fn read(&mut self, running: &Running, at: Instant) {
        let cpu = process_cpu_time();
        let wall = (at - self.last.0).as_secs_f32();
        if wall > 0.0 {
            self.cores = (cpu.saturating_sub(self.last.1)).as_secs_f32() / wall;
        }
        self.last = (at, cpu);
        self.resident = ProcessMeter.read().map_or(self.resident, |figures| figures.ours);
        self.uptime = at - self.start;
        if at - self.window.0 >= WINDOW || self.window.1.count == 0 {
            self.window = (at, running.shown.take());
        }
    }

    /// Everything at the last reading.
    pub(super) fn dashboard(&self, title: &str, assembly: &Assembly) -> Dashboard {
        let running = &assembly.running;
        let drops = |camera: &_| running.drops.of(camera);
        Dashboard {
            title: title.to_owned(),
            uptime: self.uptime,
            scene: running.board.snapshot(drops),
            stages: running.stages.iter().map(|stage| (stage.id.clone(), stage.figures.totals())).collect(),
            latency: self.window.1,
            cores: self.cores,
            resident: self.resident,
            governor: assembly.steering.as_ref().map_or_else(String::new, |steering| steering.helm().last_decision()),
        }
    }
}
