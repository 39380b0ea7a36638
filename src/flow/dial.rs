//! What can be turned while the graph runs. The graph of stages is fixed for a run; its dials are not.

use std::{
    sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering},
    time::Duration,
};

/// One stage's dials. Read by its worker and by the stage before every batch; turned by the governor or an operator.
#[derive(Debug)]
pub struct Dial {
    max_batch: AtomicUsize,
    linger_us: AtomicU64,
    interval: AtomicU32,
    enabled: AtomicBool,
    looks: AtomicUsize,
    again_percent: AtomicU32,
}

impl Dial {
    /// Batches of up to `max_batch` packets, waiting up to `linger` for more once the first is there.
    pub fn new(max_batch: usize, linger: Duration) -> Self {
        Self {
            max_batch: AtomicUsize::new(max_batch.max(1)),
            linger_us: AtomicU64::new(linger.as_micros() as u64),
            interval: AtomicU32::new(1),
            enabled: AtomicBool::new(true),
            looks: AtomicUsize::new(usize::MAX),
            again_percent: AtomicU32::new(100),
        }
    }

    /// Most packets in a batch, at least one.
    pub fn max_batch(&self) -> usize {
        self.max_batch.load(Ordering::Relaxed)
    }

    /// How long to wait for a fuller batch.
    pub fn linger(&self) -> Duration {
        Duration::from_micros(self.linger_us.load(Ordering::Relaxed))
    }

    /// The stage looks at every n-th frame of a camera, n at least one.
    pub fn interval(&self) -> u32 {
        self.interval.load(Ordering::Relaxed)
    }

    /// Whether an optional stage does its work; packets pass it untouched when not.
    pub fn enabled(&self) -> bool {
        self.enabled.load(Ordering::Relaxed)
    }

    /// Most faces of one frame to look at, at least one; the others' turn comes with the next frames.
    pub fn looks(&self) -> usize {
        self.looks.load(Ordering::Relaxed)
    }

    /// How many times later than its settings say the stage looks at a face again, at least 1.
    pub fn again(&self) -> f64 {
        f64::from(self.again_percent.load(Ordering::Relaxed)) / 100.0
    }

    /// Changes the batch size and the linger.
    pub fn set_batching(&self, max_batch: usize, linger: Duration) {
        self.max_batch.store(max_batch.max(1), Ordering::Relaxed);
        self.linger_us.store(linger.as_micros() as u64, Ordering::Relaxed);
    }

    /// Changes the interval.
    pub fn set_interval(&self, interval: u32) {
        self.interval.store(interval.max(1), Ordering::Relaxed);
    }

    /// Changes how sparingly faces are looked at.
    pub fn set_looks(&self, most_a_frame: usize, again: f64) {
        self.looks.store(most_a_frame.max(1), Ordering::Relaxed);
        self.again_percent.store((again.max(1.0) * 100.0) as u32, Ordering::Relaxed);
    }

    /// Switches an optional stage on or off.
    pub fn set_enabled(&self, enabled: bool) {
        self.enabled.store(enabled, Ordering::Relaxed);
    }
}
