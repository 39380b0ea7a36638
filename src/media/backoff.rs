//! How long to wait before trying a lost camera again. Pure: no clock, seeded noise.

use std::time::Duration;

use super::{Limits, Remedy};
use crate::scene::CameraId;

/// Pauses vary by this much either way, so that fifty cameras behind one failed switch do not return in step.
const JITTER: f64 = 0.2;

/// Growing pauses: doubling from the shortest to the longest, back to the shortest once a camera has held.
#[derive(Debug)]
pub(super) struct Backoff {
    limits: Limits,
    failures: u32,
    noise: fastrand::Rng,
}

impl Backoff {
    /// Pauses within `limits`; the camera's name seeds the noise, so that a run can be repeated.
    pub(super) fn new(limits: Limits, camera: &CameraId) -> Self {
        Self { limits, failures: 0, noise: fastrand::Rng::with_seed(seed_from(camera.as_str())) }
    }

    /// The pause after one more failure, of an attempt that took `tried`. Pauses count from the beginning of an attempt:
    /// whoever has waited five seconds for an answer has rested.
    pub(super) fn pause(&mut self, remedy: Remedy, tried: Duration) -> Duration {
        let base = match remedy {
            Remedy::Retry => self.doubled().saturating_sub(tried).max(self.limits.retry_min),
            Remedy::RetryLater => self.limits.retry_absent,
            Remedy::RetryMuchLater | Remedy::GiveUp => self.limits.retry_refused,
        };
        base.mul_f64(1.0 - JITTER + 2.0 * JITTER * self.noise.f64())
    }

    /// The camera delivered long enough to be trusted again.
    pub(super) fn settled(&mut self) {
        self.failures = 0;
    }

    fn doubled(&mut self) -> Duration {
        let factor = 2_u32.saturating_pow(self.failures);
        self.failures = self.failures.saturating_add(1);
        let longest = self.limits.retry_max.max(self.limits.retry_min);
        self.limits.retry_min.saturating_mul(factor).min(longest)
    }
}

/// FNV-1a, 64 bit: the same name gives the same seed on every machine.
pub(super) fn seed_from(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backoff(name: &str) -> Backoff {
        Backoff::new(Limits::default(), &CameraId::new(name).unwrap())
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_start_over_once_settled() {
        let mut backoff = backoff("gate");
        let pauses: Vec<_> = (0..8).map(|_| backoff.pause(Remedy::Retry, Duration::ZERO).as_secs_f64()).collect();
        for (i, pause) in pauses.iter().enumerate() {
            let ideal = (0.25 * f64::from(1 << i)).min(2.5);
            assert!((pause / ideal - 1.0).abs() <= JITTER + 1e-9, "pause {i} is {pause} s");
        }
        assert!(backoff.pause(Remedy::Retry, Duration::from_secs(5)) <= Duration::from_millis(300), "it has waited");
        backoff.settled();
        assert!(backoff.pause(Remedy::Retry, Duration::ZERO) <= Duration::from_millis(300));
    }

    #[test]
    fn a_refusal_waits_long_and_two_cameras_do_not_return_in_step() {
        let (mut one, mut two) = (backoff("one"), backoff("two"));
        assert!(one.pause(Remedy::RetryMuchLater, Duration::ZERO) >= Duration::from_secs(48));
        assert!(one.pause(Remedy::RetryLater, Duration::ZERO) >= Duration::from_secs(24));
        assert_ne!(one.pause(Remedy::Retry, Duration::ZERO), two.pause(Remedy::Retry, Duration::ZERO));
    }
}
