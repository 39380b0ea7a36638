//! The last second of something that only grows.

use std::collections::VecDeque;

use crate::governor::Elapsed;

/// Length of the window: long enough for a mean over ten readings, short enough to see a burst.
const LENGTH_MS: f64 = 1_000.0;

/// Counters as they were, oldest first; the oldest is the last one that is a full window old.
#[derive(Debug)]
pub(super) struct Window<T>(VecDeque<(Elapsed, T)>);

impl<T> Default for Window<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T> Window<T> {
    /// Adds the counters at `at`; answers with the window's first and last, and the seconds between. No time has passed
    /// after the first.
    pub(super) fn add(&mut self, at: Elapsed, counters: T) -> (&T, &T, f64) {
        self.0.push_back((at, counters));
        while self.0.get(1).is_some_and(|(second, _)| at.ms_since(*second) >= LENGTH_MS) {
            self.0.pop_front();
        }
        let (from, first) = &self.0[0];
        let (_, last) = &self.0[self.0.len() - 1];
        (first, last, at.ms_since(*from) / 1e3)
    }

    /// The counters added last.
    pub(super) fn newest(&self) -> Option<&T> {
        self.0.back().map(|(_, counters)| counters)
    }

    /// All counters in the window, oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|(_, counters)| counters)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_that_of_the_last_second() {
        let mut window = Window::default();
        for step in 0..40_u64 {
            let counter = if step < 20 { step } else { 20 + (step - 20) * 10 };
            let (first, last, seconds) = window.add(Elapsed::from_ms(step as f64 * 100.0), counter);
            if step == 39 {
                assert_eq!((last - first, seconds), (100, 1.0));
            }
        }
    }
}
