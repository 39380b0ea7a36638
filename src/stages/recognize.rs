//! `recognize`: who is it? One embedding at a track's birth, another when the face shows itself better or time has passed.
//!
//! The looks of a track are averaged (weighted by quality) and the mean is searched in the gallery; each look also votes.
//! When the votes split between two people the answer is "ambiguous", not the louder one. Next: `liveness`.

use std::{
    collections::BTreeMap,
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
use crate::inference::FaceEmbedder;
use crate::scene::{Embedding, Finding, Identity, IdentityDecision, Packet, PersonId, Score};
use crate::vision::Quality;

/// Needs faces with landmarks on tracks; adds identity.
pub const CONTRACT: Contract = Contract {
    needs: Facts::of(&[Fact::Pixels, Fact::Faces, Fact::Landmarks, Fact::Tracks]),
    adds: Facts::of(&[Fact::Identity]),
};

/// Least time between two looks at one track.
const SPACING: Duration = Duration::from_millis(150);

/// Share of the votes the leading person needs when another person was voted for too.
const CLEAR_MAJORITY: f32 = 0.7;

/// Settings of `recognize`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Folder name of the model under the models directory.
    pub model: String,
    /// Variant of the model, as its manifest names it; the manifest's first when absent.
    pub variant: Option<String>,
    /// Most faces in one run of the network, mixed across cameras.
    #[schemars(range(min = 1, max = 64))]
    pub max_batch: usize,
    /// Looks taken when a track is new.
    #[schemars(range(min = 1, max = 20))]
    pub looks: u32,
    /// Look again after this long.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Written")]
    pub again_after: Duration,
    /// Look again as soon as the face's quality exceeds the best so far by this much (0 to 1).
    #[schemars(range(min = 0.0, max = 2.0))]
    pub quality_gain: f32,
    /// Faces narrower than this many pixels are not looked at.
    #[schemars(range(min = 1.0, max = 4096.0))]
    pub min_face_px: f32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            model: "dlib_resnet".to_owned(),
            variant: None,
            max_batch: 8,
            looks: 1,
            again_after: Duration::from_secs(1),
            quality_gain: 0.15,
            min_face_px: 40.0,
        }
    }
}

/// What a gallery says of one embedding.
#[derive(Clone, Debug, PartialEq)]
pub struct Match {
    /// Known, unknown or ambiguous, by the gallery's own threshold and margin.
    pub decision: IdentityDecision,
    /// Similarity to the nearest person (larger is more alike), with the threshold it was held against.
    pub score: Score,
    /// Distance to the second-nearest person.
    pub margin: Option<f32>,
}

/// The people known, as this stage asks them.
pub trait People: Send {
    /// Who this embedding is nearest to.
    fn identify(&mut self, embedding: &Embedding) -> Result<Match, StageError>;

    /// Counts changes of the gallery; a new number makes every track be compared again.
    fn revision(&self) -> u64;
}

/// The stage.
pub struct Recognize {
    embedder: Box<dyn FaceEmbedder>,
    people: Box<dyn People>,
    dial: Arc<Dial>,
    rules: Asking,
    min_face_px: f32,
    tracks: PerTrack<Memory>,
}

/// What is remembered of one track.
#[derive(Debug, Default)]
struct Memory {
    asked: Asked,
    /// Quality-weighted sum of the looks' embeddings; its direction is the track's mean face.
    sum: Vec<f32>,
    weight: f32,
    length: f32,
    mean: Option<Embedding>,
    votes: BTreeMap<PersonId, u32>,
    looks: u32,
    revision: u64,
    answer: Finding<Identity>,
}

impl Recognize {
    /// A recognise stage over `embedder` and `people`.
    pub fn new(config: &Config, embedder: Box<dyn FaceEmbedder>, people: Box<dyn People>, dial: Arc<Dial>) -> Self {
        let rules = Asking {
            at_birth: config.looks,
            spacing: SPACING,
            again_after: config.again_after,
            quality_gain: config.quality_gain,
        };
        let min_face_px = config.min_face_px;
        Self { embedder, people, dial, rules, min_face_px, tracks: PerTrack::default() }
    }

    /// Which faces of which packets are looked at now.
    fn choose(&mut self, batch: &[Packet]) -> Vec<(usize, usize)> {
        let (least, rules) = (self.min_face_px, self.rules.at(&self.dial));
        self.tracks.choose(batch, self.dial.looks(), |packet, face, memory| {
            let at = packet.frame.captured.at;
            let visible = face.bbox.w >= least && face.landmarks.is_some();
            let quality = || Quality::of(face, &packet.frame.pixels).overall;
            visible && memory.asked.is_due(&rules, at, Quality::at_best(face), quality)
        })
    }

