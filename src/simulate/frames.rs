//! What happens to a frame: captured, tracked over or detected, asked about stage after stage, landed. Next:
//! [`lanes`](super::lanes).

use std::collections::VecDeque;

use crate::governor::CameraName;

use super::plant::{Camera, Happening, Plant};
use super::stage::Item;

/// What the tracker and everything else that is not a model adds to a frame, milliseconds.
const ELSE_MS: f64 = 3.0;
/// Questions about faces older than this are not asked any more, seconds.
const ASK_WITHIN_S: f64 = 1.0;

impl Plant<'_> {
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
        self.later(phase, Happening::Frame { camera: self.cameras.len() - 1 });
    }

    /// A frame arrives: left out by the rate, tracked over by the interval, or put in its slot over an older one.
    pub(super) fn capture(&mut self, at: usize) {
        let (now, interval, rate) = (self.now_ms, u64::from(self.interval), self.rate);
        if self.cameras[at].gone {
            return;
        }
        let period = 1000.0 / self.cameras[at].fps;
        let jitter = 1.0 + 0.1 * (self.random.f64() - 0.5);
        self.later(period * jitter, Happening::Frame { camera: at });
        let camera = &mut self.cameras[at];
        camera.offered.push_back(now);
        let faces = self.scenario.faces.at(now / 1000.0);
        for (question, asks) in camera.questions.iter_mut().zip(&self.device.asks_per_face) {
            let asks = faces * asks / self.again;
            *question = (*question + asks / camera.fps).min(asks * ASK_WITHIN_S);
        }
        camera.taken += rate;
        if camera.taken < 1.0 {
            return;
        }
        camera.taken -= 1.0;
        camera.frames += 1;
        self.score.asked(now);
        if interval > 1 && !camera.frames.is_multiple_of(interval) {
            self.track_over(at);
        } else if camera.slot.replace(now).is_some() {
            self.score.dropped += 1;
        } else {
            self.turns.push_back(at);
        }
    }

    /// A frame between detections: worth something while the last detection is fresh.
    pub(super) fn track_over(&mut self, at: usize) {
        let camera = &self.cameras[at];
        let fresh = camera.detected.is_some_and(|(frame, _)| camera.frames - frame < 2 * u64::from(self.interval));
        let model = &self.device.models[0];
        if let Some(variant) = self.stages[0].variant.filter(|_| fresh) {
            let value = model.weight * model.variants[variant].quality * self.tracked_worth(at);
            self.served(at, ELSE_MS, value);
        }
    }

    /// The k-th frame since the last detection is worth less with every k.
    pub(super) fn tracked_worth(&self, at: usize) -> f64 {
        let camera = &self.cameras[at];
        let since = camera.detected.map_or(0, |(frame, _)| camera.frames - frame);
        (1.0 - self.scenario.policy.tracking_loss * since as f64).max(0.0)
    }

    pub(super) fn served(&mut self, camera: usize, latency_ms: f64, value: f64) {
        self.latencies.add(self.now_ms, latency_ms);
        self.cameras[camera].served.push_back(self.now_ms);
        self.score.served(self.now_ms, latency_ms, value);
    }

    /// Detection found the faces there are: every face model is asked the questions that came up since the last time.
    pub(super) fn detected(&mut self, frame: usize) {
        let at = self.flights[frame].camera;
        let camera = &mut self.cameras[at];
        camera.detected = Some((camera.frames, self.now_ms));
        self.next_stage(frame, 1);
    }

    pub(super) fn answered(&mut self, frame: usize) {
        self.flights[frame].out -= 1;
        if self.flights[frame].out == 0 {
            let next = self.flights[frame].stage + 1;
            self.next_stage(frame, next);
        }
    }

    /// Moves a frame on to the next stage that has a question about it; past the last, it is done.
    pub(super) fn next_stage(&mut self, frame: usize, from: usize) {
        for stage in from..self.stages.len() {
            let question = &mut self.cameras[self.flights[frame].camera].questions[stage - 1];
            // Rounding at random keeps the mean and gives bursts their spread.
            let looks = f64::from(self.stages[stage].looks);
            let crops = (*question + self.random.f64()).floor().clamp(0.0, looks);
            *question -= crops;
            self.stages[stage].offer(self.now_ms, crops as u32);
            if crops >= 1.0 && self.stages[stage].variant.is_some() {
                self.flights[frame].out = crops as u32;
                self.flights[frame].stage = stage;
                let item = Item { frame, since_ms: self.now_ms };
                self.stages[stage].queue.extend(std::iter::repeat_n(item, crops as usize));
                return;
            }
        }
        self.land(frame);
    }

    pub(super) fn land(&mut self, frame: usize) {
        let flight = self.flights[frame].clone();
        self.out -= 1;
        self.spare.push(frame);
        self.served(flight.camera, self.now_ms - flight.captured_ms + ELSE_MS, flight.value);
    }

    /// A stage lost its variant with items waiting: they go on unasked.
    pub(super) fn pass_through(&mut self, stage: usize) {
        while let Some(item) = self.stages[stage].queue.pop_front() {
            self.answered(item.frame);
        }
    }
}
