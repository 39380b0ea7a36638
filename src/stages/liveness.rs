//! `liveness`: is this a live person or a picture of one? Judged by a passive model over several looks at a track.
//!
//! A single look proves little: the answer is the mean over the last looks, `Unsure` until there are enough of them, and
//! `NotAsked` for tracks too small or too new to be looked at. A look falls on a frame that the recogniser leaves alone. Next: `publish` (or any sink).

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
};
use crate::flow::{Contract, Dial, Fact, Facts, Stage, StageError};
use crate::inference::{LivenessJudge, Look};
use crate::scene::{FaceObservation, Finding, Liveness as Answer, Packet, Score, ScoreKind};

/// Needs faces on tracks; adds liveness.
pub const CONTRACT: Contract =
    Contract { needs: Facts::of(&[Fact::Pixels, Fact::Faces, Fact::Tracks]), adds: Facts::of(&[Fact::Liveness]) };

/// Least time between the first looks at a track: neighbouring frames say the same thing twice.
const SPACING: Duration = Duration::from_millis(100);

/// Settings of `liveness`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Folder name of the model under the models directory.
    pub model: String,
    /// Variant of the model, as its manifest names it; the manifest's first when absent.
    pub variant: Option<String>,
    /// Most faces in one run of the network.
    #[schemars(range(min = 1, max = 64))]
    pub max_batch: usize,
    /// Looks taken when a track is new; the answer is the mean over as many of the latest looks.
    #[schemars(range(min = 1, max = 50))]
    pub looks: u32,
    /// Looks before there is an answer at all; fewer leave it inconclusive.
    #[schemars(range(min = 1, max = 50))]
    pub looks_needed: u32,
    /// Look again after this long.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Written")]
    pub again_after: Duration,
    /// Mean probability of "live" from which a track passes (0 to 1).
    #[schemars(range(min = 0.0, max = 1.0))]
    pub threshold: f32,
    /// Half-width of the band around the threshold within which the answer stays inconclusive (0 to 0.5).
    #[schemars(range(min = 0.0, max = 0.5))]
    pub unsure_band: f32,
    /// Faces narrower than this many pixels are not looked at.
    #[schemars(range(min = 1.0, max = 4096.0))]
    pub min_face_px: f32,
    /// Blinks a track must have shown before it can pass; until then it stays inconclusive. Needs a stage `blink` before
    /// this one; 0 asks for none.
    #[schemars(range(min = 0, max = 10))]
    pub blinks_needed: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            model: "minifasnet".to_owned(),
            variant: None,
            max_batch: 8,
            looks: 5,
            looks_needed: 3,
            again_after: Duration::from_secs(1),
            threshold: 0.5,
            unsure_band: 0.1,
            min_face_px: 48.0,
            blinks_needed: 0,
        }
    }
}

/// The stage.
pub struct Liveness {
    judge: Box<dyn LivenessJudge>,
    dial: Arc<Dial>,
    rules: Asking,
    config: Config,
    tracks: PerTrack<Memory>,
}

/// What is remembered of one track.
#[derive(Debug, Default)]
struct Memory {
    asked: Asked,
    /// The latest looks' probabilities, newest last.
    scores: VecDeque<f32>,
    looks: u32,
    /// The look that is due was put off, because the recogniser had asked about the same frame.
    put_off: bool,
    answer: Finding<Answer>,
}

impl Liveness {
    /// A liveness stage over `judge`.
    pub fn new(config: Config, judge: Box<dyn LivenessJudge>, dial: Arc<Dial>) -> Self {
        let rules = Asking {
            at_birth: config.looks,
            spacing: SPACING,
            again_after: config.again_after,
            quality_gain: f32::INFINITY,
        };
        Self { judge, dial, rules, config, tracks: PerTrack::default() }
    }

    /// Which faces of which packets are looked at now.
    fn choose(&mut self, batch: &[Packet]) -> Vec<(usize, usize)> {
        let (least, rules) = (self.config.min_face_px, self.rules.at(&self.dial));
        self.tracks.choose(batch, self.dial.looks(), |packet, face, memory| {
            face.bbox.w >= least && memory.asked.is_old(&rules, packet.frame.captured.at) && !memory.puts_off(face)
        })
    }