    fn look(&mut self, batch: &mut [Packet], chosen: &[(usize, usize)]) -> Result<(), StageError> {
        for some in chosen.chunks(self.dial.max_batch()) {
            let looks: Vec<_> = some.iter().map(|&(p, f)| look_at(&batch[p], f)).collect();
            let Some(embeddings) = answered(self.embedder.embed(&looks))? else { return Ok(()) };
            for (&(p, f), embedding) in some.iter().zip(embeddings) {
                batch[p].faces[f].embedding.clone_from(&embedding);
                self.remember(&batch[p], f, embedding)?;
            }
        }
        Ok(())
    }

    fn remember(&mut self, packet: &Packet, f: usize, embedding: Option<Embedding>) -> Result<(), StageError> {
        let face = &packet.faces[f];
        let (Some(track), Some(embedding)) = (face.track, embedding) else {
            return Ok(());
        };
        let vote = self.people.identify(&embedding)?;
        let memory = self.tracks.of(&packet.frame.camera, track.id, packet.frame.captured.at);
        memory.add(&embedding, Quality::of(face, &packet.frame.pixels).overall, vote);
        memory.answer(self.people.as_mut())
    }

    /// Copies the track's answer onto a face; compares the track again when the gallery has changed since.
    fn copy_answer(&mut self, packet: &mut Packet) -> Result<(), StageError> {
        let (camera, at) = (packet.frame.camera.clone(), packet.frame.captured.at);
        for face in &mut packet.faces {
            let Some(track) = face.track else { continue };
            let memory = self.tracks.of(&camera, track.id, at);
            if memory.mean.is_some() && memory.revision != self.people.revision() {
                memory.votes.clear();
                memory.answer(self.people.as_mut())?;
            }
            face.identity.clone_from(&memory.answer);
        }
        Ok(())
    }
}

impl AsMut<Asked> for Memory {
    fn as_mut(&mut self) -> &mut Asked {
        &mut self.asked
    }
}

fn norm(vector: &[f32]) -> f32 {
    vector.iter().map(|v| v * v).sum::<f32>().sqrt()
}

impl Memory {
    fn add(&mut self, embedding: &Embedding, quality: f32, vote: Match) {
        self.asked.saw(quality);
        if self.mean.as_ref().is_some_and(|mean| mean.space != embedding.space) {
            *self = Self { asked: self.asked, ..Self::default() };
        }
        self.sum.resize(embedding.values.len(), 0.0);
        let weight = quality.max(0.05);
        self.sum.iter_mut().zip(embedding.values.iter()).for_each(|(sum, value)| *sum += weight * value);
        self.length += weight * norm(&embedding.values);
        self.weight += weight;
        // Averaging shortens; the mean keeps the looks' mean length, which is 1 in a space measured by cosine.
        let scale = self.length / self.weight / norm(&self.sum).max(f32::MIN_POSITIVE);
        let values = self.sum.iter().map(|v| v * scale).collect();
        self.mean = Some(Embedding { space: Arc::clone(&embedding.space), values });
        self.looks += 1;
        if let IdentityDecision::Known(person) = vote.decision {
            *self.votes.entry(person).or_default() += 1;
        }
    }

    /// Searches the mean face and weighs the result against the votes.
    fn answer(&mut self, people: &mut dyn People) -> Result<(), StageError> {
        let Some(mean) = &self.mean else { return Ok(()) };
        self.revision = people.revision();
        let found = people.identify(mean)?;
        let decision = if self.split_vote() { IdentityDecision::Ambiguous } else { found.decision };
        let confidence = found.score.value.clamp(0.0, 1.0);
        let value = Identity { decision, score: found.score, margin: found.margin, looks: self.looks };
        self.answer = Finding::Known { value, confidence };
        Ok(())
    }

    fn split_vote(&self) -> bool {
        let all: u32 = self.votes.values().sum();
        let leading = self.votes.values().copied().max().unwrap_or(0);
        self.votes.len() > 1 && (leading as f32) < CLEAR_MAJORITY * all as f32
    }
}

impl Stage for Recognize {
    fn contract(&self) -> Contract {
        CONTRACT
    }

    fn process(&mut self, batch: &mut Vec<Packet>, now: Instant) -> Result<(), StageError> {
        if self.dial.enabled() {
            let chosen = self.choose(batch);
            self.look(batch, &chosen)?;
        }
        for packet in batch.iter_mut() {
            self.copy_answer(packet)?;
        }
        self.tracks.forget_old(now);
        Ok(())
    }
}

#[cfg(test)]
#[path = "recognize_tests.rs"]
mod tests;
