//! What was asked for in the last seconds, so that a step up outlasts the next wave. Next: [`pace`](super::pace), how fast the
//! device is.

use std::collections::VecDeque;

use super::names::Elapsed;

/// A step up is measured against what was asked for in the last seconds, so many of them: a crowd that comes back every few
/// seconds must not find the plan raised each time.
const REMEMBERED_S: usize = 10;
/// What was asked for in fewer of these seconds than this was a backlog being worked off, or noise.
const OFTEN: usize = 3;
/// Frames of so many seconds ago are compared with, and so many times as many are more.
const GROWTH_S: usize = 5;
/// See [`GROWTH_S`].
const GROWTH: f64 = 1.02;

/// The last seconds, the present one first.
#[derive(Clone, Debug, Default)]
pub(super) struct Lately {
    seconds: VecDeque<Second>,
    from: Elapsed,
}

/// One second.
#[derive(Clone, Debug)]
struct Second {
    /// Mean items a second, one a model.
    items: Vec<f64>,
    /// Readings behind that.
    readings: f64,
    /// Frames a second of all cameras when it began.
    frames: f64,
}

impl Lately {
    /// Takes in what is asked for now.
    pub(super) fn remember(&mut self, now: Elapsed, items: &[f64], frames: f64) {
        if self.seconds.is_empty() || now.ms_since(self.from) >= 1_000.0 {
            self.seconds.push_front(Second { items: vec![0.0; items.len()], readings: 0.0, frames });
            self.seconds.truncate(REMEMBERED_S);
            self.from = now;
        }
        let second = &mut self.seconds[0];
        second.readings += 1.0;
        for (mean, item) in second.items.iter_mut().zip(items) {
            *mean += (item - *mean) / second.readings;
        }
    }

    /// What a model was asked for, or more, in several of the last seconds.
    pub(super) fn often(&self, model: usize) -> f64 {
        let mut seconds: Vec<f64> = self.seconds.iter().map(|second| second.items[model]).collect();
        seconds.sort_unstable_by(|a, b| b.total_cmp(a));
        seconds.get(OFTEN - 1).or(seconds.first()).copied().unwrap_or(0.0)
    }

    /// Whether the cameras bring more `frames` than a few seconds ago.
    pub(super) fn grew(&self, frames: f64) -> bool {
        let then = self.seconds.get(GROWTH_S - 1).or(self.seconds.back());
        then.is_some_and(|then| frames > GROWTH * then.frames)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten seconds of ten readings each.
    fn ten_seconds(of: impl Fn(u32) -> (f64, f64)) -> Lately {
        let mut lately = Lately::default();
        for tenth in 0..100 {
            let (items, frames) = of(tenth / 10);
            lately.remember(Elapsed::from_ms(f64::from(tenth) * 100.0), &[items], frames);
        }
        lately
    }

    #[test]
    fn what_was_asked_for_once_is_not_what_is_asked_for_often() {
        let often = |burst_s: u32| ten_seconds(|second| (if second < burst_s { 100.0 } else { 10.0 }, 0.0)).often(0);
        assert!((often(2) - 10.0).abs() < 1e-9, "two seconds of ten were a backlog");
        assert!((often(3) - 100.0).abs() < 1e-9, "three were not");
    }

    #[test]
    fn cameras_that_came_long_ago_are_not_coming() {
        let frames = |last_came: u32| move |second: u32| (0.0, 25.0 * f64::from(second.min(last_came)));
        assert!(ten_seconds(frames(9)).grew(225.0));
        assert!(!ten_seconds(frames(4)).grew(100.0));
    }
}
