//! The fast loop: how many items to run together now, and whether to wait for more.
//!
//! Batch follows additive increase, multiplicative decrease (Clipper, NSDI 2017) inside what the plan has memory for. The
//! waiting rule (Proteus, ASPLOS 2024) is a pure function a stage's worker calls before every batch. Next:
//! [`thrift`](super::thrift), the same for looks at faces.

use super::reading::ModelReading;

/// A late batch halves the batch in use.
const DECREASE: f64 = 0.5;
/// A good reading with more waiting adds one item.
const INCREASE: f64 = 1.0;
/// A stage below this share of the device's time gains nothing by waiting.
const WORTH_LINGERING: f64 = 0.6;
/// A wait shorter than a thread takes to sleep and wake is no wait.
const SHORTEST_WAIT_MS: f64 = 0.1;

/// The batch of one model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Batch {
    now: f64,
}

impl Batch {
    pub(super) fn new() -> Self {
        Self { now: 1.0 }
    }

    /// Items to run together.
    pub(super) fn size(self, cap: u32) -> u32 {
        (self.now as u32).clamp(1, cap.max(1))
    }

    /// Takes in one reading: `share_ms` is the model's part of the objective, `cap` what memory was set aside for.
    pub(super) fn tune(&mut self, reading: &ModelReading, share_ms: f64, cap: u32) {
        if reading.service_p95_ms > share_ms {
            self.now *= DECREASE;
        } else if f64::from(reading.queue) >= self.now || reading.batch_mean > 0.8 * self.now {
            self.now += INCREASE;
        }
        self.now = self.now.clamp(1.0, f64::from(cap.max(1)));
    }

    /// An allocation failed at this batch.
    pub(super) fn halve(&mut self) {
        self.now = (self.now * DECREASE).max(1.0);
    }
}

/// How many frames may be past detection at once.
///
/// By Little's law what is in flight divided by what comes out is how late it is: when the device cannot keep up, fewer
/// frames in flight keep those that are served in time, and the lanes drop the rest while they are still cheap.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct InFlight {
    now: f64,
}

/// Above this share of the objective fewer frames are let in.
pub(super) const LATE: f64 = 0.8;
/// By this factor a reading: a quarter less in three readings.
const FEWER: f64 = 0.9;
/// Never fewer than this, or a slow model would starve the others.
const LEAST_IN_FLIGHT: f64 = 4.0;

impl InFlight {
    /// Begins with few: how much a frame asks for is not known yet.
    pub(super) fn new(most: u32) -> Self {
        Self { now: LEAST_IN_FLIGHT.min(f64::from(most)) }
    }

    /// Frames that may be in flight.
    pub(super) fn frames(self) -> u32 {
        self.now as u32
    }

    /// Takes in the measured p95 as a share of the objective. Never fewer than the detector's batch: on a device that needs
    /// batches to be quick, fewer would make it slow, and that would call for fewer still.
    pub(super) fn tune(&mut self, latency: f64, batch: u32, most: u32) {
        let least = LEAST_IN_FLIGHT.max(f64::from(batch));
        self.now = if latency > LATE { self.now * FEWER } else { self.now + INCREASE };
        self.now = self.now.max(least).min(f64::from(most));
    }
}

/// How long to let a batch fill, milliseconds: half of what the share leaves after the run itself, and nothing while the
/// device has time to spare or single items run alone.
pub(super) fn linger(batch: u32, batch_ms: f64, share_ms: f64, time: f64) -> f64 {
    if batch <= 1 || time < WORTH_LINGERING {
        return 0.0;
    }
    (0.5 * (share_ms - batch_ms)).max(0.0)
}

/// How much longer to wait for more items, milliseconds; `None`: run what is there.
///
/// `waiting` items, the oldest `oldest_ms` old, with a batch of at most `batch` and at most `linger_ms` to wait. Waits only
/// while the oldest item would still meet `deadline_ms` in a batch one larger, which takes `next_batch_ms`.
pub fn wait_for_more(
    waiting: u32,
    oldest_ms: f64,
    (batch, linger_ms): (u32, f64),
    next_batch_ms: f64,
    deadline_ms: f64,
) -> Option<f64> {
    if waiting == 0 || waiting >= batch {
        return None;
    }
    let slack = deadline_ms - oldest_ms - next_batch_ms;
    let wait = slack.min(linger_ms - oldest_ms);
    (wait > SHORTEST_WAIT_MS).then_some(wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_only_while_the_oldest_still_meets_its_deadline() {
        let dial = (8, 20.0);
        assert_eq!(wait_for_more(3, 5.0, dial, 10.0, 100.0), Some(15.0));
        assert_eq!(wait_for_more(3, 5.0, dial, 10.0, 18.0), Some(3.0));
        assert_eq!(wait_for_more(3, 5.0, dial, 10.0, 15.0), None, "no slack left");
        assert_eq!(wait_for_more(8, 5.0, dial, 10.0, 100.0), None, "full");
        assert_eq!(wait_for_more(3, 20.0, dial, 10.0, 100.0), None, "lingered long enough");
        assert_eq!(wait_for_more(0, 0.0, dial, 10.0, 100.0), None, "nothing to run");
    }

    #[test]
    fn grows_by_one_and_halves_when_late() {
        let mut batch = Batch::new();
        let mut reading = ModelReading {
            model: "detect".into(),
            queue: 9,
            oldest_ms: 1.0,
            offered_per_s: 100.0,
            batch_mean: 1.0,
            service_ms: 10.0,
            service_p95_ms: 12.0,
        };
        (0..5).for_each(|_| batch.tune(&reading, 50.0, 16));
        assert_eq!(batch.size(16), 6);
        reading.service_p95_ms = 60.0;
        batch.tune(&reading, 50.0, 16);
        assert_eq!(batch.size(16), 3);
        assert_eq!(batch.size(2), 2, "never beyond what memory was set aside for");
    }

    #[test]
    fn late_events_never_starve_the_detectors_batch() {
        let mut frames = InFlight::new(64);
        (0..40).for_each(|_| frames.tune(0.5, 1, 64));
        assert_eq!(frames.frames(), 44);
        (0..40).for_each(|_| frames.tune(0.9, 16, 64));
        assert_eq!(frames.frames(), 16);
        (0..40).for_each(|_| frames.tune(0.9, 1, 64));
        assert_eq!(frames.frames(), 4);
        frames.tune(0.9, 16, 8);
        assert_eq!(frames.frames(), 8, "never more than memory is set aside for");
    }
}
