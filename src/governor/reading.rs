//! What the governor is told, ten times a second: plain numbers that a steering thread can copy out of counters.
//!
//! Nothing here is a handle or a clock, so a run can be written down and decided again. Next:
//! [`pressure`](super::pressure), what the numbers mean.

use serde::{Deserialize, Serialize};

use super::names::{CameraName, ModelName, VariantName};

/// One look at the running pipeline.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// Memory now.
    pub memory: Memory,
    /// Compute now.
    pub compute: Compute,
    /// Capture to event, over the last second or so.
    pub end_to_end: Latency,
    /// One entry a model; a model left out was not measured.
    pub models: Vec<ModelReading>,
    /// Cameras being served.
    pub cameras: Vec<CameraReading>,
    /// Cameras that want to be served, longest-waiting first.
    pub asking: Vec<Asking>,
    /// What happened since the last reading, in order.
    pub events: Vec<Event>,
}

/// Bytes, on the device the models run on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// Held by this process.
    pub ours: u64,
    /// Held by nobody.
    pub free: u64,
    /// A budget set while running; wins over the policy's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<u64>,
}

/// Time on the device the models run on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Compute {
    /// How many model runs proceed at once at full speed: cores, or one for a whole GPU.
    pub lanes: f64,
    /// Lanes kept busy by work the governor does not steer: decoding, tracking, other processes.
    pub elsewhere: f64,
    /// Of these, what this process does for its cameras' frames beside the models; it grows with the cameras.
    #[serde(default)]
    pub for_cameras: f64,
}

/// Latency over a short window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Milliseconds; 0 when nothing was measured.
    pub p95_ms: f64,
    /// Frames measured.
    pub count: u32,
}

/// One model, over the last second or so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelReading {
    /// Which model.
    pub model: ModelName,
    /// Items waiting now.
    pub queue: u32,
    /// How long the oldest of them has waited, milliseconds.
    pub oldest_ms: f64,
    /// Items a second offered to it, served or not; while it passes items through, those too.
    pub offered_per_s: f64,
    /// Items in a mean batch; 0 when nothing ran.
    pub batch_mean: f64,
    /// Milliseconds a mean batch took on its lane.
    pub service_ms: f64,
    /// 95th percentile of the same.
    pub service_p95_ms: f64,
}

/// One camera being served.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CameraReading {
    /// Which camera.
    pub camera: CameraName,
    /// Frames a second it delivers, before any are left out.
    pub offered_fps: f64,
    /// Frames a second that went through the pipeline.
    pub served_fps: f64,
}

/// A camera that wants to be served.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Asking {
    /// Which camera.
    pub camera: CameraName,
    /// Frames a second it will deliver.
    pub fps: f64,
    /// Bytes its decoder will hold.
    pub bytes: u64,
}

/// Something that happened to a variant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// Loaded and able to run.
    Ready {
        /// Which model.
        model: ModelName,
        /// Which variant.
        variant: VariantName,
        /// Bytes the load took, if they could be told apart.
        bytes: Option<u64>,
    },
    /// It did not load.
    Failed {
        /// Which model.
        model: ModelName,
        /// Which variant.
        variant: VariantName,
        /// Whether an allocation failed.
        out_of_memory: bool,
    },
    /// Gone; its memory is back.
    Retired {
        /// Which model.
        model: ModelName,
        /// Which variant.
        variant: VariantName,
    },
    /// An allocation failed while running; the batch was split and run again.
    OutOfMemory {
        /// Which model.
        model: ModelName,
        /// The batch that failed.
        batch: u32,
    },
}

impl Reading {
    /// The same reading with every figure cut to three decimals. Short decimals survive being written and read back bit
    /// for bit, so a log made of rounded readings is decided again exactly.
    #[must_use]
    pub fn rounded(mut self) -> Self {
        round(&mut [&mut self.compute.lanes, &mut self.compute.elsewhere, &mut self.compute.for_cameras]);
        round(&mut [&mut self.end_to_end.p95_ms]);
        for model in &mut self.models {
            round(&mut [&mut model.oldest_ms, &mut model.offered_per_s, &mut model.batch_mean]);
            round(&mut [&mut model.service_ms, &mut model.service_p95_ms]);
        }
        for camera in &mut self.cameras {
            round(&mut [&mut camera.offered_fps, &mut camera.served_fps]);
        }
        for asking in &mut self.asking {
            round(&mut [&mut asking.fps]);
        }
        self
    }

    /// Frames a second that all cameras deliver.
    pub(super) fn offered_fps(&self) -> f64 {
        self.cameras.iter().map(|camera| camera.offered_fps.max(0.0)).sum()
    }

    /// What was measured of `model`.
    pub fn model(&self, model: &ModelName) -> Option<&ModelReading> {
        self.models.iter().find(|reading| &reading.model == model)
    }
}

fn round(figures: &mut [&mut f64]) {
    for figure in figures {
        **figure = (**figure * 1000.0).round() / 1000.0;
    }
}
