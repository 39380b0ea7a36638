//! Instruments → reading: copies counters out of the running graph into the plain numbers that the governor decides on.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crossbeam_channel::Receiver;

use super::{
    heard::in_words_of_the_governor,
    processor::{Processor, Spent},
    window::Window,
};
use crate::flow::{Drops, Lanes, Latency, Percentiles};
use crate::governor::{self, CameraReading, Compute, Elapsed, Event, Memory, ModelReading, Reading};
use crate::inference::{RunCount, RunKey, RunLog, ShelfEvent};
use crate::memory::{MemoryFigures, MemoryMeter};
use crate::scene::CameraId;
use crate::topology::{Board, Snapshot, gate::Gate};

/// Latency is read over two windows of this length, so that a figure is between half a second and one second old.
const LATENCY_MS: f64 = 500.0;
/// What others take of the cores beyond this share can be taken back: the scheduler gives each busy process its part.
const OTHERS_AT_MOST: f64 = 0.5;

/// Everything that is read.
pub(in crate::topology) struct Instruments {
    /// Memory of the device that models run on.
    pub(in crate::topology) meter: Box<dyn MemoryMeter>,
    /// The cores.
    pub(in crate::topology) processor: Processor,
    /// Arrival to the end of the graph; nobody else takes from it.
    pub(in crate::topology) latency: Arc<Latency>,
    /// What the networks ran.
    pub(in crate::topology) runs: RunLog,
    /// The cameras.
    pub(in crate::topology) board: Arc<Board>,
    /// What was thrown away.
    pub(in crate::topology) drops: Drops,
    /// Frames that wait for the first stage.
    pub(in crate::topology) lanes: Lanes,
    /// Cameras that wait to be let in.
    pub(in crate::topology) gate: Gate,
    /// What became of orders to the shelf; `None` when no model is on one.
    pub(in crate::topology) shelf: Option<Receiver<ShelfEvent>>,
    /// Models in graph order, and whether the stages that ask them read the lanes.
    pub(in crate::topology) models: Vec<(String, bool)>,
    /// Whether the models run on a GPU: what a load took there is not what this process grew by.
    pub(in crate::topology) on_gpu: bool,
    /// A budget in bytes set while running.
    pub(in crate::topology) budget: Option<u64>,
    /// What earlier readings have left.
    pub(in crate::topology) past: Past,
}

/// What a reading needs of earlier ones.
#[derive(Debug, Default)]
pub(in crate::topology) struct Past {
    memory: MemoryFigures,
    spent: Window<(Spent, Duration)>,
    models: BTreeMap<String, Window<RunTotal>>,
    slowest: BTreeMap<String, Window<(RunTotal, f64)>>,
    cameras: Window<BTreeMap<CameraId, (u64, u64)>>,
    latency: (Elapsed, Percentiles, Percentiles),
}

/// All runs of one model.
#[derive(Clone, Copy, Debug, Default)]
struct RunTotal {
    runs: u64,
    items: u64,
    cpu: Duration,
}

impl Instruments {
    /// One look at everything. `not_taken_over` bytes of ours are free to the governor.
    pub(in crate::topology) fn read(&mut self, at: Elapsed, not_taken_over: u64) -> Reading {
        let counts = self.runs.counts();
        Reading {
            memory: self.memory(not_taken_over),
            compute: self.compute(at, &counts),
            end_to_end: self.end_to_end(at),
            models: self.models(at, &counts),
            cameras: self.cameras(at),
            asking: self.gate.asking(),
            events: self.events(at),
        }
        .rounded()
    }

    /// All there is, in bytes, at the last reading.
    pub(in crate::topology) fn total_memory(&self) -> u64 {
        self.past.memory.total
    }

    /// Everything on the board.
    pub(super) fn scene(&self) -> Snapshot {
        self.board.snapshot(|camera| self.drops.of(camera))
    }

    fn memory(&mut self, not_taken_over: u64) -> Memory {
        self.past.memory = self.meter.read().unwrap_or(self.past.memory);
        let MemoryFigures { ours, free, .. } = self.past.memory;
        let credit = not_taken_over.min(ours);
        Memory { ours: ours - credit, free: free + credit, budget: self.budget }
    }

