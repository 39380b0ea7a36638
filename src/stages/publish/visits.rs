//! What a visit is, as a pure state machine: faces and time in, changes out. No clocks, no threads, no ids made here.
//!
//! ```text
//! face on a new track ──▶ candidate ──▶ opened ──(updated)*──▶ closed
//!                            │  confirmed, and identity answered or `open_after` passed
//!                            └▶ joins a visit whose face is out of sight and is the same person
//! ```
//! Exactly one opened and one closed for every visit, whatever comes in. Visits belong to one camera. Next: `describe`,
//! which turns a change into an event.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::{
    candidate::Candidate,
    rules::Rules,
    stream_clock::StreamClock,
    visit::{Visit, VisitNumber},
};
use crate::scene::{CameraId, Capture, FaceObservation, Size, TrackId};

/// One look at one face, with the frame it was on.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    /// Number of the frame.
    pub(crate) frame: u64,
    /// When it was taken.
    pub(crate) captured: Capture,
    /// Size of the frame.
    pub(crate) size: Size,
    /// The face.
    pub(crate) face: FaceObservation,
}

/// Why a visit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Not seen for `close_after`.
    Left,
    /// The camera delivers nothing any more.
    CameraLost,
    /// The graph ended.
    Shutdown,
}

/// What happened to a visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It began.
    Opened,
    /// Its identity or liveness changed.
    Updated,
    /// It ended.
    Closed(Ending),
}

/// One thing subscribers should hear: the visit as it is right after the step.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// The camera.
    pub(crate) camera: CameraId,
    /// What happened.
    pub(crate) step: Step,
    /// The visit.
    pub(crate) visit: Visit,
}

/// Every visit on every camera.
#[derive(Debug)]
pub(crate) struct Visits {
    rules: Rules,
    next: u64,
    cameras: BTreeMap<CameraId, CameraVisits>,
}

/// The visits of one camera.
#[derive(Debug)]
struct CameraVisits {
    clock: StreamClock,
    open: Vec<Visit>,
    candidates: Vec<Candidate>,
}

impl Visits {
    pub(crate) fn new(rules: Rules) -> Self {
        Self { rules, next: 1, cameras: BTreeMap::new() }
    }

    /// Visits open now.
    pub(crate) fn open(&self) -> usize {
        self.cameras.values().map(|c| c.open.len()).sum()
    }

    /// One frame of one camera with everything found on it.
    pub(crate) fn observe(&mut self, camera: &CameraId, looks: Vec<Look>, captured: &Capture) -> Vec<Change> {
        let state = self.cameras.entry(camera.clone()).or_insert_with(|| CameraVisits::new(captured));
        state.clock.frame(captured);
        let unmatched = state.refresh(looks);
        let mut steps = state.admit(unmatched, &self.rules, &mut self.next);
        steps.extend(state.updates(&self.rules));
        steps.extend(state.departures(&self.rules));
        named(camera, steps)
    }

    /// Time passes without frames: visits on cameras that fell silent end. Absence is only counted on frames that were
    /// looked at, so a stalled camera does not make people "leave".
    pub(crate) fn tick(&mut self, now: Instant) -> Vec<Change> {
        let mut changes = Vec::new();
        let is_silent = |_: &CameraId, state: &mut CameraVisits| state.clock.silence(now) >= self.rules.silent_after;
        for (camera, mut state) in self.cameras.extract_if(.., is_silent) {
            changes.extend(named(&camera, state.close_all(Ending::CameraLost)));
        }
        changes
    }

    /// The graph ended: whatever is open is closed.
    pub(crate) fn finish(&mut self) -> Vec<Change> {
        let close = |(camera, state): (&CameraId, &mut CameraVisits)| named(camera, state.close_all(Ending::Shutdown));
        self.cameras.iter_mut().flat_map(close).collect()
    }
}

impl CameraVisits {
    fn new(captured: &Capture) -> Self {
        Self { clock: StreamClock::starting(captured), open: Vec::new(), candidates: Vec::new() }
    }

    /// Hands each look to the visit or candidate that follows its track; what is left is new. A face without a track
    /// cannot be followed and is passed over, as is a second face on a track already served by this frame.
    fn refresh(&mut self, looks: Vec<Look>) -> Vec<(TrackId, Look)> {
        let at = self.clock.now();
        let mut fresh: Vec<(TrackId, Look)> = Vec::new();
        let mut served: Vec<TrackId> = Vec::with_capacity(looks.len());
        for look in looks {
            let Some(track) = look.face.track.map(|t| t.id) else {
                continue;
            };
            if served.contains(&track) {
                continue;
            }
            served.push(track);
            if let Some(visit) = self.open.iter_mut().find(|v| v.track == track) {
                visit.see(look, at);
            } else if let Some(candidate) = self.candidates.iter_mut().find(|c| c.track == track) {
                candidate.see(look, at);
            } else {
                fresh.push((track, look));
            }
        }
        fresh
    }

    /// Takes new tracks on as candidates; lets those that are ready join a visit out of sight, or open one.
    fn admit(&mut self, fresh: Vec<(TrackId, Look)>, rules: &Rules, next: &mut u64) -> Vec<(Step, Visit)> {
        let at = self.clock.now();
        self.candidates.extend(fresh.into_iter().map(|(track, look)| Candidate::new(track, look, at)));
        self.candidates.retain(|c| at.saturating_sub(c.last_seen) < rules.close_after);
        let mut opened = Vec::new();
        for candidate in std::mem::take(&mut self.candidates) {
            if let Some(visit) = self.open.iter_mut().find(|v| v.last_seen < at && candidate.continues(v, rules)) {
                visit.join(candidate, at);
            } else if candidate.ready(at, rules, self.someone_is_out_of_sight(at)) {
                let visit = Visit::open(VisitNumber(*next), candidate, at);
                *next += 1;
                opened.push((Step::Opened, visit.clone()));
                self.open.push(visit);
            } else {
                self.candidates.push(candidate);
            }
        }
        opened
    }

    fn someone_is_out_of_sight(&self, at: Duration) -> bool {
        self.open.iter().any(|v| v.last_seen < at)
    }

    /// Visits whose identity or liveness differs from what was last published, at most one each `update_every`.
    fn updates(&mut self, rules: &Rules) -> Vec<(Step, Visit)> {
        let at = self.clock.now();
        let mut steps = Vec::new();
        for visit in &mut self.open {
            if visit.changed() && at.saturating_sub(visit.published_at) >= rules.update_every {
                visit.published(at);
                steps.push((Step::Updated, visit.clone()));
            }
        }
        steps
    }

    /// Closes visits out of sight for `close_after`, unless a newcomer that may be the same person is still being asked.
    fn departures(&mut self, rules: &Rules) -> Vec<(Step, Visit)> {
        let at = self.clock.now();
        let candidates = &self.candidates;
        let gone = |visit: &mut Visit| {
            let missing = at.saturating_sub(visit.last_seen) >= rules.close_after;
            missing && !candidates.iter().any(|c| c.may_turn_out_to_be(visit, at, rules))
        };
        let closed = self.open.extract_if(.., gone);
        closed.map(|visit| (Step::Closed(Ending::Left), visit)).collect()
    }

    fn close_all(&mut self, ending: Ending) -> Vec<(Step, Visit)> {
        self.candidates.clear();
        self.open.drain(..).map(|visit| (Step::Closed(ending), visit)).collect()
    }
}

fn named(camera: &CameraId, steps: Vec<(Step, Visit)>) -> Vec<Change> {
    let change = |(step, visit)| Change { camera: camera.clone(), step, visit };
    steps.into_iter().map(change).collect()
}
