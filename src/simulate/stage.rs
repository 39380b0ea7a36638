//! One model's stage in the plant: its queue, its dial, and what it counted in the last second. Next:
//! [`meter`](super::meter).

use std::collections::VecDeque;

use crate::governor::ModelReading;

/// Counters cover this long.
pub(super) const WINDOW_MS: f64 = 1_000.0;

/// An item waiting: the frame it belongs to and since when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    pub(super) frame: usize,
    pub(super) since_ms: f64,
}

/// A stage.
#[derive(Default)]
pub(super) struct Stage {
    pub(super) queue: VecDeque<Item>,
    /// The variant in use; `None` passes items through.
    pub(super) variant: Option<usize>,
    pub(super) batch: u32,
    pub(super) linger_ms: f64,
    /// Most questions one frame asks.
    pub(super) looks: u32,
    /// When a batch that waits for more is run as it is.
    pub(super) wake_ms: f64,
    /// Batches now running on each variant.
    pub(super) running: Vec<u32>,
    offered: VecDeque<(f64, u32)>,
    batches: VecDeque<(f64, u32, f64)>,
}

impl Stage {
    pub(super) fn new(variants: usize) -> Self {
        Self { batch: 1, looks: u32::MAX, running: vec![0; variants], ..Self::default() }
    }

    /// `items` came to this stage, whether it runs or not.
    pub(super) fn offer(&mut self, now_ms: f64, items: u32) {
        if items > 0 {
            self.offered.push_back((now_ms, items));
        }
    }

    /// A batch ran.
    pub(super) fn ran(&mut self, now_ms: f64, items: u32, took_ms: f64) {
        self.batches.push_back((now_ms, items, took_ms));
    }

    /// What a steering thread would read.
    pub(super) fn reading(&mut self, now_ms: f64, model: &str) -> ModelReading {
        let from = now_ms - WINDOW_MS;
        while self.offered.front().is_some_and(|entry| entry.0 < from) {
            self.offered.pop_front();
        }
        while self.batches.front().is_some_and(|entry| entry.0 < from) {
            self.batches.pop_front();
        }
        let ran = self.batches.len().max(1) as f64;
        let mut times: Vec<f64> = self.batches.iter().map(|batch| batch.2).collect();
        ModelReading {
            model: model.into(),
            queue: self.queue.len() as u32,
            oldest_ms: self.queue.front().map_or(0.0, |item| now_ms - item.since_ms),
            offered_per_s: self.offered.iter().map(|entry| f64::from(entry.1)).sum::<f64>() * 1000.0 / WINDOW_MS,
            batch_mean: self.batches.iter().map(|batch| f64::from(batch.1)).sum::<f64>() / ran,
            service_ms: times.iter().sum::<f64>() / ran,
            service_p95_ms: percentile(&mut times, 0.95),
        }
    }
}

/// The `share` quantile; 0 of nothing.
pub(super) fn percentile(figures: &mut [f64], share: f64) -> f64 {
    if figures.is_empty() {
        return 0.0;
    }
    let at = ((figures.len() as f64 * share) as usize).min(figures.len() - 1);
    *figures.select_nth_unstable_by(at, f64::total_cmp).1
}
