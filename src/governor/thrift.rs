//! How sparingly followed faces are looked at.
//!
//! What one frame asks at once is how late that frame is, and what was asked about a known face can wait. Late events make
//! looks dearer at once; they become cheaper again as fast as there is time for them, down to what the variants in force have
//! time for (see [`sparing`](super::sparing)). Next: [`step`](super::step).

use std::collections::VecDeque;

use super::fast::LATE;
use super::names::Elapsed;

/// A late reading makes looks this much dearer: two and a half times within a second.
const DEARER: f64 = 1.1;
/// A reading in good time takes back this share of what is not needed: two thirds within a second.
const TAKEN_BACK: f64 = 0.1;
/// And at least this share of the whole.
const CHEAPER: f64 = 0.02;
/// Below this share of the objective events are in good time.
const EARLY: f64 = 0.7;
/// At most this dear: a face is looked at again after eight times the time that its stage asks for.
pub(super) const DEAREST: f64 = 8.0;
/// How dear they begin where the cameras announce more than there is time for.
const CAUTIOUS: f64 = 4.0;
/// Counters of looks cover this long.
const WINDOW_MS: f64 = 1_000.0;

/// The price of a look.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Thrift {
    now: f64,
    /// What it has to be for the variants in force.
    needed: f64,
    /// Share of the looks that was asked for, at the readings of the last second.
    lately: VecDeque<(Elapsed, f64)>,
}

impl Thrift {
    pub(super) fn new() -> Self {
        Self { now: 1.0, needed: 1.0, lately: VecDeque::new() }
    }

    /// More is announced than can be served at full quality.
    pub(super) fn careful(&mut self) {
        self.now = CAUTIOUS;
    }

    /// Takes in a reading: how many times more looks it would have counted, had none been put off.
    pub(super) fn spared(&mut self, now: Elapsed) -> f64 {
        while self.lately.front().is_some_and(|(at, _)| now.ms_since(*at) > WINDOW_MS) {
            self.lately.pop_front();
        }
        self.lately.push_back((now, 1.0 / self.now));
        self.lately.len() as f64 / self.lately.iter().map(|(_, share)| share).sum::<f64>()
    }

    /// The variants in force have time for looks `needed` times later, and not for more.
    pub(super) fn needs(&mut self, needed: f64) {
        self.needed = needed;
        self.now = self.now.max(needed);
    }

    /// How many times later to look at a face again.
    pub(super) fn again(&self) -> f64 {
        self.now
    }

    /// Most faces of one frame to look at, where one takes `item_ms` and the model's share of the objective is `share_ms`.
    pub(super) fn looks(&self, share_ms: f64, item_ms: f64) -> u32 {
        ((share_ms / (item_ms.max(1e-3) * self.now)) as u32).max(1)
    }

    /// Takes in the measured p95 as a share of the objective.
    pub(super) fn tune(&mut self, latency: f64) {
        if latency > LATE {
            self.now *= DEARER;
        } else if latency < EARLY {
            let back = (TAKEN_BACK * (self.now - self.needed)).max(CHEAPER * self.now);
            self.now -= back;
        }
        self.now = self.now.clamp(self.needed, DEAREST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_are_put_off_while_events_are_late_and_taken_again_more_slowly() {
        let mut thrift = Thrift::new();
        let is = |thrift: &Thrift, again: f64, looks: u32| {
            assert!((thrift.again() - again).abs() < 1e-9, "{thrift:?}");
            assert_eq!(thrift.looks(80.0, 8.0), looks);
        };
        is(&thrift, 1.0, 10);
        (0..30).for_each(|_| thrift.tune(1.2));
        is(&thrift, 8.0, 1);
        (0..10).for_each(|_| thrift.tune(0.75));
        is(&thrift, 8.0, 1); // neither late nor early: it stays
        (0..10).for_each(|_| thrift.tune(0.1));
        assert!((3.0..4.0).contains(&thrift.again()), "a second of calm: {thrift:?}");
        (0..50).for_each(|_| thrift.tune(0.1));
        is(&thrift, 1.0, 10);
        assert_eq!(thrift.looks(80.0, 500.0), 1, "never none");
    }

    #[test]
    fn looks_the_variants_have_no_time_for_stay_put_off() {
        let mut thrift = Thrift::new();
        thrift.needs(3.0);
        (0..100).for_each(|_| thrift.tune(0.1));
        assert!((thrift.again() - 3.0).abs() < 1e-9);
        thrift.needs(1.5);
        (0..100).for_each(|_| thrift.tune(0.1));
        assert!((thrift.again() - 1.5).abs() < 1e-9);
    }

    #[test]
    fn what_was_asked_for_is_reckoned_from_what_was_not_put_off() {
        let (mut thrift, at) = (Thrift::new(), |tenth: u32| Elapsed::from_ms(f64::from(tenth) * 100.0));
        assert!((0..20).all(|tenth| (thrift.spared(at(tenth)) - 1.0).abs() < 1e-9));
        thrift.needs(4.0);
        let half = (20..25).map(|tenth| thrift.spared(at(tenth))).last().unwrap();
        assert!((1.3..2.0).contains(&half), "half of the second's counters are from before: {half}");
        let whole = (25..40).map(|tenth| thrift.spared(at(tenth))).last().unwrap();
        assert!((whole - 4.0).abs() < 1e-9);
    }
}
