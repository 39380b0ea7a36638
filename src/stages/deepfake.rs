//! `deepfake`: a synthetic-image score, **experimental**. Scores a followed face as a generated picture, slowly and rarely.
//!
//! The only weights to be had from a package are weak by their own card (area under the curve 0.82, recall 31 %, made for
//! whole generated images and not for swapped faces), so the answer is a hint for a person and nothing acts on it. One look
//! takes 0.1 s and more: they are spaced over the whole graph, not only by track. Off unless a pipeline names it.
//! Next: `publish` (or any sink).

use std::{
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
use crate::inference::LivenessJudge;
use crate::scene::{Finding, Packet, Score, ScoreKind, TrackPhase};

/// Needs faces on tracks; adds attributes.
pub const CONTRACT: Contract =
    Contract { needs: Facts::of(&[Fact::Pixels, Fact::Faces, Fact::Tracks]), adds: Facts::of(&[Fact::Attributes]) };

/// Settings of `deepfake`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Folder name of the model under the models directory; fetched by `make setup-extra`.
    pub model: String,
    /// Variant of the model, as its manifest names it; the manifest's first when absent.
    pub variant: Option<String>,
    /// Looks at one track before there is an answer; the answer is the mean over all.
    #[schemars(range(min = 1, max = 20))]
    pub looks: u32,
    /// Least time between two looks, whatever cameras and tracks: one look is slow.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Written")]
    pub every: Duration,
    /// Look at the same track again after this long.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Written")]
    pub again_after: Duration,
    /// Mean score from which a face counts as generated (0 to 1).
    #[schemars(range(min = 0.0, max = 1.0))]
    pub synthetic_from: f32,
    /// Mean score up to which it counts as genuine (0 to 1); between the two it stays inconclusive.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub genuine_to: f32,
    /// Faces narrower than this many pixels are not looked at.
    #[schemars(range(min = 1.0, max = 4096.0))]
    pub min_face_px: f32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            model: "clip_probe".to_owned(),
            variant: None,
            looks: 3,
            every: Duration::from_secs(2),
            again_after: Duration::from_secs(30),
            synthetic_from: 0.65,
            genuine_to: 0.35,
            min_face_px: 96.0,
        }
    }
}

/// The stage.
pub struct Deepfake {
    judge: Box<dyn LivenessJudge>,
    dial: Arc<Dial>,
    rules: Asking,
    config: Config,
    last: Option<Instant>,
    tracks: PerTrack<Memory>,
}

/// What is remembered of one track.
#[derive(Debug, Default)]
struct Memory {
    asked: Asked,
    sum: f32,
    looks: u32,
    answer: Finding<Score>,
}

impl Deepfake {
    /// A deepfake stage over `judge`, which says how likely a face is generated.
    pub fn new(config: Config, judge: Box<dyn LivenessJudge>, dial: Arc<Dial>) -> Self {
        let rules = Asking {
            at_birth: config.looks,
            spacing: config.every,
            again_after: config.again_after,
            quality_gain: f32::INFINITY,
        };
        Self { judge, dial, rules, config, last: None, tracks: PerTrack::default() }
    }

    /// The one face to look at now, if it is time.
    fn choose(&mut self, batch: &[Packet]) -> Option<(usize, usize)> {
        let rules = self.rules.at(&self.dial);
        for (p, packet) in batch.iter().enumerate().filter(|(_, packet)| packet.detected) {
            let at = packet.frame.captured.at;
            if self.last.is_some_and(|last| at.saturating_duration_since(last) < self.config.every) {
                continue;
            }
            for (f, face) in packet.faces.iter().enumerate() {
                let Some(track) = face.track.filter(|t| t.phase == TrackPhase::Confirmed) else { continue };
                let memory = self.tracks.of(&packet.frame.camera, track.id, at);
                if face.bbox.w >= self.config.min_face_px && memory.asked.is_old(&rules, at) {
                    memory.asked.looked(at);
                    self.last = Some(at);
                    return Some((p, f));
                }
            }
        }
        None
    }

