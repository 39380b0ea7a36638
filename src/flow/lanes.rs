//! One slot per camera in front of the first stage. This is where live frames are thrown away: always the oldest, always
//! counted. A 60 fps camera cannot starve a 10 fps one, since the reader takes one frame a camera in turn.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::Drops;
use crate::scene::{CameraId, Frame};

/// How many frames a lossless lane holds before its source waits: one being read, one decoded ahead.
const LOSSLESS_DEPTH: usize = 2;

/// What a lane does with a frame that arrives before the previous one was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LaneKind {
    /// Live: the newer frame replaces the older one, which is counted as dropped.
    NewestWins,
    /// Files played as fast as possible: the source waits, nothing is lost.
    Lossless,
}

/// Whether an offered frame was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// Yes (an older one may have been dropped for it).
    Yes,
    /// The reader has gone; the source should end.
    ReaderGone,
}

/// What a sweep over the lanes brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Swept {
    /// At least one frame.
    Frames,
    /// None until the deadline.
    Nothing,
    /// No lane is open any more, none will be opened, and all are empty.
    Ended,
}

/// All lanes. Cameras come and go while the graph runs.
#[derive(Clone, Debug)]
pub struct Lanes {
    shared: Arc<Shared>,
}

/// A camera's way in. Dropping it closes the lane once its last frame is taken.
#[derive(Debug)]
pub struct LaneInlet {
    shared: Arc<Shared>,
    id: u64,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// A frame arrived, a lane closed, or the lanes were sealed.
    changed: Condvar,
    /// A lossless lane has room again, or the reader has gone.
    room: Condvar,
    drops: Drops,
    overtaken: Arc<str>,
}

#[derive(Debug, Default)]
struct State {
    lanes: Vec<Lane>,
    next_id: u64,
    /// Where the next sweep starts, so that every camera gets its turn.
    turn: usize,
    sealed: bool,
    reader_gone: bool,
}

#[derive(Debug)]
struct Lane {
    id: u64,
    camera: CameraId,
    kind: LaneKind,
    open: bool,
    frames: VecDeque<Frame>,
}

impl Lanes {
    /// No lanes yet; what they drop is counted in `drops` under the reason "overtaken".
    pub fn new(drops: &Drops) -> Self {
        let shared = Shared {
            state: Mutex::default(),
            changed: Condvar::new(),
            room: Condvar::new(),
            drops: drops.clone(),
            overtaken: Arc::from("overtaken"),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Opens a lane for a camera.
    pub fn open(&self, camera: &CameraId, kind: LaneKind) -> LaneInlet {
        let mut state = self.shared.lock();
        let id = state.next_id;
        state.next_id += 1;
        state.lanes.push(Lane { id, camera: camera.clone(), kind, open: true, frames: VecDeque::new() });
        LaneInlet { shared: Arc::clone(&self.shared), id }
    }

    /// No further camera will be opened: once all lanes are closed and empty, sweeps say so.
    pub fn seal(&self) {
        self.shared.lock().sealed = true;
        self.shared.changed.notify_all();
    }

    /// Takes [`seal`](Self::seal) back. False when that comes too late: the last sweep has been told of the end, or is
    /// about to be.
    pub fn reopen(&self) -> bool {
        let mut state = self.shared.lock();
        if state.ended() {
            return false;
        }
        state.sealed = false;
        true
    }

    /// Nobody will sweep any more: sources learn it at their next offer.
    pub fn close(&self) {
        let mut state = self.shared.lock();
        state.reader_gone = true;
        state.lanes.iter_mut().for_each(|lane| lane.frames.clear());
        self.shared.room.notify_all();
        self.shared.changed.notify_all();
    }

    /// Frames waiting in all lanes.
    pub fn depth(&self) -> usize {
        self.shared.lock().lanes.iter().map(|lane| lane.frames.len()).sum()
    }

    /// Moves up to `most` frames into `into`, one a camera in turn, waiting until `deadline` for the first.
    pub fn sweep(&self, most: usize, deadline: Instant, clock: impl Fn() -> Instant, into: &mut Vec<Frame>) -> Swept {
        let mut state = self.shared.lock();
        loop {
            if state.take(most, into) > 0 {
                self.shared.room.notify_all();
                return Swept::Frames;
            }
            if state.ended() {
                return Swept::Ended;
            }
            let left = deadline.saturating_duration_since(clock());
            if left.is_zero() {
                return Swept::Nothing;
            }
            state = wait(&self.shared.changed, state, left);
        }
    }
}

impl State {
    fn take(&mut self, most: usize, into: &mut Vec<Frame>) -> usize {
        let (count, start) = (self.lanes.len(), self.turn);
        let mut taken = 0;
        for step in 0..count {
            if taken == most {
                break;
            }
            let index = (start + step) % count;
            if let Some(frame) = self.lanes[index].frames.pop_front() {
                into.push(frame);
                taken += 1;
                self.turn = index + 1;
            }
        }
        self.lanes.retain(|lane| lane.open || !lane.frames.is_empty());
        taken
    }

    fn ended(&self) -> bool {
        self.reader_gone || (self.sealed && self.lanes.is_empty())
    }

    fn lane(&mut self, id: u64) -> Option<&mut Lane> {
        self.lanes.iter_mut().find(|lane| lane.id == id)
    }
}

impl LaneInlet {
    /// Offers a frame. A newest-wins lane never waits; a lossless one waits for room.
    pub fn offer(&self, frame: Frame) -> Accepted {
        let mut state = self.shared.lock();
        loop {
            if state.reader_gone {
                return Accepted::ReaderGone;
            }
            let Some(lane) = state.lane(self.id) else {
                return Accepted::ReaderGone;
            };
            match lane.kind {
                LaneKind::NewestWins => {
                    if lane.frames.pop_front().is_some() {
                        self.shared.drops.count(&lane.camera, &self.shared.overtaken);
                    }
                }
                LaneKind::Lossless if lane.frames.len() >= LOSSLESS_DEPTH => {
                    state = self.shared.room.wait(state).unwrap_or_else(PoisonError::into_inner);
                    continue;
                }
                LaneKind::Lossless => {}
            }
            lane.frames.push_back(frame);
            self.shared.changed.notify_one();
            return Accepted::Yes;
        }
    }
}

impl Drop for LaneInlet {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        if let Some(lane) = state.lane(self.id) {
            lane.open = false;
        }
        state.lanes.retain(|lane| lane.open || !lane.frames.is_empty());
        self.shared.changed.notify_all();
    }
}

impl Shared {
    /// No invariant spans a panic here, so a poisoned lock is taken as it is.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wait<'a>(on: &Condvar, state: MutexGuard<'a, State>, left: Duration) -> MutexGuard<'a, State> {
    on.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
}

#[cfg(test)]
#[path = "lanes_tests.rs"]
mod tests;
