//! When to look at a track again. Looking costs a network run, so a question is asked once a track, again when the face
//! shows itself better than before, and again when the last answer has grown old.
//!
//! Shared by every stage that looks at followed faces; each keeps one [`Asked`] a track in a [`PerTrack`].

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use crate::flow::{Dial, StageError};
use crate::inference::InferenceError;
use crate::scene::{CameraId, FaceObservation, Packet, TrackId, TrackPhase};

/// A track not seen for this long is forgotten. Longer than any occlusion the tracker bridges.
const FORGET_AFTER: Duration = Duration::from_secs(30);

/// How often memory is searched for tracks to forget.
const SWEEP_EVERY: Duration = Duration::from_secs(5);

/// The rules for one question.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asking {
    /// Looks taken one right after the other when a track is new.
    pub(super) at_birth: u32,
    /// Least time between two of those looks, so that they see different moments.
    pub(super) spacing: Duration,
    /// Ask again after this long.
    pub(super) again_after: Duration,
    /// Ask again as soon as quality exceeds the best so far by this much (0 to 1); above 1 means never.
    pub(super) quality_gain: f32,
}

/// What was asked about one track so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Asked {
    last: Option<Instant>,
    best_quality: f32,
    looks: u32,
}

/// What a network answered; `None` where memory ran out for a single face on every rung there is. That is no end: what
/// is known stays, and it is asked again later.
pub(super) fn answered<T>(answer: Result<T, InferenceError>) -> Result<Option<T>, StageError> {
    match answer {
        Err(cause) if cause.is_out_of_memory() => {
            tracing::error!(%cause, "no room to look here; what is known stays, and it is asked again later");
            Ok(None)
        }
        answer => answer.map(Some).map_err(StageError::new),
    }
}

impl Asking {
    /// The same rules at the pace the dial asks for.
    pub(super) fn at(self, dial: &Dial) -> Self {
        let later = |time: Duration| time.mul_f64(dial.again());
        Self { spacing: later(self.spacing), again_after: later(self.again_after), ..self }
    }
}

impl Asked {
    /// Whether it is time to look. `at_best` bounds the quality from above, cheaply; `quality` is asked only when it decides.
    pub(super) fn is_due(&self, rules: &Asking, at: Instant, at_best: f32, quality: impl FnOnce() -> f32) -> bool {
        let Some(last) = self.last else { return true };
        let since = at.saturating_duration_since(last);
        if since < rules.spacing {
            return false;
        }
        let wanted = self.best_quality + rules.quality_gain;
        self.looks < rules.at_birth || since >= rules.again_after || (at_best > wanted && quality() > wanted)
    }

    /// Whether it is time to look, where quality plays no part.
    pub(super) fn is_old(&self, rules: &Asking, at: Instant) -> bool {
        self.is_due(rules, at, 0.0, || 0.0)
    }

    /// Remembers that a look is taken.
    pub(super) fn looked(&mut self, at: Instant) {
        self.last = Some(at);
        self.looks = self.looks.saturating_add(1);
    }

    /// Remembers how well the face showed itself on a look, 0 to 1.
    pub(super) fn saw(&mut self, quality: f32) {
        self.best_quality = self.best_quality.max(quality);
    }
}

/// Something remembered per track and forgotten when the track has long gone.
#[derive(Debug)]
pub(super) struct PerTrack<T> {
    tracks: HashMap<(CameraId, TrackId), (T, Instant)>,
    swept: Option<Instant>,
}

impl<T> Default for PerTrack<T> {
    fn default() -> Self {
        Self { tracks: HashMap::new(), swept: None }
    }
}

impl<T: Default> PerTrack<T> {
    /// What is remembered of this track; marks it as seen at `at`.
    pub(super) fn of(&mut self, camera: &CameraId, track: TrackId, at: Instant) -> &mut T {
        let (memory, seen) = self.tracks.entry((camera.clone(), track)).or_insert_with(|| (T::default(), at));
        *seen = at;
        memory
    }

    /// Forgets tracks that have not been seen for long. Cheap when called often.
    pub(super) fn forget_old(&mut self, now: Instant) {
        if self.swept.is_some_and(|swept| now.saturating_duration_since(swept) < SWEEP_EVERY) {
            return;
        }
        self.swept = Some(now);
        self.tracks.retain(|_, (_, seen)| now.saturating_duration_since(*seen) < FORGET_AFTER);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.tracks.len()
    }
}

impl<T: Default + AsMut<Asked>> PerTrack<T> {
    /// Positions (packet, face) of the faces to look at now, which count as looked at: those on confirmed tracks of frames
    /// that were searched, for which `due` says so, given the packet, the face and what is remembered of its track; of one
    /// frame no more than `most`, those first that have waited longest.
    pub(super) fn choose(
        &mut self,
        batch: &[Packet],
        most: usize,
        mut due: impl FnMut(&Packet, &FaceObservation, &mut T) -> bool,
    ) -> Vec<(usize, usize)> {
        let mut chosen = Vec::new();
        for (p, packet) in batch.iter().enumerate().filter(|(_, packet)| packet.detected) {
            let (camera, at) = (&packet.frame.camera, packet.frame.captured.at);
            let mut turns = Vec::new();
            for (f, face) in packet.faces.iter().enumerate() {
                let Some(track) = face.track.filter(|t| t.phase == TrackPhase::Confirmed) else { continue };
                let memory = self.of(camera, track.id, at);
                if due(packet, face, memory) {
                    turns.push((memory.as_mut().last, f, track.id));
                }
            }
            turns.sort_by_key(|(last, ..)| *last);
            for (_, f, track) in turns.into_iter().take(most) {
                self.of(camera, track, at).as_mut().looked(at);
                chosen.push((p, f));
            }
        }
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::testing::now;

    const RULES: Asking = Asking {
        at_birth: 2,
        spacing: Duration::from_millis(100),
        again_after: Duration::from_secs(1),
        quality_gain: 0.2,
    };

    #[test]
    fn asks_at_birth_then_when_better_then_when_old() {
        let (start, mut asked, mut looks) = (now(), Asked::default(), Vec::new());
        for frame in 0..90_u64 {
            let at = start + Duration::from_millis(frame * 33);
            let quality = if frame >= 10 { 0.9 } else { 0.5 };
            if asked.is_due(&RULES, at, 1.0, || quality) {
                asked.looked(at);
                asked.saw(quality);
                looks.push(frame);
            }
        }
        assert_eq!(looks, [0, 4, 10, 41, 72], "birth, second look, better, old, old");
    }

    #[test]
    fn memory_that_runs_out_ends_no_stage_and_other_faults_do() {
        let model = || "toy".to_owned();
        let full = InferenceError::OutOfMemory { model: model(), batch: 1, problem: "no room".into() };
        assert!(answered::<u8>(Err(full)).unwrap().is_none());
        assert!(answered::<u8>(Err(InferenceError::Run { model: model(), problem: "broken".into() })).is_err());
        assert_eq!(answered(Ok(3_u8)).unwrap(), Some(3));
    }

    #[test]
    fn old_tracks_are_forgotten() {
        let (start, mut memory) = (now(), PerTrack::<u8>::default());
        let camera = CameraId::new("a").unwrap();
        memory.of(&camera, TrackId(1), start);
        memory.of(&camera, TrackId(2), start + FORGET_AFTER);
        memory.forget_old(start + FORGET_AFTER + Duration::from_secs(1));
        assert_eq!(memory.len(), 1);
    }
}
