//! The plant: cameras, lanes, stages and memory, event by event, from a seed.
//!
//! Built like the pipeline it stands for: one newest-wins slot a camera, permits that bound what is past detection, one
//! queue a stage, batches that run on any free lane, the furthest stage first. A stage without a variant passes its items
//! through unasked. Next: [`control`](super::control), what a plan does to it.

use std::cmp::Ordering;
use std::collections::{BTreeSet, BinaryHeap, VecDeque};

use crate::governor::{Asking, CameraName, Event, wait_for_more};

use super::scenario::{Device, Scenario};
use super::score::Score;
use super::stage::{Item, Stage};
use super::store::Store;

/// What the tracker and everything else that is not a model adds to a frame, milliseconds.
const ELSE_MS: f64 = 3.0;
/// Questions about faces older than this are not asked any more, seconds.
const ASK_WITHIN_S: f64 = 1.0;

/// A frame between its capture and its event.
#[derive(Clone, Debug)]
pub(super) struct Flight {
    pub(super) camera: usize,
    pub(super) captured_ms: f64,
    /// Crops still out at the present stage.
    out: u32,
    stage: usize,
    value: f64,
}

/// A camera being served.
pub(super) struct Camera {
    pub(super) name: CameraName,
    pub(super) fps: f64,
    pub(super) gone: bool,
    /// The newest frame nobody took yet: when it was captured.
    pub(super) slot: Option<f64>,
    frames: u64,
    taken: f64,
    /// Number of the last frame that went through detection, and when.
    detected: Option<(u64, f64)>,
    /// Questions not yet asked, one a face model.
    questions: Vec<f64>,
    pub(super) offered: VecDeque<f64>,
    pub(super) served: VecDeque<f64>,
}

#[derive(Clone, Debug)]
pub(super) enum Happening {
    Frame {
        camera: usize,
    },
    Done {
        stage: usize,
        variant: usize,
        frames: Vec<usize>,
        items: u32,
        took_ms: f64,
    },
    Loaded {
        model: usize,
        variant: usize,
    },
    Gone {
        model: usize,
        variant: usize,
    },
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
    pub(super) in_flight: u32,
    pub(super) events: Vec<Event>,
    pub(super) score: Score,
    pub(super) latencies: VecDeque<(f64, f64)>,
    pub(super) failures: Vec<u32>,
    flights: Vec<Flight>,
    spare: Vec<usize>,
    agenda: BinaryHeap<Entry>,
    order: u64,
    lanes_free: u32,
    out: u32,
    /// Cameras with a frame in their slot, longest waiting first: each gets one turn before any gets two.
    turns: VecDeque<usize>,
}

