//! What each model costs: measured once, corrected while running, kept between runs.
//!
//! A variant's batch of `n` takes `base_ms + item_ms · n` (Nexus, SOSP 2019: batch latency is close to a line) and holds
//! its weights plus a workspace that grows with the largest batch it has run. Both carry a learned factor, moved by what
//! was really measured. Next: [`reading`](super::reading).

use serde::{Deserialize, Serialize};

use super::names::{ModelName, VariantName};

/// Number format of a variant's weights, the dearest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32-bit floating point.
    Fp32,
    /// 16-bit floating point.
    Fp16,
    /// 8-bit integers.
    Int8,
}

/// Everything known about what the models cost on this device.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// Where it was measured; a profile from another device is a guess.
    #[serde(default)]
    pub device: String,
    /// In pipeline order.
    pub models: Vec<ModelProfile>,
    /// Milliseconds of one lane that a camera's frame takes beside the models: decoding, preparing, tracking. Learned while
    /// running; until then it is believed.
    #[serde(default)]
    pub frame_ms: f64,
}

/// One model and the variants it can run as.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelProfile {
    /// The model's name.
    pub name: ModelName,
    /// What one item at full quality is worth beside the other models' items.
    #[serde(default = "one")]
    pub weight: f64,
    /// Items one camera frame asks for on average; used until it is measured.
    #[serde(default = "one")]
    pub per_frame: f64,
    /// Whether the detect interval thins its work.
    #[serde(default)]
    pub follows_interval: bool,
    /// Whether fewer frames ask it less. A model that looks at a followed face once a second does not.
    #[serde(default = "yes")]
    pub follows_rate: bool,
    /// Threads that run it, each at most one lane's worth; 0 where only the device is a limit.
    #[serde(default)]
    pub workers: u32,
    /// Its share of the latency objective, 0 to 1.
    #[serde(default = "third")]
    pub share: f64,
    /// Batches it may run, smallest first.
    #[serde(default = "one_by_one")]
    pub batches: Vec<u32>,
    /// Its variants, the best first.
    pub variants: Vec<VariantProfile>,
}

fn one() -> f64 {
    1.0
}

fn yes() -> bool {
    true
}

fn third() -> f64 {
    1.0 / 3.0
}

fn one_by_one() -> Vec<u32> {
    vec![1]
}

/// One variant of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VariantProfile {
    /// The variant's name.
    pub name: VariantName,
    /// Number format.
    pub precision: Precision,
    /// Pixels of its input; smaller is the input-size lever.
    #[serde(default)]
    pub pixels: u32,
    /// Declared quality, 0 to 1.
    pub quality: f64,
    /// Milliseconds of one lane for a batch, whatever its size.
    pub base_ms: f64,
    /// Further milliseconds an item.
    pub item_ms: f64,
    /// Bytes held while loaded.
    pub weights: u64,
    /// Further bytes for each item of the largest batch run.
    pub workspace: u64,
    /// Milliseconds from asking for it to being able to use it.
    pub load_ms: f64,
    /// What running it has taught.
    #[serde(default)]
    pub learned: Learned,
}

/// Corrections to a variant's figures.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Learned {
    /// Measured over declared time.
    pub time: f64,
    /// Measured over declared memory.
    pub memory: f64,
    /// Measurements behind `time`.
    pub samples: u32,
}

impl Default for Learned {
    fn default() -> Self {
        Self { time: 1.0, memory: 1.0, samples: 0 }
    }
}

/// A single measurement moves a well-known cost by this share: slow, because short slowness is the device's pace.
const SLOWEST_LEARNING: f64 = 0.01;
/// Learned factors stay within this and its inverse; a measurement beyond is a fault elsewhere, not a cost.
const WIDEST_FACTOR: f64 = 8.0;
/// What an allocation failure adds to the learned memory: a quarter, as one failed attempt says only "more than that".
const OUT_OF_MEMORY_STEP: f64 = 1.25;

impl VariantProfile {
    /// Milliseconds of one lane for a batch of `batch`.
    pub fn batch_ms(&self, batch: f64) -> f64 {
        (self.base_ms + self.item_ms * batch) * self.learned.time
    }

    /// Milliseconds of one lane an item, in batches of `batch`.
    pub fn item_cost_ms(&self, batch: f64) -> f64 {
        self.batch_ms(batch) / batch.max(1.0)
    }

    /// Bytes held once it has run a batch of `batch`.
    pub fn memory(&self, batch: u32) -> f64 {
        (self.weights as f64 + self.workspace as f64 * f64::from(batch)) * self.learned.memory
    }

    /// Learn from a batch that took `ratio` times its expected milliseconds.
    pub(super) fn learn_time(&mut self, ratio: f64) {
        let rate = (1.0 / f64::from(self.learned.samples + 2)).max(SLOWEST_LEARNING);
        let factor = self.learned.time * (1.0 + rate * (ratio - 1.0));
        self.learned.time = factor.clamp(1.0 / WIDEST_FACTOR, WIDEST_FACTOR);
        self.learned.samples = self.learned.samples.saturating_add(1);
    }

    /// Learn from a load that took `bytes`, ready to run `batch`. Halfway, as other things move memory meanwhile.
    pub(super) fn learn_memory(&mut self, batch: u32, bytes: u64) {
        let ratio = bytes as f64 / self.memory(batch).max(1.0);
        self.scale_memory(1.0 + 0.5 * (ratio - 1.0));
    }

    /// Learn from a load that took `ms`. Halfway: loads are few and differ.
    pub(super) fn learn_load(&mut self, ms: f64) {
        self.load_ms = 0.5 * (self.load_ms + ms);
    }

    /// An allocation failed: it needs more than was believed.
    pub(super) fn raise_memory(&mut self) {
        self.scale_memory(OUT_OF_MEMORY_STEP);
    }

    fn scale_memory(&mut self, by: f64) {
        self.learned.memory = (self.learned.memory * by).clamp(1.0 / WIDEST_FACTOR, WIDEST_FACTOR);
    }
}

/// How far one reading moves what a frame takes beside the models: half of it in seven seconds.
const FRAME_STEP: f64 = 0.01;

impl Profile {
    /// Whether any model looks at followed faces.
    pub(super) fn looks_at_followed(&self) -> bool {
        self.models.iter().any(ModelProfile::looks_at_followed)
    }

    /// Learn from `frames` a second that kept `lanes` busy beside the models.
    pub(super) fn learn_frame(&mut self, frames: f64, lanes: f64) {
        if frames >= 1.0 && lanes > 0.0 {
            self.frame_ms += FRAME_STEP * (1000.0 * lanes / frames - self.frame_ms);
        }
    }

    /// Lanes that `frames` a second keep busy beside the models.
    pub(super) fn lanes_beside_models(&self, frames: f64) -> f64 {
        frames * self.frame_ms / 1000.0
    }

    /// Position of a model.
    pub fn model(&self, name: &ModelName) -> Option<usize> {
        self.models.iter().position(|model| &model.name == name)
    }
}

impl ModelProfile {
    /// Whether it looks at followed faces, once every so often: such looks can be put off.
    pub(super) fn looks_at_followed(&self) -> bool {
        !self.follows_rate && !self.follows_interval
    }

    /// Position of a variant.
    pub fn variant(&self, name: &VariantName) -> Option<usize> {
        self.variants.iter().position(|variant| &variant.name == name)
    }
}
