//! How fast the device is now, apart from what each variant costs for good.
//!
//! A neighbour that takes half the cores slows every model at once: that is pace, and it passes. A variant that was
//! profiled wrongly is slow alone: that is learned into the profile. What neither explains, while events are late though
//! the sums say they should not be, is strain. Next: [`ledger`](super::ledger), the same for memory.

use super::profile::Profile;
use super::reading::ModelReading;

/// How far one reading moves the pace.
const PACE_STEP: f64 = 0.15;
/// Pace and strain stay within these; beyond, the device is not the one profiled and the learned costs take over.
const PACE_RANGE: (f64, f64) = (0.25, 6.0);
/// Late events against the sums raise strain by this.
const STRAIN_STEP: f64 = 1.15;
/// Strain that nothing confirms goes back by this share a reading: half in about twenty seconds.
const STRAIN_DECAY: f64 = 0.0035;
/// The most strain: beyond it the sums mean nothing anyway.
const MOST_STRAIN: f64 = 3.0;

/// The device's present slowness.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    pace: f64,
    strain: f64,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self { pace: 1.0, strain: 1.0 }
    }

    /// What to multiply profiled milliseconds with.
    pub(super) fn factor(&self) -> f64 {
        self.pace * self.strain
    }

    /// Takes in what the models measured; `using` says which variant each reading is about.
    pub(super) fn learn<'a>(
        &mut self,
        profile: &mut Profile,
        measured: impl Iterator<Item = (usize, usize, &'a ModelReading)>,
    ) {
        let (mut ratios, mut weights) = (0.0, 0.0);
        for (model, variant, reading) in measured {
            let variant = &mut profile.models[model].variants[variant];
            let ratio = reading.service_ms / variant.batch_ms(reading.batch_mean).max(1e-6);
            let busy = reading.offered_per_s.max(0.1) * reading.service_ms / reading.batch_mean;
            ratios += busy * ratio;
            weights += busy;
            variant.learn_time(ratio / self.pace);
        }
        if weights > 0.0 {
            self.pace += PACE_STEP * (ratios / weights - self.pace);
            self.pace = self.pace.clamp(PACE_RANGE.0, PACE_RANGE.1);
        }
        self.strain += STRAIN_DECAY * (1.0 - self.strain);
    }

    /// Events are late though the sums say they should not be. Returns whether strain could rise.
    pub(super) fn strained(&mut self) -> bool {
        let before = self.strain;
        self.strain = (self.strain * STRAIN_STEP).min(MOST_STRAIN);
        self.strain > before
    }
}
