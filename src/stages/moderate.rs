//! `moderate`: what else is on the picture that somebody should hear of? Every so often a content model looks at a whole
//! frame of each camera; the classes a deployment lists become flags on the packet and on the faces of that frame.
//!
//! Off unless a pipeline names it, and nothing is flagged unless `flag` lists it: which content matters is the deployment's
//! decision, and the one model that can be fetched (NudeNet) comes under the AGPL. A frame nobody looked at carries the
//! camera's last answer until the next look. Next: `publish` (or any sink).

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{asking::answered, duration};
use crate::flow::{Contract, Dial, Fact, Facts, Stage, StageError};
use crate::inference::ContentWatcher;
use crate::memory::Pixels;
use crate::scene::{CameraId, Content, Finding, Flag, Packet};

/// Needs pixels; adds a verdict.
pub const CONTRACT: Contract = Contract { needs: Facts::of(&[Fact::Pixels]), adds: Facts::of(&[Fact::Verdict]) };

/// Settings of `moderate`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Folder name of the model under the models directory. See `flyball models licences` before you switch it on.
    pub model: String,
    /// Variant of the model, as its manifest names it; the manifest's first when absent.
    pub variant: Option<String>,
    /// Most frames in one run of the network.
    #[schemars(range(min = 1, max = 16))]
    pub max_batch: usize,
    /// Classes to flag, in the model's words; nothing is flagged unless listed.
    pub flag: Vec<String>,
    /// Score from which a sighting counts (0 to 1).
    #[schemars(range(min = 0.0, max = 1.0))]
    pub threshold: f32,
    /// Look at a camera again after this long.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Written")]
    pub every: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            model: "nudenet320".to_owned(),
            variant: None,
            max_batch: 4,
            flag: Vec::new(),
            threshold: 0.4,
            every: Duration::from_secs(1),
        }
    }
}

/// The stage.
pub struct Moderate {
    watcher: Box<dyn ContentWatcher>,
    dial: Arc<Dial>,
    flag: HashSet<String>,
    config: Config,
    cameras: HashMap<CameraId, Memory>,
    found: Vec<Vec<Flag>>,
}

/// What is remembered of one camera.
#[derive(Debug, Default)]
struct Memory {
    looked: Option<Instant>,
    answer: Content,
}

impl Moderate {
    /// A moderate stage over `watcher`. The error names a class to flag that the model does not know.
    pub fn new(config: Config, watcher: Box<dyn ContentWatcher>, dial: Arc<Dial>) -> Result<Self, String> {
        let classes = watcher.classes();
        if let Some(unknown) = config.flag.iter().find(|class| !classes.contains(class)) {
            let model = &config.model;
            return Err(format!("model {model} has no class `{unknown}` to flag; it has {}", classes.join(", ")));
        }
        let flag = config.flag.iter().cloned().collect();
        Ok(Self { watcher, dial, flag, config, cameras: HashMap::new(), found: Vec::new() })
    }

    /// Packets whose camera is due for a look, at most one of each camera.
    fn choose(&mut self, batch: &[Packet]) -> Vec<usize> {
        let mut chosen = Vec::new();
        for (p, packet) in batch.iter().enumerate() {
            let at = packet.frame.captured.at;
            let memory = self.cameras.entry(packet.frame.camera.clone()).or_default();
            if memory.looked.is_none_or(|last| at.saturating_duration_since(last) >= self.config.every) {
                memory.looked = Some(at);
                chosen.push(p);
            }
        }
        chosen
    }

    fn look(&mut self, batch: &[Packet], chosen: &[usize]) -> Result<(), StageError> {
        for some in chosen.chunks(self.dial.max_batch()) {
            let frames: Vec<&Pixels> = some.iter().map(|&p| batch[p].frame.pixels.as_ref()).collect();
            if answered(self.watcher.look(&frames, &mut self.found))?.is_none() {
                return Ok(());
            }
            for (&p, found) in some.iter().zip(&self.found) {
                let answer = verdict(found, &self.flag, self.config.threshold);
                self.cameras.entry(batch[p].frame.camera.clone()).or_default().answer = answer;
            }
        }
        Ok(())
    }
}