    fn look(&mut self, batch: &[Packet], chosen: &[(usize, usize)]) -> Result<(), StageError> {
        for some in chosen.chunks(self.dial.max_batch()) {
            let looks: Vec<_> = some.iter().map(|&(p, f)| look_at(&batch[p], f)).collect();
            let Some(scores) = answered(self.judge.judge(&looks))? else { return Ok(()) };
            for (&(p, f), score) in some.iter().zip(scores) {
                self.remember(&batch[p], f, score);
            }
        }
        Ok(())
    }

    fn remember(&mut self, packet: &Packet, face: usize, score: Option<f32>) {
        let (Some(track), Some(score)) = (packet.faces[face].track, score) else {
            return;
        };
        let memory = self.tracks.of(&packet.frame.camera, track.id, packet.frame.captured.at);
        memory.add(score, &self.config);
    }
}

/// The face `f` of a packet, as models want to see it.
pub(super) fn look_at(packet: &Packet, f: usize) -> Look<'_> {
    Look { pixels: &packet.frame.pixels, face: &packet.faces[f] }
}

impl AsMut<Asked> for Memory {
    fn as_mut(&mut self) -> &mut Asked {
        &mut self.asked
    }
}

impl Memory {
    /// A frame on which the recogniser has just asked about this face goes on without another network: who it is reaches
    /// subscribers that much sooner, and the next frame is as good for this. A look is put off once, never twice.
    fn puts_off(&mut self, face: &FaceObservation) -> bool {
        self.put_off = face.embedding.is_some() && !self.put_off;
        self.put_off
    }

    fn add(&mut self, score: f32, config: &Config) {
        self.scores.push_back(score);
        if self.scores.len() > config.looks as usize {
            self.scores.pop_front();
        }
        self.looks += 1;
        let mean = self.scores.iter().sum::<f32>() / self.scores.len() as f32;
        self.answer = decide(mean, self.looks, config);
    }
}

/// The answer for a mean probability over so many looks.
fn decide(mean: f32, looks: u32, config: &Config) -> Finding<Answer> {
    let distance = mean - config.threshold;
    if looks < config.looks_needed || distance.abs() < config.unsure_band {
        return Finding::Unsure;
    }
    let score = Score { value: mean, kind: ScoreKind::Probability, threshold: config.threshold };
    Finding::Known { value: Answer { live: distance > 0.0, score, looks }, confidence: (distance.abs() * 2.0).min(1.0) }
}

impl Stage for Liveness {
    fn contract(&self) -> Contract {
        CONTRACT
    }

    fn process(&mut self, batch: &mut Vec<Packet>, now: Instant) -> Result<(), StageError> {
        if self.dial.enabled() {
            let chosen = self.choose(batch);
            self.look(batch, &chosen)?;
        }
        for packet in batch.iter_mut() {
            let at = packet.frame.captured.at;
            for face in &mut packet.faces {
                copy_answer(&mut self.tracks, &packet.frame.camera, at, face);
                hold_back(face, self.config.blinks_needed);
            }
        }
        self.tracks.forget_old(now);
        Ok(())
    }
}

/// A face that passed by its looks waits for its blinks; a picture of a face never shows one.
fn hold_back(face: &mut FaceObservation, blinks_needed: u32) {
    let passed = face.liveness.known().is_some_and(|answer| answer.live);
    if passed && face.blinks.known().copied().unwrap_or(0) < blinks_needed {
        face.liveness = Finding::Unsure;
    }
}

fn copy_answer(
    tracks: &mut PerTrack<Memory>,
    camera: &crate::scene::CameraId,
    at: Instant,
    face: &mut FaceObservation,
) {
    if let Some(track) = face.track {
        face.liveness = tracks.of(camera, track.id, at).answer;
    }
}

#[cfg(test)]
#[path = "liveness_tests.rs"]
mod tests;
