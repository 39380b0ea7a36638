//! What is simulated: a load over time on a device, read from two TOML files. Next: [`plant`](super::plant).

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::governor::{ModelName, ModelProfile, Policy, VariantName};

use super::SimulateError;

/// Bytes in a MiB.
pub(super) const MIB: f64 = 1024.0 * 1024.0;

/// A load over time.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Its name, as printed.
    pub name: String,
    /// What it is meant to show.
    pub about: String,
    /// The device file, beside this one.
    pub device: PathBuf,
    /// Seed of everything random.
    pub seed: u64,
    /// Length of the run.
    pub seconds: f64,
    /// What the governor is asked for.
    #[serde(default)]
    pub policy: Policy,
    /// Frames a second of the cameras, taken in turn.
    pub fps: Vec<f64>,
    /// Cameras that want to be served.
    pub cameras: Curve,
    /// Faces seen by one camera.
    pub faces: Curve,
    /// MiB that other processes want.
    #[serde(default)]
    pub tenant: Curve,
    /// MiB we may hold; absent: whatever the device has.
    pub budget: Option<Curve>,
    /// Factor on every model's time: a neighbour that takes compute.
    #[serde(default = "Curve::one")]
    pub slowness: Curve,
    /// Cameras a minute that leave and are replaced by new ones.
    #[serde(default)]
    pub churn_per_minute: f64,
    /// Largest relative error of the profile the governor starts from.
    #[serde(default)]
    pub profile_error: f64,
    /// Share of a retired variant's memory that does not come back.
    #[serde(default)]
    pub fragments: f64,
    /// Factor on every load's time.
    #[serde(default = "one")]
    pub load_slowness: f64,
    /// Loads that fail.
    #[serde(default)]
    pub failures: Vec<Failure>,
}

/// A variant whose first loads fail.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// Which model.
    pub model: ModelName,
    /// Which variant.
    pub variant: VariantName,
    /// How many loads fail before one succeeds.
    pub times: u32,
}

/// What it runs on. The models' costs are the truth; the governor is given them with an error.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// Its name, as printed.
    pub name: String,
    /// Where its figures come from.
    pub source: String,
    /// Model runs that proceed at once at full speed.
    pub lanes: u32,
    /// MiB of memory.
    pub memory_mib: f64,
    /// MiB the process holds before any model is loaded.
    pub base_mib: f64,
    /// MiB of decoder surfaces a camera.
    pub camera_mib: f64,
    /// Frames past detection at once; the rest wait in their lanes.
    pub permits: u32,
    /// Standard deviation of a run's time, relative.
    pub jitter: f64,
    /// How long memory may be overdrawn before it counts as run out, milliseconds.
    pub grace_ms: f64,
    /// Models in pipeline order; the first detects, the others look at faces.
    pub models: Vec<ModelProfile>,
    /// For the models after the first: questions a second about one visible face.
    pub asks_per_face: Vec<f64>,
}

/// A figure over time: straight lines between points; two points at one second are a step.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Curve {
    /// `[second, figure]`, seconds ascending.
    pub points: Vec<(f64, f64)>,
    /// Repeats after this many seconds.
    #[serde(default)]
    pub every: Option<f64>,
}

fn one() -> f64 {
    1.0
}

impl Curve {
    fn one() -> Self {
        Self { points: vec![(0.0, 1.0)], every: None }
    }

    /// The figure at `second`.
    pub fn at(&self, second: f64) -> f64 {
        let second = self.every.map_or(second, |every| second % every);
        let after = self.points.iter().position(|point| point.0 > second);
        match after {
            Some(0) => self.points[0].1,
            Some(next) => between(self.points[next - 1], self.points[next], second),
            None => self.points.last().map_or(0.0, |point| point.1),
        }
    }

    /// Seconds at which it jumps. One that repeats has none: what happens all the time is not a disturbance.
    pub(super) fn steps(&self) -> Vec<f64> {
        let jumps = |pair: &[(f64, f64)]| pair[0].0 >= pair[1].0 && (pair[0].1 - pair[1].1).abs() > 1e-9;
        let all = self.points.windows(2).filter(|pair| jumps(pair) && self.every.is_none());
        all.map(|pair| pair[1].0).collect()
    }
}

fn between(from: (f64, f64), to: (f64, f64), second: f64) -> f64 {
    let share = (second - from.0) / (to.0 - from.0).max(1e-9);
    from.1 + share.clamp(0.0, 1.0) * (to.1 - from.1)
}

impl Scenario {
    /// Reads a scenario and its device.
    pub fn read(path: &Path) -> Result<(Self, Device), SimulateError> {
        let scenario: Self = parse(path)?;
        let device: Device = parse(&path.parent().unwrap_or(Path::new(".")).join(&scenario.device))?;
        let problem = |what: &str| Err(SimulateError::Scenario { path: path.to_owned(), problem: what.to_owned() });
        if device.models.is_empty() || device.asks_per_face.len() + 1 != device.models.len() {
            return problem("the device needs one entry in `asks_per_face` for each model after the first");
        }
        if scenario.fps.is_empty() || scenario.cameras.points.is_empty() || scenario.faces.points.is_empty() {
            return problem("`fps`, `cameras.points` and `faces.points` must not be empty");
        }
        if device.models.iter().any(|model| model.variants.is_empty() || model.batches.is_empty()) {
            return problem("every model of the device needs at least one variant and one batch");
        }
        Ok((scenario, device))
    }

    /// Frames a second of the `index`-th camera.
    pub(super) fn fps_of(&self, index: usize) -> f64 {
        self.fps[index % self.fps.len()]
    }

    /// Mean frames a second of a camera.
    pub(super) fn mean_fps(&self) -> f64 {
        self.fps.iter().sum::<f64>() / self.fps.len() as f64
    }

    /// Seconds at which something jumps, the start included: when the governor is given time to settle.
    pub(super) fn disturbances(&self) -> Vec<f64> {
        let mut all = vec![0.0];
        for curve in [&self.cameras, &self.faces, &self.tenant, &self.slowness].into_iter().chain(&self.budget) {
            all.extend(curve.steps());
        }
        all.sort_by(f64::total_cmp);
        all.dedup();
        all
    }
}

impl Device {
    /// Bytes of memory.
    pub(super) fn memory(&self) -> f64 {
        self.memory_mib * MIB
    }
}

fn parse<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, SimulateError> {
    let text = std::fs::read_to_string(path).map_err(|error| SimulateError::Read { path: path.to_owned(), error })?;
    toml::from_str(&text).map_err(|error| SimulateError::Scenario { path: path.to_owned(), problem: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_slope_jump_and_repeat() {
        let curve = Curve { points: vec![(0.0, 0.0), (10.0, 10.0), (10.0, 50.0), (20.0, 50.0)], every: Some(20.0) };
        assert!((curve.at(5.0) - 5.0).abs() < 1e-9);
        assert!((curve.at(10.0) - 50.0).abs() < 1e-9);
        assert!((curve.at(25.0) - 5.0).abs() < 1e-9);
        assert!(curve.steps().is_empty());
        assert_eq!(Curve { every: None, ..curve }.steps(), vec![10.0]);
    }
}
