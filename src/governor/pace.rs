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
            self.share_out(profile);
        }
        self.strain += STRAIN_DECAY * (1.0 - self.strain);
    }

    /// What every variant tried is dearer by is the device's pace: pace and costs together say the same of those as before, and
    /// one that was never tried is not believed dearer or cheaper than they are.
    fn share_out(&mut self, profile: &mut Profile) {
        let variants = || profile.models.iter().flat_map(|model| &model.variants).map(|variant| variant.learned);
        let tried: Vec<f64> =
            variants().filter(|learned| learned.samples > 0).map(|learned| learned.time.ln()).collect();
        let common = (tried.iter().sum::<f64>() / tried.len().max(1) as f64).exp();
        self.pace *= common;
        for variant in profile.models.iter_mut().flat_map(|model| &mut model.variants) {
            if variant.learned.samples > 0 {
                variant.learned.time /= common;
            }
        }
    }

    /// Events are late though the sums say they should not be. Returns whether strain could rise.
    pub(super) fn strained(&mut self) -> bool {
        let before = self.strain;
        self.strain = (self.strain * STRAIN_STEP).min(MOST_STRAIN);
        self.strain > before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(service_ms: f64) -> ModelReading {
        ModelReading {
            model: "m".into(),
            queue: 0,
            oldest_ms: 0.0,
            offered_per_s: 100.0,
            batch_mean: 1.0,
            service_ms,
            service_p95_ms: service_ms,
        }
    }

    #[test]
    fn a_variant_never_tried_is_believed_as_dear_as_the_others_turned_out() {
        let variant = |name: &str| {
            serde_json::json!({ "name": name, "precision": "fp32", "quality": 1.0, "base_ms": 0.0,
            "item_ms": 10.0, "weights": 0, "workspace": 0, "load_ms": 0.0 })
        };
        let model =
            serde_json::json!({ "name": "m", "variants": [variant("a"), variant("b"), variant("never tried")] });
        let mut profile: Profile = serde_json::from_value(serde_json::json!({ "models": [model] })).unwrap();
        let mut pace = Pace::new();
        (0..300).for_each(|n| pace.learn(&mut profile, [(0, n / 100 % 2, &reading(15.0))].into_iter()));
        let believed = |at: usize| pace.factor() * profile.models[0].variants[at].batch_ms(1.0);
        assert!((believed(0) - 15.0).abs() < 0.2, "{}", believed(0));
        assert!((believed(2) - 15.0).abs() < 0.5, "{}", believed(2));
    }
}
