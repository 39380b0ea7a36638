//! `blink`: counts how often a followed face closes and opens its eyes. A printed face never does.
//!
//! A blink lasts a tenth to four tenths of a second, so every frame is looked at, which costs about 0.7 ms a face. The count
//! is evidence, not a verdict: `liveness` may ask for it (`blinks_needed`), events carry it. Next: `liveness`.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    asking::{PerTrack, answered},
    liveness::look_at,
};
use crate::flow::{Contract, Dial, Fact, Facts, Stage, StageError};
use crate::inference::EyeWatcher;
use crate::scene::{Finding, Packet, TrackPhase};

/// Needs faces on tracks; what it adds is part of what `liveness` goes by.
pub const CONTRACT: Contract =
    Contract { needs: Facts::of(&[Fact::Pixels, Fact::Faces, Fact::Tracks]), adds: Facts::NONE };

/// Eyes closed for longer are shut, not blinking. Spontaneous blinks last 100 to 400 ms.
const LONGEST: Duration = Duration::from_millis(800);

/// Settings of `blink`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Folder name of the model that finds 68 points, under the models directory.
    pub landmarks: String,
    /// Folder name of the model that judges one eye.
    pub eyes: String,
    /// Most faces in one run of the network.
    #[schemars(range(min = 1, max = 64))]
    pub max_batch: usize,
    /// Probability from which both eyes count as closed (0 to 1).
    #[schemars(range(min = 0.0, max = 1.0))]
    pub closed_from: f32,
    /// Probability below which they count as open again (0 to 1).
    #[schemars(range(min = 0.0, max = 1.0))]
    pub open_below: f32,
    /// Faces narrower than this many pixels are not looked at.
    #[schemars(range(min = 1.0, max = 4096.0))]
    pub min_face_px: f32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            landmarks: "landmarks68".to_owned(),
            eyes: "eye_state".to_owned(),
            max_batch: 8,
            closed_from: 0.8,
            open_below: 0.4,
            min_face_px: 64.0,
        }
    }
}

/// The stage.
pub struct Blink {
    watcher: Box<dyn EyeWatcher>,
    dial: Arc<Dial>,
    config: Config,
    tracks: PerTrack<Memory>,
}

/// What is remembered of one track.
#[derive(Debug, Default)]
struct Memory {
    /// Whether its eyes have been seen open; only then can they close.
    opened: bool,
    /// Since when they are closed.
    closed: Option<Instant>,
    answer: Finding<u32>,
}

impl Memory {
    /// Takes in the probability that the eyes are closed.
    fn see(&mut self, at: Instant, closed: Option<f32>, config: &Config) {
        let count = self.answer.known().copied().unwrap_or(0);
        match closed {
            Some(p) if p >= config.closed_from && self.opened => {
                self.closed.get_or_insert(at);
            }
            Some(p) if p < config.open_below => {
                let shut = self.closed.take().map(|since| at.saturating_duration_since(since));
                let blinked = shut.is_some_and(|time| time <= LONGEST);
                self.opened = true;
                self.answer = Finding::Known { value: count + u32::from(blinked), confidence: 1.0 };
            }
            None | Some(_) => {}
        }
        if !self.answer.asked() {
            self.answer = Finding::Unsure;
        }
    }
}

impl Blink {
    /// A blink stage over `watcher`.
    pub fn new(config: Config, watcher: Box<dyn EyeWatcher>, dial: Arc<Dial>) -> Self {
        Self { watcher, dial, config, tracks: PerTrack::default() }
    }

    fn choose(&self, batch: &[Packet]) -> Vec<(usize, usize)> {
        let mut chosen = Vec::new();
        for (p, packet) in batch.iter().enumerate() {
            let is_seen = |face: &crate::scene::FaceObservation| {
                let followed = face.track.is_some_and(|track| track.phase == TrackPhase::Confirmed);
                followed && face.bbox.w >= self.config.min_face_px
            };
            chosen.extend((0..packet.faces.len()).filter(|&f| is_seen(&packet.faces[f])).map(|f| (p, f)));
        }
        chosen
    }

    fn look(&mut self, batch: &[Packet], chosen: &[(usize, usize)]) -> Result<(), StageError> {
        for some in chosen.chunks(self.dial.max_batch()) {
            let looks: Vec<_> = some.iter().map(|&(p, f)| look_at(&batch[p], f)).collect();
            let Some(closed) = answered(self.watcher.closed(&looks))? else { return Ok(()) };
            for (&(p, f), closed) in some.iter().zip(closed) {
                let (frame, Some(track)) = (&batch[p].frame, batch[p].faces[f].track) else { continue };
                self.tracks.of(&frame.camera, track.id, frame.captured.at).see(frame.captured.at, closed, &self.config);
            }
        }
        Ok(())
    }
}

impl Stage for Blink {
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
                    face.blinks = self.tracks.of(camera, track.id, at).answer;
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
    use crate::flow::testing::now;

    /// The count after eyes were closed with these probabilities, 40 ms apart.
    fn count(closed: &[f32]) -> Finding<u32> {
        let (start, mut memory) = (now(), Memory::default());
        for (n, p) in (0..).zip(closed) {
            memory.see(start + Duration::from_millis(n * 40), Some(*p), &Config::default());
        }
        memory.answer
    }

    fn known(value: u32) -> Finding<u32> {
        Finding::Known { value, confidence: 1.0 }
    }

    #[test]
    fn open_closed_open_is_one_blink_however_many_frames_it_takes() {
        assert_eq!(count(&[0.1, 0.9, 0.1]), known(1));
        assert_eq!(count(&[0.1, 0.5, 0.9, 0.95, 0.6, 0.1, 0.1, 0.9, 0.1]), known(2));
        assert_eq!(count(&[0.1, 0.7, 0.1, 0.7, 0.1]), known(0), "half closed is no blink");
    }

    #[test]
    fn a_picture_shows_none_and_closed_eyes_tell_nothing() {
        assert_eq!(count(&[0.1; 50]), known(0));
        assert_eq!(count(&[0.95; 50]), Finding::Unsure, "never seen open");
        let asleep: Vec<f32> = [0.1].into_iter().chain([0.95; 50]).chain([0.1]).collect();
        assert_eq!(count(&asleep), known(0), "two seconds are no blink");
    }

    #[test]
    fn eyes_that_cannot_be_found_change_nothing() {
        let mut memory = Memory::default();
        memory.see(now(), None, &Config::default());
        assert_eq!(memory.answer, Finding::Unsure);
    }
}
