//! How far each lever is pulled. Next: [`ladder`](super::ladder), how far it should be.

use super::policy::{Lever, Policy};
use super::profile::{ModelProfile, VariantProfile};

/// Position of every lever; 0 is "not pulled".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Levels {
    /// Position in the policy's intervals.
    pub(super) interval: usize,
    /// 1: smaller inputs may be used.
    pub(super) size: usize,
    /// 1: cheaper number formats may be used.
    pub(super) precision: usize,
    /// How many of the optional stages are off.
    pub(super) off: usize,
    /// Position in the policy's rates.
    pub(super) rate: usize,
}

impl Levels {
    /// Every lever the policy allows, at its furthest; `before_admission` leaves out those dearer than refusing a camera.
    pub(super) fn furthest(policy: &Policy, before_admission: bool) -> Self {
        let admission = policy.order.iter().position(|&lever| lever == Lever::Admission);
        let usable = |lever| match (policy.order.iter().position(|&other| other == lever), admission) {
            (Some(at), Some(limit)) => !before_admission || at < limit,
            (at, _) => at.is_some(),
        };
        let reach = |lever, most: usize| if usable(lever) { most } else { 0 };
        Self {
            interval: reach(Lever::DetectInterval, policy.intervals.len().saturating_sub(1)),
            size: reach(Lever::InputSize, 1),
            precision: reach(Lever::Precision, 1),
            off: reach(Lever::OptionalStages, policy.optional.len()),
            rate: reach(Lever::CameraRate, policy.rates.len().saturating_sub(1)),
        }
    }

    /// The position of one lever; batch and admission have none here.
    pub(super) fn position(&mut self, lever: Lever) -> Option<&mut usize> {
        match lever {
            Lever::DetectInterval => Some(&mut self.interval),
            Lever::InputSize => Some(&mut self.size),
            Lever::Precision => Some(&mut self.precision),
            Lever::OptionalStages => Some(&mut self.off),
            Lever::CameraRate => Some(&mut self.rate),
            Lever::Batch | Lever::Admission => None,
        }
    }

    /// Detect on every n-th frame.
    pub(super) fn interval(self, policy: &Policy) -> u32 {
        policy.intervals.get(self.interval).copied().unwrap_or(1).max(1)
    }

    /// Share of each camera's frames.
    pub(super) fn rate(self, policy: &Policy) -> f64 {
        policy.rates.get(self.rate).copied().unwrap_or(1.0)
    }

    /// Whether `model` is switched off.
    pub(super) fn switches_off(self, policy: &Policy, model: &ModelProfile) -> bool {
        policy.optional.iter().take(self.off).any(|name| name == &model.name)
    }
}

/// The interval is decided in frames as they come. Where only some are taken, fewer of those lie between two detections: were
/// both levers to thin the same frames, nobody could be followed any more.
pub(crate) fn of_those_taken(interval: u32, rate: f64) -> u32 {
    ((f64::from(interval) * rate - 1e-9).ceil() as u32).max(1)
}

/// Share of its full work a model is asked for at these levels. Interval and rate do not add up: a detector is asked about as
/// often as either lever alone allows.
pub(super) fn thinning(policy: &Policy, model: &ModelProfile, levels: Levels) -> f64 {
    let rate = levels.rate(policy);
    let every = if model.follows_interval { f64::from(of_those_taken(levels.interval(policy), rate)) } else { 1.0 };
    if model.follows_rate { rate / every } else { 1.0 / every }
}

/// Mean worth of the frames taken at these levels, beside all of them being detected on.
pub(super) fn tracked_worth(policy: &Policy, model: &ModelProfile, levels: Levels) -> f64 {
    if !model.follows_interval {
        return 1.0;
    }
    policy.interval_worth(of_those_taken(levels.interval(policy), levels.rate(policy)))
}

/// The best variant the policy lets this model use: what the size and precision levers are measured from.
pub(super) fn best_allowed<'a>(policy: &Policy, model: &'a ModelProfile) -> Option<&'a VariantProfile> {
    let allowed = model.variants.iter().filter(|variant| policy.allows(&model.name, &variant.name));
    allowed.max_by(|a, b| a.quality.total_cmp(&b.quality))
}

/// Whether only the size lever lets `variant` be used where `best` would be.
pub(super) fn with_size(best: &VariantProfile, variant: &VariantProfile) -> bool {
    variant.pixels < best.pixels
}

/// Whether only the precision lever lets `variant` be used where `best` would be.
pub(super) fn with_precision(best: &VariantProfile, variant: &VariantProfile) -> bool {
    variant.precision > best.precision
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaving_frames_out_does_not_make_detections_rarer_than_the_interval_does() {
        assert_eq!([1.0, 0.85, 0.5, 0.3, 0.2].map(|rate| of_those_taken(4, rate)), [4, 4, 2, 2, 1]);
        assert_eq!([1.0, 0.5, 0.2].map(|rate| of_those_taken(1, rate)), [1, 1, 1]);
    }

    #[test]
    fn a_detector_is_asked_no_more_often_than_either_lever_alone_allows() {
        let policy = Policy::default();
        let model = |follows_interval: bool| -> ModelProfile {
            let written = serde_json::json!({ "name": "m", "follows_interval": follows_interval, "variants": [] });
            serde_json::from_value(written).unwrap()
        };
        let (detector, other) = (model(true), model(false));
        for (interval, rate) in (0..policy.intervals.len()).flat_map(|i| (0..policy.rates.len()).map(move |r| (i, r))) {
            let levels = Levels { interval, rate, ..Levels::default() };
            let either = levels.rate(&policy).min(1.0 / f64::from(levels.interval(&policy)));
            let asked = thinning(&policy, &detector, levels);
            assert!((0.5 * either..=either + 1e-9).contains(&asked), "{levels:?}: {asked}, not {either}");
            assert!((thinning(&policy, &other, levels) - levels.rate(&policy)).abs() < 1e-9);
        }
    }
}
