//! What a stage counts about itself while it runs, and how long frames took from capture to the end of the graph.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use hdrhistogram::Histogram;

/// One stage's counters.
#[derive(Debug, Default)]
pub struct StageFigures {
    calls: AtomicU64,
    items: AtomicU64,
    cpu_ns: AtomicU64,
    busy_ns: AtomicU64,
}

/// A stage's counters at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StageTotals {
    /// Batches processed.
    pub calls: u64,
    /// Packets processed.
    pub items: u64,
    /// CPU time of the stage's thread while processing.
    pub cpu: Duration,
    /// Wall time spent processing.
    pub busy: Duration,
}

impl StageFigures {
    /// Counts one batch.
    pub fn add(&self, items: usize, cpu: Duration, busy: Duration) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.items.fetch_add(items as u64, Ordering::Relaxed);
        self.cpu_ns.fetch_add(cpu.as_nanos() as u64, Ordering::Relaxed);
        self.busy_ns.fetch_add(busy.as_nanos() as u64, Ordering::Relaxed);
    }

    /// The counters now.
    pub fn totals(&self) -> StageTotals {
        StageTotals {
            calls: self.calls.load(Ordering::Relaxed),
            items: self.items.load(Ordering::Relaxed),
            cpu: Duration::from_nanos(self.cpu_ns.load(Ordering::Relaxed)),
            busy: Duration::from_nanos(self.busy_ns.load(Ordering::Relaxed)),
        }
    }
}

/// Latencies in microseconds, from 1 µs to 60 s with two significant digits.
#[derive(Debug)]
pub struct Latency {
    histogram: Mutex<Histogram<u64>>,
}

/// Percentiles of what was recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Percentiles {
    /// How many were recorded.
    pub count: u64,
    /// Half were faster.
    pub p50: Duration,
    /// 95 of 100 were faster.
    pub p95: Duration,
    /// 99 of 100 were faster.
    pub p99: Duration,
}

const LONGEST_US: u64 = 60_000_000;

impl Default for Latency {
    fn default() -> Self {
        let histogram =
            Histogram::new_with_bounds(1, LONGEST_US, 2).unwrap_or_else(|_| unreachable!("bounds are constants"));
        Self { histogram: Mutex::new(histogram) }
    }
}

impl Latency {
    /// Records one; longer than a minute counts as a minute.
    pub fn record(&self, latency: Duration) {
        let us = (latency.as_micros() as u64).clamp(1, LONGEST_US);
        self.histogram.lock().unwrap_or_else(PoisonError::into_inner).saturating_record(us);
    }

    /// What was recorded since the last reset.
    pub fn percentiles(&self) -> Percentiles {
        let histogram = self.histogram.lock().unwrap_or_else(PoisonError::into_inner);
        let at = |quantile| Duration::from_micros(histogram.value_at_quantile(quantile));
        Percentiles { count: histogram.len(), p50: at(0.50), p95: at(0.95), p99: at(0.99) }
    }

    /// What was recorded since the last call of this function; then starts anew.
    pub fn take(&self) -> Percentiles {
        let now = self.percentiles();
        self.histogram.lock().unwrap_or_else(PoisonError::into_inner).reset();
        now
    }
}
