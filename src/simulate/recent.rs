//! The latencies of the last second, as a histogram that forgets: a percentile ten times a second without sorting.
//! Next: [`meter`](super::meter).

use std::collections::VecDeque;

use super::stage::WINDOW_MS;

/// Buckets of a millisecond; what is later than the last counts as that.
const BUCKETS: usize = 4_000;

/// Latencies seen in the last second.
pub(super) struct Recent {
    seen: VecDeque<(f64, u16)>,
    counts: Vec<u32>,
}

impl Recent {
    pub(super) fn new() -> Self {
        Self { seen: VecDeque::new(), counts: vec![0; BUCKETS] }
    }

    pub(super) fn add(&mut self, now_ms: f64, latency_ms: f64) {
        let bucket = (latency_ms.ceil() as usize).min(BUCKETS - 1);
        self.counts[bucket] += 1;
        self.seen.push_back((now_ms, bucket as u16));
    }

    /// The 95th percentile, rounded up to a millisecond, and how many were seen.
    pub(super) fn p95(&mut self, now_ms: f64) -> (f64, u32) {
        while let Some(&(at, bucket)) = self.seen.front().filter(|(at, _)| *at < now_ms - WINDOW_MS) {
            debug_assert!(at <= now_ms);
            self.counts[usize::from(bucket)] -= 1;
            self.seen.pop_front();
        }
        let mut above = (self.seen.len() as f64 * 0.05).ceil() as u32;
        if self.seen.is_empty() {
            return (0.0, 0);
        }
        let mut bucket = BUCKETS;
        while bucket > 0 && above > 0 {
            bucket -= 1;
            above = above.saturating_sub(self.counts[bucket]);
        }
        (bucket as f64, self.seen.len() as u32)
    }
}
