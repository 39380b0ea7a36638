//! What an onlooker may know of the governor between two steps: how hard it is pressed, what it is in the middle of, and
//! what it believes this process holds.

use serde::{Deserialize, Serialize};

use super::decide::State;
use super::names::{Elapsed, ModelName, VariantName};
use super::pressure::Pressure;
use super::step::Governor;

/// The governor as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// How hard the run was pressed at the last reading.
    pub pressure: Pressure,
    /// What it is in the middle of.
    pub state: State,
    /// Memory held, as a share of what may be held.
    pub memory: f64,
    /// Time needed, as a share of the lanes left to us.
    pub time: f64,
    /// p95 as a share of the objective; 0 while it still holds the past.
    pub latency: f64,
    /// Loaded variants.
    pub held: Vec<Held>,
    /// Bytes held that no variant explains.
    pub overhead: u64,
}

/// A loaded variant and what it is believed to hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Held {
    /// Which model.
    pub model: ModelName,
    /// Which variant.
    pub variant: VariantName,
    /// The largest batch it was allowed to run.
    pub batch: u32,
    /// Bytes of its weights.
    pub weights: u64,
    /// Bytes it works in, up to that batch.
    pub workspace: u64,
}

impl Governor {
    /// How things stood at the last step.
    pub fn account(&self, now: Elapsed) -> Account {
        let (pressure, load) = self.seen;
        let held = self.ledger.entries().map(|(model, variant, batch)| {
            let model = &self.profile.models[model];
            let variant = &model.variants[variant];
            let weights = variant.weights as f64 * variant.learned.memory;
            Held {
                model: model.name.clone(),
                variant: variant.name.clone(),
                batch,
                weights: weights as u64,
                workspace: (variant.memory(batch) - weights).max(0.0) as u64,
            }
        });
        Account {
            pressure,
            state: self.state(now),
            memory: load.memory,
            time: load.time,
            latency: load.latency,
            held: held.collect(),
            overhead: self.ledger.overhead() as u64,
        }
    }
}
