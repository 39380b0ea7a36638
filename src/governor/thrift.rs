//! How sparingly followed faces are looked at.
//!
//! What one frame asks at once is how late that frame is, and what was asked about a known face can wait. Late events make
//! looks dearer at once; they become cheap again slowly, as what was put off comes due then. Next:
//! [`step`](super::step).

use super::fast::LATE;

/// A late reading makes looks this much dearer: two and a half times within a second.
const DEARER: f64 = 1.1;
/// A reading in good time makes them this much cheaper.
const CHEAPER: f64 = 0.98;
/// Below this share of the objective events are in good time.
const EARLY: f64 = 0.7;
/// At most this dear: a face is looked at again after eight times the time that its stage asks for.
const DEAREST: f64 = 8.0;
/// From here on so much is put off that the work measured is well below the work there is.
const MUCH: f64 = 1.5;
/// How dear they begin where the cameras announce more than there is time for.
const CAUTIOUS: f64 = 4.0;

/// The price of a look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Thrift {
    now: f64,
}

impl Thrift {
    pub(super) fn new() -> Self {
        Self { now: 1.0 }
    }

    /// More is announced than can be served at full quality.
    pub(super) fn careful(&mut self) {
        self.now = CAUTIOUS;
    }

    /// Whether much of what is wanted waits, and so is not measured.
    pub(super) fn puts_off(self) -> bool {
        self.now > MUCH
    }

    /// How many times later to look at a face again.
    pub(super) fn again(self) -> f64 {
        self.now
    }

    /// Most faces of one frame to look at, where one takes `item_ms` and the model's share of the objective is `share_ms`.
    pub(super) fn looks(self, share_ms: f64, item_ms: f64) -> u32 {
        ((share_ms / (item_ms.max(1e-3) * self.now)) as u32).max(1)
    }

    /// Takes in the measured p95 as a share of the objective.
    pub(super) fn tune(&mut self, latency: f64) {
        let factor = if latency > LATE {
            DEARER
        } else if latency < EARLY {
            CHEAPER
        } else {
            1.0
        };
        self.now = (self.now * factor).clamp(1.0, DEAREST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_are_put_off_while_events_are_late_and_taken_again_slowly() {
        let mut thrift = Thrift::new();
        let is = |thrift: Thrift, again: f64, looks: u32| {
            assert!((thrift.again() - again).abs() < 1e-9, "{thrift:?}");
            assert_eq!(thrift.looks(80.0, 8.0), looks);
        };
        is(thrift, 1.0, 10);
        (0..30).for_each(|_| thrift.tune(1.2));
        is(thrift, 8.0, 1);
        (0..10).for_each(|_| thrift.tune(0.75));
        is(thrift, 8.0, 1); // neither late nor early: it stays
        assert!(thrift.puts_off());
        (0..50).for_each(|_| thrift.tune(0.1));
        assert!((2.0..4.0).contains(&thrift.again()), "five seconds of calm are half the way: {thrift:?}");
        (0..100).for_each(|_| thrift.tune(0.1));
        is(thrift, 1.0, 10);
        assert!(!thrift.puts_off());
        assert_eq!(thrift.looks(80.0, 500.0), 1, "never none");
    }
}
