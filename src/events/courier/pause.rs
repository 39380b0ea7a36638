//! How long to wait before trying again. Pure: no clock, seeded noise. The same growth and the same noise as for lost cameras.

use std::time::Duration;

/// The first pause.
const SHORTEST: Duration = Duration::from_millis(250);
/// No pause that we choose is longer, so that a receiver that is back is served soon.
const LONGEST: Duration = Duration::from_secs(30);
/// The longest pause that a receiver may ask for.
const LONGEST_ASKED: Duration = Duration::from_mins(5);
/// Pauses vary by this much either way, so that many nodes behind one failed receiver do not return in step.
const JITTER: f64 = 0.2;

/// Growing pauses: doubling from the shortest to the longest, back to the shortest once something was taken.
#[derive(Debug)]
pub(super) struct Pauses {
    failures: u32,
    noise: fastrand::Rng,
}

impl Pauses {
    /// The courier's name seeds the noise, so that a run can be repeated.
    pub(super) fn new(name: &str) -> Self {
        let seed = name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3) // FNV-1a: the same on every machine
        });
        Self { failures: 0, noise: fastrand::Rng::with_seed(seed) }
    }

    /// The pause after one more failure; at least as long as the receiver `asked` for.
    pub(super) fn next(&mut self, asked: Option<Duration>) -> Duration {
        let doubled = SHORTEST.saturating_mul(2_u32.saturating_pow(self.failures)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        let noisy = doubled.mul_f64(1.0 - JITTER + 2.0 * JITTER * self.noise.f64());
        noisy.max(asked.unwrap_or_default().min(LONGEST_ASKED))
    }

    /// Whether the pause that was given last is the first in a row.
    pub(super) fn is_first(&self) -> bool {
        self.failures <= 1
    }

    /// Something was taken. Says how many attempts had failed before.
    pub(super) fn settled(&mut self) -> u32 {
        std::mem::take(&mut self.failures)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_begin_anew_once_settled() {
        let mut pauses = Pauses::new("desk");
        for i in 0..12 {
            let ideal = (0.25 * f64::from(1 << i)).min(30.0);
            let pause = pauses.next(None).as_secs_f64();
            assert!((pause / ideal - 1.0).abs() <= JITTER + 1e-9, "pause {i} is {pause} s");
        }
        assert_eq!(pauses.settled(), 12);
        assert!(pauses.next(None) <= Duration::from_millis(300));
    }

    #[test]
    fn a_receiver_may_ask_for_longer_but_not_for_ever_and_two_couriers_do_not_return_in_step() {
        let (mut one, mut two) = (Pauses::new("one"), Pauses::new("two"));
        assert_eq!(one.next(Some(Duration::from_secs(9))), Duration::from_secs(9));
        assert_eq!(one.next(Some(Duration::from_hours(9))), LONGEST_ASKED);
        two.next(None);
        two.next(None);
        assert_ne!(one.next(None), two.next(None));
    }
}
