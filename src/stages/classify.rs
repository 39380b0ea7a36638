//! `classify`: how old, which gender, where does the head point? Each question is asked only when a model is named for it.
//!
//! Ages and genders of single looks scatter, so the answer is the mean over the last looks and `Unsure` until there are
//! enough; a pose is that of the newest look. Opt-in, and estimates all of them: nothing here decides who somebody is.
//! Next: `publish` (or any sink).

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    asking::{Asked, Asking, PerTrack, answered},
    duration,
    liveness::look_at,
};
use crate::flow::{Contract, Dial, Fact, Facts, Stage, StageError};
use crate::inference::FaceClassifier;
use crate::scene::{Attributes, Finding, HeadPose, Packet};

/// Needs faces with five points on tracks; adds attributes.
pub const CONTRACT: Contract = Contract {
    needs: Facts::of(&[Fact::Pixels, Fact::Faces, Fact::Landmarks, Fact::Tracks]),
    adds: Facts::of(&[Fact::Attributes]),
};

/// Least time between two looks at one track.
const SPACING: Duration = Duration::from_millis(200);

/// Settings of `classify`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Folder name of the model that estimates ages, under the models directory; left out, nobody asks.
    pub age: Option<String>,
    /// Folder name of the model that estimates genders; left out, nobody asks.
    pub gender: Option<String>,
    /// Folder name of the model that measures where heads point; left out, nobody asks.
    pub pose: Option<String>,
    /// Most faces in one run of a network.
    #[schemars(range(min = 1, max = 64))]
    pub max_batch: usize,
    /// Looks taken when a track is new; the answer is the mean over as many of the latest looks.
    #[schemars(range(min = 1, max = 50))]
    pub looks: u32,
    /// Looks before there is an age or a gender at all; fewer leave it inconclusive.
    #[schemars(range(min = 1, max = 50))]
    pub looks_needed: u32,
    /// Look again after this long.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Written")]
    pub again_after: Duration,
    /// Half-width of the band around one half within which a gender stays inconclusive (0 to 0.5).
    #[schemars(range(min = 0.0, max = 0.5))]
    pub unsure_band: f32,
    /// Faces narrower than this many pixels are not looked at.
    #[schemars(range(min = 1.0, max = 4096.0))]
    pub min_face_px: f32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            age: None,
            gender: None,
            pose: None,
            max_batch: 8,
            looks: 5,
            looks_needed: 3,
            again_after: Duration::from_secs(2),
            unsure_band: 0.1,
            min_face_px: 48.0,
        }
    }
}

/// The stage.
pub struct Classify {
    classifier: Box<dyn FaceClassifier>,
    dial: Arc<Dial>,
    rules: Asking,
    config: Config,
    tracks: PerTrack<Memory>,
}

/// What is remembered of one track.
#[derive(Debug, Default)]
struct Memory {
    asked: Asked,
    ages: Mean,
    female: Mean,
    pose: Finding<HeadPose>,
}

/// The latest values and how sure each was, newest last.
#[derive(Debug, Default)]
struct Mean {
    values: VecDeque<(f32, f32)>,
    asked: bool,
}

impl Mean {
    fn add(&mut self, look: Finding<f32>, most: u32) {
        self.asked |= look.asked();
        let Finding::Known { value, confidence } = look else { return };
        self.values.push_back((value, confidence));
        if self.values.len() > most as usize {
            self.values.pop_front();
        }
    }

    fn answer(&self, needed: u32) -> Finding<f32> {
        let count = self.values.len();
        match (self.asked, count >= needed.max(1) as usize) {
            (false, _) => Finding::NotAsked,
            (true, false) => Finding::Unsure,
            (true, true) => {
                let sum = self.values.iter().fold((0.0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
                Finding::Known { value: sum.0 / count as f32, confidence: sum.1 / count as f32 }
            }
        }
    }
}

impl AsMut<Asked> for Memory {
    fn as_mut(&mut self) -> &mut Asked {
        &mut self.asked
    }
}

impl Memory {
    fn add(&mut self, look: &Attributes, config: &Config) {
        self.ages.add(look.age, config.looks);
        self.female.add(look.female, config.looks);
        self.pose = look.pose.or(self.pose);
    }

    fn answer(&self, config: &Config) -> Attributes {
        let needed = config.looks_needed.min(config.looks);
        Attributes {
            age: self.ages.answer(needed),
            female: sure_enough(self.female.answer(needed), config.unsure_band),
            pose: self.pose,
            ..Attributes::default()
        }
    }
}

/// A probability near one half says nothing.
fn sure_enough(female: Finding<f32>, band: f32) -> Finding<f32> {
    match female {
        Finding::Known { value, .. } if (value - 0.5).abs() < band => Finding::Unsure,
        other => other,
    }
}

impl Classify {
    /// A classify stage over `classifier`.
    pub fn new(config: Config, classifier: Box<dyn FaceClassifier>, dial: Arc<Dial>) -> Self {
        let rules = Asking {
            at_birth: config.looks,
            spacing: SPACING,
            again_after: config.again_after,
            quality_gain: f32::INFINITY,
        };
        Self { classifier, dial, rules, config, tracks: PerTrack::default() }
    }

    /// Which faces of which packets are looked at now.
    fn choose(&mut self, batch: &[Packet]) -> Vec<(usize, usize)> {
        let (least, rules) = (self.config.min_face_px, self.rules.at(&self.dial));
        self.tracks.choose(batch, self.dial.looks(), |packet, face, memory| {
            face.bbox.w >= least && memory.asked.is_old(&rules, packet.frame.captured.at)
        })
    }

    fn look(&mut self, batch: &[Packet], chosen: &[(usize, usize)]) -> Result<(), StageError> {
        for some in chosen.chunks(self.dial.max_batch()) {
            let looks: Vec<_> = some.iter().map(|&(p, f)| look_at(&batch[p], f)).collect();
            let Some(found) = answered(self.classifier.classify(&looks))? else { return Ok(()) };
            for (&(p, f), found) in some.iter().zip(found) {
                let (frame, Some(track)) = (&batch[p].frame, batch[p].faces[f].track) else { continue };
                self.tracks.of(&frame.camera, track.id, frame.captured.at).add(&found, &self.config);
            }
        }
        Ok(())
    }
}

impl Stage for Classify {
    fn contract(&self) -> Contract {
        CONTRACT
    }

    fn process(&mut self, batch: &mut Vec<Packet>, now: Instant) -> Result<(), StageError> {
        if self.dial.enabled() {
            let chosen = self.choose(batch);
            self.look(batch, &chosen)?;
        }
        for packet in batch.iter_mut() {
            let (camera, at) = (&packet.frame.camera, packet.frame.captured.at);
            for face in &mut packet.faces {
                if let Some(track) = face.track {
                    let answer = self.tracks.of(camera, track.id, at).answer(&self.config);
                    face.attributes = answer.over(face.attributes);
                }
            }
        }
        self.tracks.forget_old(now);
        Ok(())
    }
}

#[cfg(test)]
#[path = "classify_tests.rs"]
mod tests;
