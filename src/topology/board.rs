//! What is going on right now, for whoever shows it: the terminal view, the health endpoint, the steering thread.
//!
//! Written by cameras and by the publish stage's events, read as one [`Snapshot`].

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use crate::media::ClockReading;
use crate::memory::Size;
use crate::scene::CameraId;

/// Lines of the event tail that are kept.
const TAIL: usize = 64;

/// Who is in front of a camera, as last told to subscribers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presence {
    /// The visit's id.
    pub visit: String,
    /// A display name, "unknown", "ambiguous" or "…" while nobody has decided.
    pub who: String,
    /// The liveness state's word: `pass`, `fail`, `inconclusive`, `not_checked`.
    pub liveness: String,
}

/// One camera's line.
#[derive(Clone, Debug, Default)]
pub struct CameraLine {
    /// The state's word, and a detail after it.
    pub state: String,
    /// Its last words on how it is doing, such as `H.264 by avdec_h264 over tcp`.
    pub detail: String,
    /// Frames decoded so far.
    pub frames: u64,
    /// Frames a second over the last full second.
    pub fps: f32,
    /// Size of the last one; `None` before the first.
    pub size: Option<Size>,
    /// Frames thrown away so far.
    pub drops: u64,
    /// How its clock stands to ours, once its sender reports have told.
    pub clock: Option<ClockReading>,
    /// Who is there.
    pub present: Vec<Presence>,
    counted: Option<(Instant, u64)>,
}

/// One line of the event tail.
#[derive(Clone, Debug)]
pub struct TailLine {
    /// When it was shown, as local wall-clock text.
    pub at: String,
    /// The line.
    pub text: String,
}

/// Everything at one moment.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Cameras by id.
    pub cameras: BTreeMap<CameraId, CameraLine>,
    /// The latest events, newest last.
    pub tail: Vec<TailLine>,
    /// Visits opened so far.
    pub visits: u64,
}

/// The shared state behind the snapshots.
#[derive(Debug, Default)]
pub struct Board {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    cameras: BTreeMap<CameraId, CameraLine>,
    tail: VecDeque<TailLine>,
    visits: u64,
}

impl Board {
    /// A camera says how it is doing; whether that is news.
    pub fn camera_state(&self, camera: &CameraId, state: String) -> bool {
        let mut board = self.lock();
        let line = board.camera(camera);
        let is_news = line.state != state;
        line.state = state;
        is_news
    }

    /// How a camera's clock stands to ours.
    pub fn camera_clock(&self, camera: &CameraId, reading: ClockReading) {
        self.lock().camera(camera).clock = Some(reading);
    }

    /// A camera says more about how it is doing.
    pub fn camera_detail(&self, camera: &CameraId, detail: &str) {
        detail.clone_into(&mut self.lock().camera(camera).detail);
    }

    /// A camera delivered a frame of this size.
    pub fn frame(&self, camera: &CameraId, size: Size, at: Instant) {
        let mut board = self.lock();
        let line = board.camera(camera);
        line.size = Some(size);
        line.count(at);
    }

    /// A camera was removed: its line goes.
    pub fn forget(&self, camera: &CameraId) {
        self.lock().cameras.remove(camera);
    }

    /// Frames that all cameras delivered so far.
    pub fn frames(&self) -> u64 {
        self.lock().cameras.values().map(|line| line.frames).sum()
    }

    /// Somebody appeared, or something became known of them.
    pub fn present(&self, camera: &CameraId, presence: Presence, is_new: bool) {
        let mut state = self.lock();
        state.visits += u64::from(is_new);
        // The last visits of a camera are told after it was removed; they do not bring its line back.
        let Some(line) = state.cameras.get_mut(camera) else { return };
        line.present.retain(|p| p.visit != presence.visit);
        line.present.push(presence);
    }

    /// Somebody left.
    pub fn gone(&self, camera: &CameraId, visit: &str) {
        if let Some(line) = self.lock().cameras.get_mut(camera) {
            line.present.retain(|p| p.visit != visit);
        }
    }

    /// Adds a line to the event tail.
    pub fn tell(&self, line: TailLine) {
        let mut state = self.lock();
        if state.tail.len() == TAIL {
            state.tail.pop_front();
        }
        state.tail.push_back(line);
    }

    /// Everything now; `drops` says how many frames a camera lost.
    pub fn snapshot(&self, drops: impl Fn(&CameraId) -> u64) -> Snapshot {
        let state = self.lock();
        let mut cameras = state.cameras.clone();
        for (id, line) in &mut cameras {
            line.drops = drops(id);
        }
        Snapshot { cameras, tail: state.tail.iter().cloned().collect(), visits: state.visits }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn camera(&mut self, camera: &CameraId) -> &mut CameraLine {
        self.cameras.entry(camera.clone()).or_default()
    }
}

impl CameraLine {
    fn count(&mut self, at: Instant) {
        self.frames += 1;
        let (since, frames) = *self.counted.get_or_insert((at, self.frames));
        let elapsed = at.saturating_duration_since(since).as_secs_f32();
        if elapsed >= 1.0 {
            self.fps = (self.frames - frames) as f32 / elapsed;
            self.counted = Some((at, self.frames));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::testing::now;
    use std::time::Duration;

    #[test]
    fn frames_a_second_and_presence_are_what_an_onlooker_sees() {
        let (board, camera, start) = (Board::default(), CameraId::new("gate").unwrap(), now());
        (0..=60).for_each(|n| board.frame(&camera, Size::new(64, 64), start + Duration::from_millis(n * 40)));
        let presence = |who: &str| Presence { visit: "v1".into(), who: who.into(), liveness: "pass".into() };
        board.present(&camera, presence("…"), true);
        board.present(&camera, presence("Ada"), false);
        let line = &board.snapshot(|_| 3).cameras[&camera];
        assert!((line.fps - 25.0).abs() < 0.5, "{}", line.fps);
        assert_eq!((line.drops, line.present.clone()), (3, vec![presence("Ada")]));
        board.gone(&camera, "v1");
        assert!(board.snapshot(|_| 0).cameras[&camera].present.is_empty());
    }
}
