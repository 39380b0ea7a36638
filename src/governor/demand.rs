//! How much work there is: items a second each model would be asked for if no lever were pulled.
//!
//! Rises fast and falls slowly, so that a burst is met at once and a lull does not invite a step up that the next burst
//! takes back. Next: [`lately`](super::lately), what there was.

use super::lately::Lately;
use super::names::Elapsed;
use super::profile::Profile;
use super::reading::Reading;

/// Time constant of a rise: two readings. A single noisy reading must not move the plan alone.
const RISE_MS: f64 = 250.0;
/// The same for looks at faces: a burst of new faces is spread over the next second (see `thrift`), and that costs nothing,
/// where a step down for it would.
const SPREAD_MS: f64 = 1_000.0;
/// Time constant of a fall: bursts of faces come a few seconds apart.
const FALL_MS: f64 = 3_000.0;
/// Time constant of the mean number of items a frame asks for; only used to foresee a new camera.
const PER_FRAME_MS: f64 = 10_000.0;
/// The counters behind a reading cover the last second: after the camera rate changes they mix two rates.
const MIXED_MS: f64 = 1_200.0;

/// What is asked for.
#[derive(Clone, Debug)]
pub(super) struct Demand {
    /// Items a second, one a model.
    pub(super) items: Vec<f64>,
    /// Frames a second of all cameras.
    pub(super) frames: f64,
    /// Mean items a frame, one a model.
    per_frame: Vec<f64>,
    /// The same as `items` without the slow fall.
    level: Vec<f64>,
    lately: Lately,
    mixed_until: Elapsed,
    last: Option<Elapsed>,
}

impl Demand {
    pub(super) fn new(profile: &Profile) -> Self {
        let per_frame = profile.models.iter().map(|model| model.per_frame).collect();
        Self {
            items: vec![0.0; profile.models.len()],
            frames: 0.0,
            per_frame,
            level: vec![0.0; profile.models.len()],
            lately: Lately::default(),
            mixed_until: Elapsed::ZERO,
            last: None,
        }
    }

    /// The camera rate was changed: what is counted now mixes the old and the new.
    pub(super) fn rate_changed(&mut self, now: Elapsed) {
        self.mixed_until = now.plus_ms(MIXED_MS);
    }

    /// Takes in a reading made while `rate` of every camera's frames were taken, and that would have counted `spared` times as
    /// many looks at followed faces, had none been put off.
    pub(super) fn learn(&mut self, now: Elapsed, reading: &Reading, profile: &Profile, (rate, spared): (f64, f64)) {
        let passed = self.last.map_or(RISE_MS, |last| now.ms_since(last));
        self.last = Some(now);
        approach(&mut self.frames, reading.offered_fps(), passed, (RISE_MS, FALL_MS));
        for (at, model) in profile.models.iter().enumerate() {
            let asked = match reading.model(&model.name) {
                _ if model.follows_interval => Some(self.frames * model.per_frame),
                Some(measured) if model.looks_at_followed() => Some(measured.offered_per_s.max(0.0) * spared),
                Some(_) if now < self.mixed_until => None,
                Some(measured) => Some(measured.offered_per_s.max(0.0) / rate.max(0.01)),
                None => Some(self.frames * self.per_frame[at]),
            };
            let rise = if model.looks_at_followed() { SPREAD_MS } else { RISE_MS };
            if let Some(asked) = asked {
                approach(&mut self.items[at], asked, passed, (rise, FALL_MS));
                approach(&mut self.level[at], asked, passed, (rise, rise));
                self.learn_per_frame(at, passed);
            }
        }
        self.lately.remember(now, &self.level, self.frames);
    }

    /// The same without what was asked for a moment ago: for what acts at once, both ways.
    pub(super) fn at_once_with(&self, frames: f64) -> Vec<f64> {
        self.level.iter().zip(&self.per_frame).map(|(level, per_frame)| level + frames * per_frame).collect()
    }

    /// The most asked for lately, and not only once, with `frames` more a second; never less than is asked for now.
    pub(super) fn peak_with(&self, frames: f64) -> Vec<f64> {
        let mut all = self.with(frames);
        for (at, most) in all.iter_mut().enumerate() {
            *most = most.max(self.lately.often(at) + frames * self.per_frame[at]);
        }
        all
    }

    /// Whether more cameras are coming.
    pub(super) fn grows(&self) -> bool {
        self.lately.grew(self.frames)
    }

    fn learn_per_frame(&mut self, at: usize, passed: f64) {
        if self.frames > 1.0 {
            let weight = (passed / PER_FRAME_MS).min(1.0);
            self.per_frame[at] += weight * (self.items[at] / self.frames - self.per_frame[at]);
        }
    }

    /// The demand with `frames` more a second.
    pub(super) fn with(&self, frames: f64) -> Vec<f64> {
        self.items.iter().zip(&self.per_frame).map(|(items, per_frame)| items + frames * per_frame).collect()
    }
}

/// Moves `figure` towards `to`, up and down with their own time constants.
fn approach(figure: &mut f64, to: f64, passed_ms: f64, (rise_ms, fall_ms): (f64, f64)) {
    let constant = if to > *figure { rise_ms } else { fall_ms };
    *figure += (to - *figure) * (1.0 - (-passed_ms / constant).exp());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::governor::ModelReading;

    /// What is believed to be asked for where 40 items a second were counted while four of ten frames were taken.
    fn asked(follows_rate: bool) -> f64 {
        let profile: Profile = serde_json::from_value(serde_json::json!({
            "models": [{ "name": "m", "follows_rate": follows_rate, "variants": [] }]
        }))
        .unwrap();
        let measured = ModelReading {
            model: "m".into(),
            queue: 0,
            oldest_ms: 0.0,
            offered_per_s: 40.0,
            batch_mean: 1.0,
            service_ms: 8.0,
            service_p95_ms: 8.0,
        };
        let reading = Reading { models: vec![measured], ..Reading::default() };
        let mut demand = Demand::new(&profile);
        (1..200).for_each(|n| demand.learn(Elapsed::from_ms(f64::from(n) * 100.0), &reading, &profile, (0.4, 1.0)));
        demand.items[0]
    }

    #[test]
    fn what_is_asked_once_a_second_is_asked_however_few_frames_are_taken() {
        assert!((asked(true) - 100.0).abs() < 1.0);
        assert!((asked(false) - 40.0).abs() < 1.0);
    }

    #[test]
    fn rises_fast_and_falls_slowly() {
        let mut figure = 0.0;
        (0..10).for_each(|_| approach(&mut figure, 100.0, 100.0, (RISE_MS, FALL_MS)));
        assert!(figure > 95.0, "one second of a burst is seen: {figure}");
        (0..10).for_each(|_| approach(&mut figure, 0.0, 100.0, (RISE_MS, FALL_MS)));
        assert!(figure > 60.0, "one second of a lull is not believed: {figure}");
    }
}
