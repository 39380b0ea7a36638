//! What the plant shows of itself: the reading a steering thread would take, and the cameras that come and go. Next:
//! [`score`](super::score).

use std::collections::VecDeque;

use crate::governor::{Asking, CameraName, CameraReading, Compute, Latency, Memory, Reading};

use super::plant::Plant;
use super::scenario::MIB;
use super::stage::WINDOW_MS;

impl Plant<'_> {
    /// A reading, rounded as a log would hold it; events are handed out once.
    pub(super) fn reading(&mut self) -> Reading {
        let now = self.now_ms;
        let budget = self.budget();
        let memory =
            Memory { ours: self.store.ours(self.device) as u64, free: self.store.free(self.device) as u64, budget };
        let device = self.device;
        let stages = device.models.iter().zip(&mut self.stages);
        let models = stages.map(|(model, stage)| stage.reading(now, model.name.as_str())).collect();
        let mut reading = Reading {
            memory,
            compute: Compute { lanes: f64::from(device.lanes), elsewhere: 0.0, for_cameras: 0.0 },
            end_to_end: self.end_to_end(),
            models,
            cameras: self.camera_readings(),
            asking: self.asking.clone(),
            events: std::mem::take(&mut self.events),
        };
        // Frames taken from slots are detection's queue.
        reading.models[0].queue = self.waiting_frames();
        reading.rounded()
    }

    /// Only what a setting that never changes looks at: who asks, how many are served, what happened.
    pub(super) fn glance(&mut self) -> Reading {
        let served = self.cameras.iter().filter(|camera| !camera.gone);
        let cameras =
            served.map(|camera| CameraReading { camera: camera.name.clone(), offered_fps: 0.0, served_fps: 0.0 });
        let ours = self.store.ours(self.device) as u64;
        Reading {
            memory: Memory { ours, free: self.store.free(self.device) as u64, budget: self.budget() },
            cameras: cameras.collect(),
            asking: self.asking.clone(),
            events: std::mem::take(&mut self.events),
            ..Reading::default()
        }
    }

    fn budget(&self) -> Option<u64> {
        self.scenario.budget.as_ref().map(|budget| (budget.at(self.now_ms / 1000.0) * MIB) as u64)
    }

    fn end_to_end(&mut self) -> Latency {
        let (p95_ms, count) = self.latencies.p95(self.now_ms);
        Latency { p95_ms, count }
    }

    fn camera_readings(&mut self) -> Vec<CameraReading> {
        let from = self.now_ms - WINDOW_MS;
        let rate = |times: &mut VecDeque<f64>| {
            while times.front().is_some_and(|&at| at < from) {
                times.pop_front();
            }
            times.len() as f64 * 1000.0 / WINDOW_MS
        };
        let served = self.cameras.iter_mut().filter(|camera| !camera.gone);
        served
            .map(|camera| CameraReading {
                camera: camera.name.clone(),
                offered_fps: rate(&mut camera.offered),
                served_fps: rate(&mut camera.served),
            })
            .collect()
    }

    /// Cameras come and go as the scenario wants; `ms` have passed since the last look.
    pub(super) fn populate(&mut self, ms: f64) {
        let wanted = self.scenario.cameras.at(self.now_ms / 1000.0).round() as usize;
        let churn = self.scenario.churn_per_minute * ms / 60_000.0;
        if self.random.f64() < churn {
            self.leave_at_random();
        }
        while self.served_cameras() + self.asking.len() < wanted {
            self.ask();
        }
        while self.served_cameras() + self.asking.len() > wanted {
            if self.asking.pop().is_none() {
                self.leave_at_random();
            }
        }
    }

    /// Cameras being served.
    pub(super) fn served_cameras(&self) -> usize {
        self.cameras.iter().filter(|camera| !camera.gone).count()
    }

    fn ask(&mut self) {
        let camera = CameraName::from(format!("camera-{:03}", self.named).as_str());
        let fps = self.scenario.fps_of(self.named);
        let bytes = (self.device.camera_mib * MIB) as u64;
        self.named += 1;
        self.asking.push(Asking { camera, fps, bytes });
    }

    fn leave_at_random(&mut self) {
        let served: Vec<usize> = (0..self.cameras.len()).filter(|&at| !self.cameras[at].gone).collect();
        if served.is_empty() {
            return;
        }
        let camera = served[self.random.usize(..served.len())];
        self.cameras[camera].gone = true;
        self.cameras[camera].slot = None;
        self.store.remove_camera();
    }
}
