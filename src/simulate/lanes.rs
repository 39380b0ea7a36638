//! What runs when: batches on free lanes, the furthest stage first. Next: [`control`](super::control), what a plan does.

use crate::governor::{Event, wait_for_more};

use super::plant::{Flight, Happening, Plant};

impl Plant<'_> {
    /// Gives free lanes work, the furthest stage first.
    pub(super) fn use_lanes(&mut self) {
        while self.lanes_free > 0 {
            let started = (1..self.stages.len()).rev().any(|stage| self.start_faces(stage)) || self.start_detection();
            if !started {
                return;
            }
        }
    }

    pub(super) fn start_faces(&mut self, stage: usize) -> bool {
        let (waiting, oldest) = {
            let queue = &self.stages[stage].queue;
            (queue.len() as u32, queue.front().map_or(0.0, |item| self.now_ms - item.since_ms))
        };
        if waiting == 0 || self.waits(stage, waiting, oldest) {
            return false;
        }
        let Some(variant) = self.stages[stage].variant else {
            self.pass_through(stage);
            return false;
        };
        let size = self.batch_that_fits(stage, variant).min(waiting);
        let frames: Vec<usize> = self.stages[stage].queue.drain(..size as usize).map(|item| item.frame).collect();
        self.run_batch(stage, variant, frames);
        true
    }

    /// Frames waiting in their slots.
    pub(super) fn waiting_frames(&self) -> u32 {
        self.turns.len() as u32
    }

    pub(super) fn start_detection(&mut self) -> bool {
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
    pub(super) fn waits(&mut self, stage: usize, waiting: u32, oldest_ms: f64) -> bool {
        let model = &self.device.models[stage];
        let dial = &self.stages[stage];
        let next_ms = dial.variant.map_or(0.0, |variant| model.variants[variant].batch_ms(f64::from(waiting + 1)));
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
    pub(super) fn batch_that_fits(&mut self, stage: usize, variant: usize) -> u32 {
        let asked = self.stages[stage].batch.max(1);
        if self.store.grow(self.device, stage, variant, asked) {
            return asked;
        }
        let model = self.device.models[stage].name.clone();
        self.events.push(Event::OutOfMemory { model, batch: asked });
        let held = self.store.find(stage, variant).map_or(1, |at| self.store.held[at].batch);
        self.stages[stage].batch = held;
        held
    }

    pub(super) fn sweep_slots(&mut self, most: u32) -> Vec<usize> {
        let mut frames = Vec::with_capacity(most as usize);
        while frames.len() < most as usize {
            let Some(camera) = self.turns.pop_front() else { break };
            if let Some(captured_ms) = self.cameras[camera].slot.take() {
                frames.push(self.take_off(Flight { camera, captured_ms, out: 0, stage: 0, value: 0.0 }));
            }
        }
        self.out += frames.len() as u32;
        frames
    }

    pub(super) fn take_off(&mut self, flight: Flight) -> usize {
        if let Some(at) = self.spare.pop() {
            self.flights[at] = flight;
            return at;
        }
        self.flights.push(flight);
        self.flights.len() - 1
    }

    pub(super) fn run_batch(&mut self, stage: usize, variant: usize, frames: Vec<usize>) {
        let items = frames.len() as u32;
        let jitter = (1.0 + self.device.jitter * normal(&mut self.random)).max(0.5);
        let slowness = self.scenario.slowness.at(self.now_ms / 1000.0);
        let cost = self.device.models[stage].variants[variant].batch_ms(f64::from(items));
        let took_ms = cost * jitter * slowness;
        self.lanes_free -= 1;
        self.stages[stage].running[variant] += 1;
        self.score.busy(self.now_ms, took_ms);
        self.later(took_ms, Happening::Done { stage, variant, frames, items, took_ms });
    }

    pub(super) fn finish_batch(&mut self, stage: usize, variant: usize, frames: &[usize], items: u32, took_ms: f64) {
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
}

/// A normal deviate: the sum of twelve uniform ones, less six.
fn normal(random: &mut fastrand::Rng) -> f64 {
    (0..12).map(|_| random.f64()).sum::<f64>() - 6.0
}