    /// Networks are what the governor steers; decoding, preparing, tracking, and other processes are "elsewhere".
    fn compute(&mut self, at: Elapsed, counts: &BTreeMap<RunKey, RunCount>) -> Compute {
        let networks: Duration = counts.values().map(|count| count.cpu).sum();
        let now = ((self.processor.spent)(), networks);
        let (first, last, seconds) = self.past.spent.add(at, now);
        let rate = |since: Duration, until: Duration| per_second(until.saturating_sub(since).as_secs_f64(), seconds);
        let ours = rate(first.0.ours, last.0.ours);
        let all = first.0.everybody.zip(last.0.everybody).map_or(ours, |(since, until)| rate(since, until));
        let lanes = self.processor.lanes;
        let others = (all - ours).clamp(0.0, OTHERS_AT_MOST * lanes);
        let for_cameras = (ours - rate(first.1, last.1)).max(0.0);
        Compute { lanes, elsewhere: for_cameras + others, for_cameras }
    }

    fn end_to_end(&mut self, at: Elapsed) -> governor::Latency {
        let (since, older, newer) = &mut self.past.latency;
        if at.ms_since(*since) >= LATENCY_MS {
            (*since, *older, *newer) = (at, *newer, self.latency.take());
        }
        let p95 = older.p95.max(newer.p95).as_secs_f64() * 1e3;
        governor::Latency { p95_ms: p95, count: (older.count + newer.count) as u32 }
    }

    fn models(&mut self, at: Elapsed, counts: &BTreeMap<RunKey, RunCount>) -> Vec<ModelReading> {
        let waiting = self.lanes.depth() as u32;
        let models = self.models.iter();
        models
            .map(|(model, first)| self.past.model(at, model, total(model, counts), if *first { waiting } else { 0 }))
            .collect()
    }

    fn cameras(&mut self, at: Elapsed) -> Vec<CameraReading> {
        let scene = self.scene();
        let seen = scene.cameras.iter().filter(|(_, line)| line.frames > 0);
        let now = seen.map(|(id, line)| (id.clone(), (line.frames, line.drops))).collect();
        let (first, last, seconds) = self.past.cameras.add(at, now);
        let reading = |(id, (frames, drops)): (&CameraId, &(u64, u64))| {
            let (before, dropped) = first.get(id).copied().unwrap_or_default();
            // A camera that was removed and added again counts from zero.
            let (offered, lost) = (frames.saturating_sub(before), drops.saturating_sub(dropped));
            CameraReading {
                camera: id.as_str().into(),
                offered_fps: per_second(offered as f64, seconds),
                served_fps: per_second(offered.saturating_sub(lost) as f64, seconds),
            }
        };
        last.iter().map(reading).collect()
    }

    fn events(&mut self, at: Elapsed) -> Vec<Event> {
        let told = self.shelf.iter().flat_map(Receiver::try_iter);
        told.filter_map(|event| in_words_of_the_governor(event, at, self.on_gpu)).collect()
    }
}

impl Past {
    fn model(&mut self, at: Elapsed, model: &str, now: RunTotal, queue: u32) -> ModelReading {
        let (first, _, seconds) = self.models.entry(model.to_owned()).or_default().add(at, now);
        let (runs, items) = ((now.runs - first.runs) as f64, (now.items - first.items) as f64);
        let cpu_ms = now.cpu.saturating_sub(first.cpu).as_secs_f64() * 1e3;
        ModelReading {
            model: model.into(),
            queue,
            oldest_ms: 0.0,
            offered_per_s: per_second(items, seconds),
            batch_mean: items / runs.max(1.0),
            service_ms: cpu_ms / runs.max(1.0),
            service_p95_ms: self.slowest(at, model, now),
        }
    }

    /// The slowest of the last readings' mean runs: with ten readings a second that stands for a 95th percentile.
    fn slowest(&mut self, at: Elapsed, model: &str, now: RunTotal) -> f64 {
        let window = self.slowest.entry(model.to_owned()).or_default();
        let before = window.newest().map_or(RunTotal::default(), |newest| newest.0);
        let (runs, cpu) = (now.runs - before.runs, now.cpu.saturating_sub(before.cpu));
        let mean = if runs == 0 { 0.0 } else { cpu.as_secs_f64() * 1e3 / runs as f64 };
        window.add(at, (now, mean));
        window.iter().map(|(_, mean)| *mean).fold(0.0, f64::max)
    }
}

fn per_second(amount: f64, seconds: f64) -> f64 {
    if seconds > 0.0 { amount / seconds } else { 0.0 }
}

/// All variants of a model together.
fn total(model: &str, counts: &BTreeMap<RunKey, RunCount>) -> RunTotal {
    let mut total = RunTotal::default();
    for (key, count) in counts.iter().filter(|(key, _)| key.model == model) {
        total.runs += count.runs;
        total.items += count.runs * key.shape[0] as u64;
        total.cpu += count.cpu;
    }
    total
}