    fn look(&mut self, packet: &Packet, f: usize) -> Result<(), StageError> {
        let Some(scores) = answered(self.judge.judge(&[look_at(packet, f)]))? else { return Ok(()) };
        let (Some(track), Some(score)) = (packet.faces[f].track, scores.first().copied().flatten()) else {
            return Ok(());
        };
        self.tracks.of(&packet.frame.camera, track.id, packet.frame.captured.at).add(score, &self.config);
        Ok(())
    }
}

impl Memory {
    fn add(&mut self, score: f32, config: &Config) {
        self.sum += score;
        self.looks += 1;
        self.answer = decide(self.sum / self.looks as f32, self.looks, config);
    }
}

fn decide(mean: f32, looks: u32, config: &Config) -> Finding<Score> {
    if looks < config.looks || (mean > config.genuine_to && mean < config.synthetic_from) {
        return Finding::Unsure;
    }
    let score = Score { value: mean, kind: ScoreKind::Probability, threshold: config.synthetic_from };
    Finding::Known { value: score, confidence: (mean - 0.5).abs() * 2.0 }
}

impl Stage for Deepfake {
    fn contract(&self) -> Contract {
        CONTRACT
    }

    fn process(&mut self, batch: &mut Vec<Packet>, now: Instant) -> Result<(), StageError> {
        if self.dial.enabled()
            && let Some((p, f)) = self.choose(batch)
        {
            self.look(&batch[p], f)?;
        }
        for packet in batch.iter_mut() {
            let (camera, at) = (&packet.frame.camera, packet.frame.captured.at);
            for face in &mut packet.faces {
                if let Some(track) = face.track {
                    face.attributes.synthetic = self.tracks.of(camera, track.id, at).answer;
                }
            }
        }
        self.tracks.forget_old(now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::testing::{now, packet};
    use crate::inference::{InferenceError, Look};
    use crate::scene::{BBox, FaceObservation, TrackId, TrackState};

    struct Says(f32, Arc<std::sync::atomic::AtomicUsize>);

    impl LivenessJudge for Says {
        fn judge(&mut self, looks: &[Look<'_>]) -> Result<Vec<Option<f32>>, InferenceError> {
            self.1.fetch_add(looks.len(), std::sync::atomic::Ordering::Relaxed);
            Ok(vec![Some(self.0); looks.len()])
        }
    }

    /// Plays ten seconds with two faces a frame; the first face's last answer, and the looks taken.
    fn play(score: f32) -> (Finding<Score>, usize) {
        let (looks, dial) = (Arc::default(), Arc::new(Dial::new(1, Duration::ZERO)));
        let mut stage = Deepfake::new(Config::default(), Box::new(Says(score, Arc::clone(&looks))), dial);
        let (start, mut answer) = (now(), Finding::NotAsked);
        for n in 0..100 {
            let mut one = packet("gate", n);
            one.detected = true;
            one.frame.captured.at = start + Duration::from_millis(n * 100);
            for id in 1..=2 {
                let mut face = FaceObservation::detected(BBox::new(0.0, 0.0, 120.0, 120.0), None, 0.9);
                face.track = Some(TrackState { id: TrackId(id), phase: TrackPhase::Confirmed, hits: 3 });
                one.faces.push(face);
            }
            let mut batch = vec![one];
            stage.process(&mut batch, start).unwrap();
            answer = batch[0].faces[0].attributes.synthetic;
        }
        (answer, looks.load(std::sync::atomic::Ordering::Relaxed))
    }

    #[test]
    fn looks_are_rare_and_an_answer_takes_several() {
        let (answer, looks) = play(0.9);
        assert_eq!(looks, 5, "one every two seconds, over both faces");
        assert!((answer.known().unwrap().value - 0.9).abs() < 1e-6);
    }

    #[test]
    fn its_own_band_of_doubt_stays_inconclusive() {
        assert_eq!(play(0.5).0, Finding::Unsure);
        assert!(play(0.2).0.known().is_some_and(|score| score.value < score.threshold));
    }
}