impl<'a> Plant<'a> {
    pub(super) fn new(scenario: &'a Scenario, device: &'a Device) -> Self {
        Self {
            scenario,
            device,
            now_ms: 0.0,
            random: fastrand::Rng::with_seed(scenario.seed),
            store: Store::new(device),
            stages: device
                .models
                .iter()
                .map(|model| Stage::new(model.variants.len()))
                .collect(),
            cameras: Vec::new(),
            asking: Vec::new(),
            refused: BTreeSet::new(),
            named: 0,
            interval: 1,
            rate: 1.0,
            in_flight: device.permits,
            events: Vec::new(),
            score: Score::new(scenario),
            latencies: VecDeque::new(),
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
        self.agenda.push(Entry {
            at_ms: self.now_ms + in_ms,
            order: self.order,
            what,
        });
    }

    fn happen(&mut self, what: Happening) {
        match what {
            Happening::Frame { camera } => self.capture(camera),
            Happening::Done {
                stage,
                variant,
                frames,
                items,
                took_ms,
            } => {
                self.finish_batch(stage, variant, &frames, items, took_ms);
            }
            Happening::Loaded { model, variant } => self.loaded(model, variant),
            Happening::Gone { model, variant } => self.gone_if_idle(model, variant),
            Happening::Wake => {}
        }
    }

    /// A new camera starts at a random phase.
    pub(super) fn add_camera(&mut self, name: CameraName, fps: f64) {
        let questions = vec![0.0; self.device.models.len() - 1];
        let (offered, served) = (VecDeque::new(), VecDeque::new());
        let camera = Camera {
            name,
            fps,
            gone: false,
            slot: None,
            frames: 0,
            taken: 0.0,
            detected: None,
            questions,
            offered,
            served,
        };
        self.cameras.push(camera);
        let phase = self.random.f64() * 1000.0 / fps;
        self.later(
            phase,
            Happening::Frame {
                camera: self.cameras.len() - 1,
            },
        );
    }

    /// A frame arrives: left out by the rate, tracked over by the interval, or put in its slot over an older one.
    fn capture(&mut self, at: usize) {
        let (now, interval, rate) = (self.now_ms, u64::from(self.interval), self.rate);
        if self.cameras[at].gone {
            return;
        }
        let period = 1000.0 / self.cameras[at].fps;
        let jitter = 1.0 + 0.1 * (self.random.f64() - 0.5);
        self.later(period * jitter, Happening::Frame { camera: at });
        let camera = &mut self.cameras[at];
        camera.offered.push_back(now);
        camera.taken += rate;
        if camera.taken < 1.0 {
            return;
        }
        camera.taken -= 1.0;
        camera.frames += 1;
        let faces = self.scenario.faces.at(now / 1000.0);
        for (question, asks) in camera.questions.iter_mut().zip(&self.device.asks_per_face) {
            *question = (*question + faces * asks / camera.fps).min(faces * asks * ASK_WITHIN_S);
        }
        if interval > 1 && !camera.frames.is_multiple_of(interval) {
            self.track_over(at);
        } else if camera.slot.replace(now).is_some() {
            self.score.dropped += 1;
        } else {
            self.turns.push_back(at);
        }
    }

    /// A frame between detections: worth something while the last detection is fresh.
    fn track_over(&mut self, at: usize) {
        let camera = &self.cameras[at];
        let fresh = camera
            .detected
            .is_some_and(|(frame, _)| camera.frames - frame < 2 * u64::from(self.interval));
        let model = &self.device.models[0];
        if let Some(variant) = self.stages[0].variant.filter(|_| fresh) {
            let value = model.weight * model.variants[variant].quality * self.tracked_worth(at);
            self.served(at, ELSE_MS, value);
        }
    }

    /// The k-th frame since the last detection is worth less with every k.
    fn tracked_worth(&self, at: usize) -> f64 {
        let camera = &self.cameras[at];
        let since = camera.detected.map_or(0, |(frame, _)| camera.frames - frame);
        (1.0 - self.scenario.policy.tracking_loss * since as f64).max(0.0)
    }

    fn served(&mut self, camera: usize, latency_ms: f64, value: f64) {
        self.latencies.push_back((self.now_ms, latency_ms));
        self.cameras[camera].served.push_back(self.now_ms);
        self.score.served(self.now_ms, latency_ms, value);
    }

    /// Gives free lanes work, the furthest stage first.
    fn use_lanes(&mut self) {
        while self.lanes_free > 0 {
            let started = (1..self.stages.len()).rev().any(|stage| self.start_faces(stage)) || self.start_detection();
            if !started {
                return;
            }
        }
    }

    fn start_faces(&mut self, stage: usize) -> bool {
        let (waiting, oldest) = {
            let queue = &self.stages[stage].queue;
            (
                queue.len() as u32,
                queue.front().map_or(0.0, |item| self.now_ms - item.since_ms),
            )
        };
        if waiting == 0 || self.waits(stage, waiting, oldest) {
            return false;
        }
        let Some(variant) = self.stages[stage].variant else {
            self.pass_through(stage);
            return false;
        };
        let size = self.batch_that_fits(stage, variant).min(waiting);
        let frames: Vec<usize> = self.stages[stage]
            .queue
            .drain(..size as usize)
            .map(|item| item.frame)
            .collect();
        self.run_batch(stage, variant, frames);
        true
    }

    /// Frames waiting in their slots.
    pub(super) fn waiting_frames(&self) -> u32 {
        self.turns.len() as u32
    }

    fn start_detection(&mut self) -> bool {
        let Some(variant) = self.stages[0].variant else {
            return false;
        };
        let waiting = self.turns.len() as u32;
        let captured = self.turns.front().and_then(|&camera| self.cameras[camera].slot);
        let oldest = captured.map_or(0.0, |captured| self.now_ms - captured);
        let permits = self.in_flight.min(self.device.permits).saturating_sub(self.out);
        if waiting == 0 || permits == 0 || self.waits(0, waiting, oldest) {
            return false;
        }
        let size = self.batch_that_fits(0, variant).min(permits);
        let frames = self.sweep_slots(size);
        self.run_batch(0, variant, frames);
        true
    }

    /// Whether a batch should wait for more items; arranges to be woken.
    fn waits(&mut self, stage: usize, waiting: u32, oldest_ms: f64) -> bool {
        let model = &self.device.models[stage];
        let dial = &self.stages[stage];
        let next_ms = dial
            .variant
            .map_or(0.0, |variant| model.variants[variant].batch_ms(f64::from(waiting + 1)));
        let deadline = model.share * self.scenario.policy.latency_p95_ms;
        let wait = wait_for_more(waiting, oldest_ms, (dial.batch, dial.linger_ms), next_ms, deadline);
        if let Some(wait) = wait {
            if self.stages[stage].wake_ms <= self.now_ms {
                self.stages[stage].wake_ms = self.now_ms + wait;
                self.later(wait, Happening::Wake);
            }
            return true;
        }
        false
    }

    /// The batch of the dial, or what the workspace holds if growing it failed.
    fn batch_that_fits(&mut self, stage: usize, variant: usize) -> u32 {
        let asked = self.stages[stage].batch.max(1);
        if self.store.grow(self.device, stage, variant, asked) {
            return asked;
        }
        let model = self.device.models[stage].name.clone();
        self.events.push(Event::OutOfMemory { model, batch: asked });
        let held = self
            .store
            .find(stage, variant)
            .map_or(1, |at| self.store.held[at].batch);
        self.stages[stage].batch = held;
        held
    }

    fn sweep_slots(&mut self, most: u32) -> Vec<usize> {
        let mut frames = Vec::with_capacity(most as usize);
        while frames.len() < most as usize {
            let Some(camera) = self.turns.pop_front() else { break };
            if let Some(captured_ms) = self.cameras[camera].slot.take() {
                frames.push(self.take_off(Flight {
                    camera,
                    captured_ms,
                    out: 0,
                    stage: 0,
                    value: 0.0,
                }));
            }
        }
        self.out += frames.len() as u32;
        frames
    }

    fn take_off(&mut self, flight: Flight) -> usize {
        if let Some(at) = self.spare.pop() {
            self.flights[at] = flight;
            return at;
        }
        self.flights.push(flight);
        self.flights.len() - 1
    }

    fn run_batch(&mut self, stage: usize, variant: usize, frames: Vec<usize>) {
        let items = frames.len() as u32;
        let jitter = (1.0 + self.device.jitter * normal(&mut self.random)).max(0.5);
        let slowness = self.scenario.slowness.at(self.now_ms / 1000.0);
        let cost = self.device.models[stage].variants[variant].batch_ms(f64::from(items));
        let took_ms = cost * jitter * slowness;
        self.lanes_free -= 1;
        self.stages[stage].running[variant] += 1;
        self.score.busy(self.now_ms, took_ms);
        self.later(
            took_ms,
            Happening::Done {
                stage,
                variant,
                frames,
                items,
                took_ms,
            },
        );
    }

    fn finish_batch(&mut self, stage: usize, variant: usize, frames: &[usize], items: u32, took_ms: f64) {
        self.lanes_free += 1;
        self.stages[stage].running[variant] -= 1;
        self.stages[stage].ran(self.now_ms, items, took_ms);
        let model = &self.device.models[stage];
        let value = model.weight * model.variants[variant].quality;
        for &frame in frames {
            self.flights[frame].value += value;
            if stage == 0 {
                self.detected(frame);
            } else {
                self.answered(frame);
            }
        }
        self.gone_if_idle(stage, variant);
    }

    /// Detection found the faces there are: every face model is asked the questions that came up since the last time.
    fn detected(&mut self, frame: usize) {
        let at = self.flights[frame].camera;
        let camera = &mut self.cameras[at];
        camera.detected = Some((camera.frames, self.now_ms));
        self.next_stage(frame, 1);
    }

    fn answered(&mut self, frame: usize) {
        self.flights[frame].out -= 1;
        if self.flights[frame].out == 0 {
            let next = self.flights[frame].stage + 1;
            self.next_stage(frame, next);
        }
    }

    /// Moves a frame on to the next stage that has a question about it; past the last, it is done.
    fn next_stage(&mut self, frame: usize, from: usize) {
        for stage in from..self.stages.len() {
            let question = &mut self.cameras[self.flights[frame].camera].questions[stage - 1];
            // Rounding at random keeps the mean and gives bursts their spread.
            let crops = (*question + self.random.f64()).floor().max(0.0);
            *question -= crops;
            self.stages[stage].offer(self.now_ms, crops as u32);
            if crops >= 1.0 && self.stages[stage].variant.is_some() {
                self.flights[frame].out = crops as u32;
                self.flights[frame].stage = stage;
                let item = Item {
                    frame,
                    since_ms: self.now_ms,
                };
                self.stages[stage]
                    .queue
                    .extend(std::iter::repeat_n(item, crops as usize));
                return;
            }
        }
        self.land(frame);
    }

    fn land(&mut self, frame: usize) {
        let flight = self.flights[frame].clone();
        self.out -= 1;
        self.spare.push(frame);
        self.served(flight.camera, self.now_ms - flight.captured_ms + ELSE_MS, flight.value);
    }

    /// A stage lost its variant with items waiting: they go on unasked.
    fn pass_through(&mut self, stage: usize) {
        while let Some(item) = self.stages[stage].queue.pop_front() {
            self.answered(item.frame);
        }
    }
}

/// A normal deviate: the sum of twelve uniform ones, less six.
fn normal(random: &mut fastrand::Rng) -> f64 {
    (0..12).map(|_| random.f64()).sum::<f64>() - 6.0
}
