//! What a deployment asks of the governor: how much memory, how late an event may be, and what to give up first.
//!
//! Plain numbers with defaults, so that a configuration file can embed it and change one line. Next:
//! [`profile`](super::profile), what each model costs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::names::{ModelName, VariantName};

/// A thing the governor can give up, cheapest first in the default order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lever {
    /// How many items run together and how long to wait for them. Always available, wherever the order names it.
    Batch,
    /// Detect on every n-th frame; the tracker fills in.
    DetectInterval,
    /// A variant with a smaller input.
    InputSize,
    /// A variant with a cheaper number format.
    Precision,
    /// Stages the deployment can do without.
    OptionalStages,
    /// A share of each camera's frames.
    CameraRate,
    /// Refuse new cameras.
    Admission,
}

/// What the deployment asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Bytes this process may hold; `None` takes whatever the device has.
    pub memory_budget: Option<u64>,
    /// 95 of 100 frames are through the pipeline after this many milliseconds.
    pub latency_p95_ms: f64,
    /// Variants a model may use; a model not named may use all of its variants.
    pub allowed: BTreeMap<ModelName, Vec<VariantName>>,
    /// Stages that may be switched off, the first to go first.
    pub optional: Vec<ModelName>,
    /// What to give up first. A lever left out is never pulled.
    pub order: Vec<Lever>,
    /// Weigh detect interval, input size, precision, optional stages and looks put off against each other by declared
    /// quality; `false`: strictly in `order`. Camera rate and admission always keep the order.
    pub weigh: bool,
    /// Quality the k-th frame since the last detection loses, as a share of k: what `weigh` puts on the interval's side.
    pub tracking_loss: f64,
    /// Detect on every n-th frame: the steps, smallest first.
    pub intervals: Vec<u32>,
    /// Shares of each camera's frames: the steps, largest first.
    pub rates: Vec<f64>,
    /// Frames past detection at once, at most: what memory is set aside for.
    pub most_in_flight: u32,
    /// A camera refused once is admitted by itself when room appears.
    pub admit_later: bool,
    /// Where pressure begins and ends.
    pub water: Water,
    /// How long to wait before asking for more.
    pub dwell: Dwell,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            memory_budget: None,
            latency_p95_ms: 250.0,
            allowed: BTreeMap::new(),
            optional: Vec::new(),
            order: vec![
                Lever::Batch,
                Lever::DetectInterval,
                Lever::InputSize,
                Lever::Precision,
                Lever::OptionalStages,
                Lever::CameraRate,
                Lever::Admission,
            ],
            weigh: true,
            tracking_loss: 0.08,
            intervals: vec![1, 2, 3, 4],
            rates: vec![1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.45, 0.4, 0.35, 0.3, 0.25, 0.2],
            most_in_flight: 64,
            admit_later: true,
            water: Water::default(),
            dwell: Dwell::default(),
        }
    }
}

impl Policy {
    /// Whether `model` may use `variant`.
    pub fn allows(&self, model: &ModelName, variant: &VariantName) -> bool {
        self.allowed.get(model).is_none_or(|list| list.contains(variant))
    }

    /// Mean quality of all frames when one in `interval` is detected, beside all of them being.
    pub fn interval_worth(&self, interval: u32) -> f64 {
        let skipped = f64::from(interval.saturating_sub(1));
        (1.0 - 0.5 * self.tracking_loss * skipped).max(0.0)
    }

    /// Whether the deployment lets this lever be pulled at all.
    pub fn has(&self, lever: Lever) -> bool {
        self.order.contains(&lever)
    }
}

/// High and low water, as shares. `high` starts a step down, the step aims at `target`, and a step up must end under
/// `low`: three marks instead of one keep a load that sits on a mark from swinging the plan.
///
/// Memory is a share of what this process may hold; time is a share of the device's lanes. Memory's marks are lower
/// because running out is an error, while running out of time only drops frames.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Water {
    /// Above this share of memory the plan steps down.
    pub memory_high: f64,
    /// A step down ends at or below this share of memory.
    pub memory_target: f64,
    /// A step up must end at or below this share of memory.
    pub memory_low: f64,
    /// Above this share of the lanes' time the plan steps down.
    pub time_high: f64,
    /// A step down ends at or below this share of time.
    pub time_target: f64,
    /// A step up must end at or below this share of time.
    pub time_low: f64,
}

impl Default for Water {
    fn default() -> Self {
        Self {
            memory_high: 0.965,
            memory_target: 0.955,
            memory_low: 0.91,
            time_high: 0.97,
            time_target: 0.93,
            time_low: 0.90,
        }
    }
}

/// Bytes left free above the high water, however small the budget: what a process holds wanders by some MiB by itself.
const LEAST_FREE: f64 = 16.0 * 1024.0 * 1024.0;

impl Water {
    /// The marks where `ceiling` bytes may be held.
    pub(super) fn of(self, ceiling: f64) -> Self {
        let highest = 1.0 - LEAST_FREE / ceiling.max(2.0 * LEAST_FREE);
        let lower = (self.memory_high - highest).max(0.0);
        let mark = |mark: f64| (mark - lower).max(0.0);
        Self {
            memory_high: mark(self.memory_high),
            memory_target: mark(self.memory_target),
            memory_low: mark(self.memory_low),
            ..self
        }
    }
}

/// Down fast, up slow: the waits, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Dwell {
    /// Between two steps up, and between a step down and the next step up.
    pub upgrade_ms: f64,
    /// A step down this soon after a step up says the step up was a mistake; the dwell doubles.
    pub flap_window_ms: f64,
    /// The dwell never grows past this.
    pub longest_ms: f64,
    /// After a step, measured latency still holds the past; it is not acted on for this long.
    pub settle_ms: f64,
    /// A model may pass items through unasked for this long while one variant is dropped to make room for a better one.
    pub longest_gap_ms: f64,
}

impl Default for Dwell {
    fn default() -> Self {
        Self {
            upgrade_ms: 5_000.0,
            flap_window_ms: 12_000.0,
            longest_ms: 120_000.0,
            settle_ms: 1_500.0,
            longest_gap_ms: 1_000.0,
        }
    }
}
