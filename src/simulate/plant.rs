//! The plant: cameras, lanes, stages and memory, event by event, from a seed.
//!
//! Built like the pipeline it stands for: one newest-wins slot a camera, permits that bound what is past detection, one
//! queue a stage, batches that run on any free lane, the furthest stage first. A stage without a variant passes its items
//! through unasked. Next: [`frames`](super::frames), what
//! happens to a frame.

use std::cmp::Ordering;
use std::collections::{BTreeSet, BinaryHeap, VecDeque};

use crate::governor::{Asking, CameraName, Event};

use super::recent::Recent;
use super::scenario::{Device, Scenario};
use super::score::Score;
use super::stage::Stage;
use super::store::Store;

/// A frame between its capture and its event.
#[derive(Clone, Debug)]
pub(super) struct Flight {
    pub(super) camera: usize,
    pub(super) captured_ms: f64,
    /// Crops still out at the present stage.
    pub(super) out: u32,
    pub(super) stage: usize,
    pub(super) value: f64,
}

/// A camera being served.
pub(super) struct Camera {
    pub(super) name: CameraName,
    pub(super) fps: f64,
    pub(super) gone: bool,
    /// The newest frame nobody took yet: when it was captured.
    pub(super) slot: Option<f64>,
    pub(super) frames: u64,
    pub(super) taken: f64,
    /// Number of the last frame that went through detection, and when.
    pub(super) detected: Option<(u64, f64)>,
    /// Questions not yet asked, one a face model.
    pub(super) questions: Vec<f64>,
    pub(super) offered: VecDeque<f64>,
    pub(super) served: VecDeque<f64>,
}

#[derive(Clone, Debug)]
pub(super) enum Happening {
    Frame { camera: usize },
    Done { stage: usize, variant: usize, frames: Vec<usize>, items: u32, took_ms: f64 },
    Loaded { model: usize, variant: usize },
    Gone { model: usize, variant: usize },
    Wake,
}

struct Entry {
    at_ms: f64,
    order: u64,
    what: Happening,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Entry {}
impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        other.at_ms.total_cmp(&self.at_ms).then(other.order.cmp(&self.order))
    }
}

/// The plant.
pub(super) struct Plant<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) device: &'a Device,
    pub(super) now_ms: f64,
    pub(super) random: fastrand::Rng,
    pub(super) store: Store,
    pub(super) stages: Vec<Stage>,
    pub(super) cameras: Vec<Camera>,
    pub(super) asking: Vec<Asking>,
    pub(super) refused: BTreeSet<CameraName>,
    pub(super) named: usize,
    pub(super) interval: u32,
    pub(super) rate: f64,
    /// Known faces are asked about this many times later.
    pub(super) again: f64,
    pub(super) in_flight: u32,
    pub(super) events: Vec<Event>,
    pub(super) score: Score,
    pub(super) latencies: Recent,
    pub(super) failures: Vec<u32>,
    pub(super) flights: Vec<Flight>,
    pub(super) spare: Vec<usize>,
    agenda: BinaryHeap<Entry>,
    order: u64,
    pub(super) lanes_free: u32,
    pub(super) out: u32,
    /// Cameras with a frame in their slot, longest waiting first: each gets one turn before any gets two.
    pub(super) turns: VecDeque<usize>,
}

impl<'a> Plant<'a> {
    pub(super) fn new(scenario: &'a Scenario, device: &'a Device) -> Self {
        Self {
            scenario,
            device,
            now_ms: 0.0,
            random: fastrand::Rng::with_seed(scenario.seed),
            store: Store::new(device),
            stages: device.models.iter().map(|model| Stage::new(model.variants.len())).collect(),
            cameras: Vec::new(),
            asking: Vec::new(),
            refused: BTreeSet::new(),
            named: 0,
            interval: 1,
            rate: 1.0,
            again: 1.0,
            in_flight: device.permits,
            events: Vec::new(),
            score: Score::new(scenario),
            latencies: Recent::new(),
            failures: scenario.failures.iter().map(|failure| failure.times).collect(),
            flights: Vec::new(),
            spare: Vec::new(),
            agenda: BinaryHeap::new(),
            order: 0,
            lanes_free: device.lanes,
            out: 0,
            turns: VecDeque::new(),
        }
    }

    /// Runs until `until_ms`.
    pub(super) fn run_until(&mut self, until_ms: f64) {
        while self.agenda.peek().is_some_and(|entry| entry.at_ms <= until_ms) {
            let Some(entry) = self.agenda.pop() else { break };
            self.now_ms = entry.at_ms;
            self.happen(entry.what);
            self.use_lanes();
        }
        self.now_ms = until_ms;
    }

    pub(super) fn later(&mut self, in_ms: f64, what: Happening) {
        self.order += 1;
        self.agenda.push(Entry { at_ms: self.now_ms + in_ms, order: self.order, what });
    }

    fn happen(&mut self, what: Happening) {
        match what {
            Happening::Frame { camera } => self.capture(camera),
            Happening::Done { stage, variant, frames, items, took_ms } => {
                self.finish_batch(stage, variant, &frames, items, took_ms);
            }
            Happening::Loaded { model, variant } => self.loaded(model, variant),
            Happening::Gone { model, variant } => self.gone_if_idle(model, variant),
            Happening::Wake => {}
        }
    }
}