/// What of the sightings is to be told.
fn verdict(found: &[Flag], flag: &HashSet<String>, threshold: f32) -> Content {
    let told = |seen: &&Flag| seen.score >= threshold && flag.contains(seen.label.as_ref());
    let flags: Arc<[Flag]> = found.iter().filter(told).cloned().collect();
    let confidence = flags.iter().map(|seen| seen.score).fold(0.0, f32::max);
    Finding::Known { value: flags, confidence }
}

impl Stage for Moderate {
    fn contract(&self) -> Contract {
        CONTRACT
    }

    fn process(&mut self, batch: &mut Vec<Packet>, _: Instant) -> Result<(), StageError> {
        if self.dial.enabled() {
            let chosen = self.choose(batch);
            self.look(batch, &chosen)?;
        }
        for packet in batch.iter_mut() {
            let Some(memory) = self.cameras.get(&packet.frame.camera) else { continue };
            packet.content = memory.answer.clone();
            packet.faces.iter_mut().for_each(|face| face.content = memory.answer.clone());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::testing::{now, packet};
    use crate::inference::InferenceError;
    use crate::scene::{BBox, FaceObservation};

    /// Sees one thing of each class, and counts its looks.
    struct Sees(Arc<std::sync::atomic::AtomicUsize>);

    impl ContentWatcher for Sees {
        fn look(&mut self, frames: &[&Pixels], found: &mut Vec<Vec<Flag>>) -> Result<(), InferenceError> {
            self.0.fetch_add(frames.len(), std::sync::atomic::Ordering::Relaxed);
            let flag = |label: &str, score| Flag { label: label.into(), bbox: BBox::new(0.0, 0.0, 1.0, 1.0), score };
            *found = frames.iter().map(|_| vec![flag("knife", 0.9), flag("cat", 0.8), flag("gun", 0.1)]).collect();
            Ok(())
        }

        fn classes(&self) -> Vec<String> {
            ["knife", "cat", "gun"].map(str::to_owned).to_vec()
        }
    }

    fn stage(flag: &[&str]) -> Result<(Moderate, Arc<std::sync::atomic::AtomicUsize>), String> {
        let (looks, dial) = (Arc::default(), Arc::new(Dial::new(4, Duration::ZERO)));
        let flag = flag.iter().map(|class| (*class).to_owned()).collect();
        let config = Config { flag, ..Config::default() };
        Moderate::new(config, Box::new(Sees(Arc::clone(&looks))), dial).map(|stage| (stage, looks))
    }

    #[test]
    fn only_listed_and_likely_things_are_told_and_frames_between_looks_carry_the_answer() {
        let (mut stage, looks) = stage(&["knife", "gun"]).unwrap();
        let start = now();
        for n in 0..25 {
            let mut one = packet("gate", n);
            one.frame.captured.at = start + Duration::from_millis(n * 100);
            one.faces.push(FaceObservation::default());
            let mut batch = vec![one];
            stage.process(&mut batch, start).unwrap();
            let labels: Vec<_> = batch[0].content.known().unwrap().iter().map(|flag| flag.label.to_string()).collect();
            assert_eq!(labels, ["knife"], "a cat is not listed, a gun not likely");
            assert_eq!(batch[0].faces[0].content, batch[0].content);
        }
        assert_eq!(looks.load(std::sync::atomic::Ordering::Relaxed), 3, "once a second");
    }

    #[test]
    fn nothing_is_flagged_unless_listed_and_an_unknown_class_is_refused() {
        let (mut stage, _) = stage(&[]).unwrap();
        let mut batch = vec![packet("gate", 0)];
        stage.process(&mut batch, now()).unwrap();
        assert!(batch[0].content.known().unwrap().is_empty());
        let refused = self::stage(&["sword"]).err().unwrap();
        assert!(
            refused.contains("nudenet320") && refused.contains("`sword`") && refused.contains("knife"),
            "{refused}"
        );
    }
}
