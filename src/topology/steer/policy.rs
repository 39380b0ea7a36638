//! `[governor]` of a deployment in the governor's own words.

use crate::config::{self, Budget};
use crate::governor::{Dwell, Lever, Policy, VariantName};

/// Furthest apart two detections may be; beyond four frames a tracker loses people who walk past.
const MOST_SKIPPED: u32 = 3;

/// What a deployment asks for. `interval` is the pipeline's own detect interval, `in_flight` its bound on frames under way,
/// `total` the device's memory in bytes, of which a share may be asked.
pub(in crate::topology) fn policy(asked: &config::Governor, interval: u32, in_flight: u32, total: u64) -> Policy {
    Policy {
        memory_budget: Some(budget_bytes(asked.memory_budget, total)),
        latency_p95_ms: asked.latency_p95.as_secs_f64() * 1e3,
        order: asked.levers.iter().map(|lever| same(*lever)).collect(),
        intervals: (interval..=interval + MOST_SKIPPED).collect(),
        most_in_flight: in_flight,
        allowed: asked.variants.iter().map(|(model, variants)| (model.as_str().into(), names(variants))).collect(),
        optional: asked.optional.iter().map(|model| model.as_str().into()).collect(),
        admit_later: asked.admission == config::Admission::Later,
        dwell: Dwell { upgrade_ms: asked.dwell.as_secs_f64() * 1e3, ..Dwell::default() },
        ..Policy::default()
    }
}

fn names(variants: &[String]) -> Vec<VariantName> {
    variants.iter().map(|variant| variant.as_str().into()).collect()
}

/// A budget in bytes.
fn budget_bytes(budget: Budget, total: u64) -> u64 {
    match budget {
        Budget::Bytes(bytes) => bytes,
        Budget::Share(share) => (total as f64 * f64::from(share)) as u64,
    }
}

fn same(lever: config::Lever) -> Lever {
    match lever {
        config::Lever::Batch => Lever::Batch,
        config::Lever::Interval => Lever::DetectInterval,
        config::Lever::Size => Lever::InputSize,
        config::Lever::Precision => Lever::Precision,
        config::Lever::Stages => Lever::OptionalStages,
        config::Lever::Rate => Lever::CameraRate,
        config::Lever::Admission => Lever::Admission,
    }
}
