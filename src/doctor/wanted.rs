//! Which versions will do: config/dependencies.toml, built in, and how a found version compares.

use std::cmp::Ordering;

use bytesize::ByteSize;
use serde::{Deserialize, Deserializer, de::Error as _};

use super::{Area, Check, Health, Weight};

/// The manifest this program was built with.
const BUILT_IN: &str = include_str!("../../config/dependencies.toml");

/// config/dependencies.toml.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct WantedVersions {
    /// Decoding.
    pub gstreamer: Wanted,
    /// Inference.
    pub onnxruntime: Wanted,
    /// The driver under CUDA 12.
    pub driver_cuda_12: Wanted,
    /// The driver under CUDA 13.
    pub driver_cuda_13: Wanted,
    /// CUDA's runtime, for ONNX Runtime up to 1.26.
    pub cuda_12: Wanted,
    /// The same from 1.27 on.
    pub cuda_13: Wanted,
    /// Convolutions.
    pub cudnn: Wanted,
    /// Compiled networks.
    pub tensorrt: Wanted,
    /// Events.
    pub zenoh: Wanted,
    /// What a machine should have left.
    pub machine: WantedMachine,
    /// Debian packages it runs on.
    pub package: Vec<WantedPackage>,
}

/// A Debian package.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WantedPackage {
    /// Its name.
    pub name: String,
    /// How the program comes to it.
    #[serde(rename = "use")]
    pub used: Use,
    /// Its licence, as SPDX writes it.
    pub licence: String,
}

/// How the program comes to a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Use {
    /// Linked when it starts.
    Linked,
    /// Loaded by GStreamer, by an element's name.
    Plugins,
    /// It comes with one of the others.
    Beneath,
}

/// The versions of one piece that will do.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// Older ones do not work.
    pub minimum: String,
    /// Older ones work, with a drawback.
    pub advised: Option<String>,
    /// From this one on it is not known to work.
    pub below: Option<String>,
    /// Versions that were run.
    #[serde(default)]
    pub tested: Vec<String>,
    /// Versions that must not be used.
    #[serde(default)]
    pub bad: Vec<Bad>,
    /// The command that puts it right.
    pub mend: String,
    /// The reason for the bounds.
    pub why: String,
}

/// A version that must not be used.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bad {
    /// Which.
    pub version: String,
    /// Why.
    pub reason: String,
}

/// What a machine should have left before a run.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WantedMachine {
    /// Main memory.
    #[serde(deserialize_with = "size")]
    pub memory: ByteSize,
    /// Memory of the GPU.
    #[serde(deserialize_with = "size")]
    pub device_memory: ByteSize,
    /// Room where something is written.
    #[serde(deserialize_with = "size")]
    pub disk: ByteSize,
    /// Room in /dev/shm.
    #[serde(deserialize_with = "size")]
    pub shared_memory: ByteSize,
    /// Files a process may hold open, whatever it runs.
    pub open_files: u64,
    /// And for each camera.
    pub open_files_per_camera: u64,
}

fn size<'de, D: Deserializer<'de>>(from: D) -> Result<ByteSize, D::Error> {
    String::deserialize(from)?.parse().map_err(D::Error::custom)
}

impl WantedVersions {
    /// Reads such a manifest; the error names line and key.
    pub fn read(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// Whether a text is meant as one, right or wrong: no deployment and no pipeline has these tables.
    pub fn is_meant(text: &str) -> bool {
        toml::from_str::<toml::Table>(text)
            .is_ok_and(|tables| ["onnxruntime", "machine"].iter().all(|key| tables.contains_key(*key)))
    }

    /// The one this program was built with; a test reads it, so that it cannot be wrong here.
    pub fn built_in() -> Result<Self, toml::de::Error> {
        Self::read(BUILT_IN)
    }
}

impl Wanted {
    /// What is said of a found version. A version that is too old or known to be bad is fatal where the piece is needed, one
    /// that is only older than advised is advice.
    pub fn judge(&self, area: Area, name: &str, found: &str) -> Check {
        let check = |health, weight| Check::of(area, name, health, weight).found(found).wanted(self.range());
        if let Some(bad) = self.bad.iter().find(|bad| order(&bad.version, found).is_eq()) {
            return check(Health::Incompatible, Weight::Fatal).note(&bad.reason).mend(&self.mend);
        }
        let too_new = self.below.as_ref().is_some_and(|below| order(found, below).is_ge());
        if order(found, &self.minimum).is_lt() || too_new {
            return check(Health::Incompatible, Weight::Fatal).note(&self.why).mend(&self.mend);
        }
        let tested = self.tested.iter().any(|tested| order(tested, found).is_eq());
        if !tested && self.advised.as_ref().is_some_and(|advised| order(found, advised).is_lt()) {
            return check(Health::Outdated, Weight::Advice).note(&self.why).mend(&self.mend);
        }
        check(Health::Healthy, Weight::Fatal)
    }

    /// What is said when there is none.
    pub fn absent(&self, area: Area, name: &str, weight: Weight) -> Check {
        Check::of(area, name, Health::Missing, weight).wanted(self.range()).mend(&self.mend)
    }

    /// The versions that will do, in words.
    pub fn range(&self) -> String {
        let from = self.advised.as_ref().unwrap_or(&self.minimum);
        match &self.below {
            Some(below) => format!("{from} or newer, below {below}"),
            None => format!("{from} or newer"),
        }
    }
}

/// Compares versions number by number; what is missing counts as 0.
fn order(one: &str, other: &str) -> Ordering {
    let (mut one, mut other) = (numbers(one), numbers(other));
    let length = one.len().max(other.len());
    one.resize(length, 0);
    other.resize(length, 0);
    one.cmp(&other)
}

fn numbers(version: &str) -> Vec<u64> {
    version.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_number_by_number() {
        assert!(order("1.9", "1.10.2").is_lt() && order("580.82.07", "580.65.06").is_gt());
        assert!(order("1.24", "1.24.0").is_eq() && order("13", "13.0.1").is_lt());
    }

    #[test]
    fn a_found_version_is_bad_old_outdated_or_well() {
        let wanted = WantedVersions::built_in().unwrap();
        let health = |found| wanted.onnxruntime.judge(Area::Onnxruntime, "ONNX Runtime", found).health;
        assert_eq!(health("1.19.2"), Health::Incompatible);
        assert_eq!(health("1.27.0"), Health::Incompatible, "known bad");
        assert_eq!(health("1.24.4"), Health::Outdated);
        assert_eq!(health("1.24.1"), Health::Healthy, "tested with OpenVINO");
        assert_eq!(health("1.31.1"), Health::Healthy);
        let cudnn = wanted.cudnn.judge(Area::Gpu, "cuDNN", "10.0");
        assert_eq!((cudnn.health, cudnn.weight), (Health::Incompatible, Weight::Fatal));
        assert_eq!(cudnn.wanted.as_deref(), Some("9.0 or newer, below 10"));
    }

    /// What is linked in is what the lock file says; here is where an update is noticed.
    #[test]
    fn the_locked_zenoh_is_a_tested_one() {
        let lock = include_str!("../../Cargo.lock");
        let locked =
            lock.split("name = \"zenoh\"\nversion = \"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
        let wanted = WantedVersions::built_in().unwrap().zenoh;
        assert!(wanted.tested.iter().any(|tested| tested == locked), "zenoh {locked} is locked, not tested");
    }
}
