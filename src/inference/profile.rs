//! What each variant costs on this machine, as `flyball models bench` measured it and the governor reads it: a file of
//! JSON. A batch of n takes `base_ms + item_ms * n` and holds `weights + workspace * n` bytes.

use std::{fs, io, path::Path};

use serde::{Deserialize, Serialize};

use super::manifest::Precision;

/// All that was measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MeasuredProfile {
    /// Processor or GPU and runtime it was measured on; elsewhere it is a guess.
    pub device: String,
    /// By model.
    pub models: Vec<MeasuredModel>,
}

/// One model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeasuredModel {
    /// Its name.
    pub name: String,
    /// Batches that were measured, smallest first.
    pub batches: Vec<u32>,
    /// Its variants, in the manifest's order.
    pub variants: Vec<MeasuredVariant>,
}

/// One variant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeasuredVariant {
    /// Its name.
    pub name: String,
    /// Number format.
    pub precision: Precision,
    /// Pixels of one input.
    pub pixels: u32,
    /// As its manifest declares it, 0 to 1.
    pub quality: f64,
    /// Milliseconds of a batch whatever its size.
    pub base_ms: f64,
    /// Further milliseconds an item.
    pub item_ms: f64,
    /// Bytes one session holds once it is loaded and trimmed.
    pub weights: u64,
    /// Further bytes for each item of the largest batch.
    pub workspace: u64,
    /// Milliseconds to open it, checks included.
    pub load_ms: f64,
    /// What these were fitted to.
    pub rungs: Vec<MeasuredRung>,
}

/// One variant at one batch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeasuredRung {
    /// Items.
    pub batch: u32,
    /// Milliseconds of processor time a batch, through the engine.
    pub cpu_ms: f64,
    /// Milliseconds by the clock a batch, through the engine.
    pub wall_ms: f64,
    /// Processor time (on a GPU the clock's) through the engine over that of the bare runtime, on the same session and
    /// tensors.
    pub overhead: f64,
    /// Bytes the process grew by, from before the session was opened until after these runs.
    pub memory: u64,
}

impl MeasuredProfile {
    /// Reads a profile written before.
    pub fn read(path: &Path) -> io::Result<Self> {
        serde_json::from_str(&fs::read_to_string(path)?).map_err(io::Error::other)
    }

    /// Writes it whole or not at all.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let beside = path.with_extension("json.part");
        fs::write(&beside, serde_json::to_string_pretty(self).map_err(io::Error::other)?)?;
        fs::rename(&beside, path)
    }

    /// Puts newly measured models in the place of what was known of them, and keeps the rest; from another device nothing
    /// is kept.
    pub fn renew(&mut self, newer: Self) {
        if self.device != newer.device {
            *self = newer;
            return;
        }
        self.models.retain(|old| newer.models.iter().all(|new| new.name != old.name));
        self.models.extend(newer.models);
        self.models.sort_by(|a, b| a.name.cmp(&b.name));
    }
}

/// The line through (n, y) with the least squares, neither part below zero: what does not depend on n, and what one more
/// costs. With one batch size all of it is the items'.
pub fn line(points: &[(f64, f64)]) -> (f64, f64) {
    let count = points.len().max(1) as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (mean_n, mean_y) = (mean(|p| p.0), mean(|p| p.1));
    let spread: f64 = points.iter().map(|(n, _)| (n - mean_n).powi(2)).sum();
    let joint: f64 = points.iter().map(|(n, y)| (n - mean_n) * (y - mean_y)).sum();
    let steepest = if mean_n > 0.0 { mean_y / mean_n } else { 0.0 };
    let slope = if spread > 0.0 { (joint / spread).clamp(0.0, steepest.max(0.0)) } else { steepest };
    (mean_y - slope * mean_n, slope)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(name: &str, item_ms: f64) -> MeasuredModel {
        let variant = MeasuredVariant {
            name: "fp32".into(),
            precision: Precision::Fp32,
            pixels: 1,
            quality: 1.0,
            base_ms: 0.0,
            item_ms,
            weights: 1,
            workspace: 1,
            load_ms: 1.0,
            rungs: Vec::new(),
        };
        MeasuredModel { name: name.into(), batches: vec![1], variants: vec![variant] }
    }

    #[test]
    fn a_line_is_found_and_never_promises_time_back() {
        let (base, item) = line(&[(1.0, 5.0), (2.0, 7.0), (4.0, 11.0)]);
        assert!((base - 3.0).abs() < 1e-9 && (item - 2.0).abs() < 1e-9);
        assert_eq!(line(&[(1.0, 4.0)]), (0.0, 4.0));
        let (base, item) = line(&[(1.0, 4.0), (2.0, 3.0)]);
        assert!(base >= 0.0 && item >= 0.0);
        let (base, _) = line(&[(1.0, 4.0), (2.0, 9.0)]);
        assert!(base >= 0.0);
    }

    #[test]
    fn a_new_measurement_replaces_only_its_own_model_and_reads_back() {
        let mut profile = MeasuredProfile { device: "here".into(), models: vec![model("a", 1.0), model("b", 1.0)] };
        profile.renew(MeasuredProfile { device: "here".into(), models: vec![model("b", 2.0)] });
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/profile.json");
        profile.write(&path).unwrap();
        let read = MeasuredProfile::read(&path).unwrap();
        let costs: Vec<_> = read.models.iter().map(|m| (m.name.as_str(), m.variants[0].item_ms)).collect();
        assert_eq!(costs, [("a", 1.0), ("b", 2.0)]);
        profile.renew(MeasuredProfile { device: "elsewhere".into(), models: vec![model("b", 3.0)] });
        assert_eq!(profile.models.len(), 1, "figures of another device are worth nothing here");
    }
}
