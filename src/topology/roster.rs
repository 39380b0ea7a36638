//! The cameras of a running graph: who is there, who comes, who goes. The graph of stages never notices.
//!
//! [`Cameras`] is a handle: clones speak of the same cameras, and any thread may add and remove. A camera that leaves gives
//! back its thread, its descriptors, its lane, its line on the board and its counts. Next: `cameras`, which runs one.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::Builder,
    time::Duration,
};

use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};

use super::{
    Board,
    cameras::{Berth, Thinning, lane_kind},
    entry::{CameraError, Entry, Presence, Roster, join_those_over},
    gate::{Gate, GateKnocker, is_live},
    herald::Herald,
    inputs::camera_input,
};
use crate::config::Camera;
use crate::flow::{Drops, LaneKind, Lanes};
use crate::media::{CameraEnd, CameraInput, CameraReports, Doors, FrameSink, SystemClock, Views, run_camera};
use crate::scene::CameraId;

/// A pipeline that does not stop is left behind after ten seconds; whoever removes a camera waits a little longer.
pub const REMOVAL: Duration = Duration::from_secs(15);

/// The cameras of a running graph.
#[derive(Clone)]
pub struct Cameras(Arc<Shared>);

/// What a source of the caller's own is given: where its frames go, who hears how it fares, and when to end.
pub struct Seat {
    /// Takes its frames.
    pub sink: Arc<dyn FrameSink>,
    /// Hears how it is doing.
    pub reports: Arc<dyn CameraReports>,
    /// Disconnected: stop.
    pub stop: Receiver<Infallible>,
}

struct Shared {
    lanes: Lanes,
    drops: Drops,
    thinning: Thinning,
    board: Arc<Board>,
    doors: Doors,
    views: Views,
    roster: Mutex<Roster>,
}

impl Cameras {
    pub(super) fn new(lanes: &Lanes, drops: &Drops, thinning: &Thinning, board: &Arc<Board>) -> Self {
        Self(Arc::new(Shared {
            lanes: lanes.clone(),
            drops: drops.clone(),
            thinning: thinning.clone(),
            board: Arc::clone(board),
            doors: Doors::default(),
            views: Views::default(),
            roster: Mutex::default(),
        }))
    }

    /// Adds a camera as a deployment file describes it; a live one first waits for the governor's word that there is room,
    /// where it is asked. From now on the graph runs until it is asked to end, even when the last camera has ended or is
    /// removed.
    pub fn add(&self, camera: &Camera) -> Result<(), CameraError> {
        let unusable = |cause| CameraError::Unusable { camera: camera.id.clone(), cause };
        let input = camera_input(camera, &self.0.doors).map_err(unusable)?;
        let Some(gate) = self.gate().filter(|_| is_live(&camera.source)) else {
            return self.add_input(input);
        };
        self.is_free(&self.lock(), &camera.id)?;
        if gate.join_queue(camera, input) { Ok(()) } else { Err(CameraError::AlreadyThere(camera.id.clone())) }
    }

    /// From now on live cameras that are added wait at this gate.
    pub(super) fn wait_at(&self, gate: &Gate) {
        self.lock().gate = Some(gate.knocker());
    }

    fn gate(&self) -> Option<Gate> {
        self.lock().gate.as_ref().and_then(GateKnocker::gate)
    }

    /// Whether a camera of this id can be added now; keeps the stages up for it.
    fn is_free(&self, roster: &Roster, camera: &CameraId) -> Result<(), CameraError> {
        if roster.closed || !self.0.lanes.reopen() {
            return Err(CameraError::TooLate(camera.clone()));
        }
        if roster.has(camera) {
            return Err(CameraError::AlreadyThere(camera.clone()));
        }
        Ok(())
    }

    /// Adds a camera as `media` runs it.
    pub fn add_input(&self, input: CameraInput) -> Result<(), CameraError> {
        let (camera, kind) = (input.camera.clone(), lane_kind(&input.source));
        self.add_source(&camera, kind, move |seat| {
            run_camera(input, seat.sink, seat.reports, &seat.stop, Arc::new(SystemClock))
        })
    }

    /// Adds a camera whose pictures come from the caller: `run` is called on a thread of the camera's own and returns when
    /// the source is over, when `stop` disconnects, or when the sink is closed.
    pub fn add_source(
        &self,
        camera: &CameraId,
        kind: LaneKind,
        run: impl FnOnce(Seat) -> CameraEnd + Send + 'static,
    ) -> Result<(), CameraError> {
        let mut roster = self.lock();
        self.is_free(&roster, camera)?;
        let entry = self.start(camera, kind, roster.herald.clone(), run)?;
        roster.cameras.insert(camera.clone(), entry);
        let presence = roster.presence.clone();
        drop(roster);
        if let Some(presence) = &presence {
            presence(camera, true);
        }
        Ok(())
    }

    fn start(
        &self,
        camera: &CameraId,
        kind: LaneKind,
        herald: Option<Herald>,
        run: impl FnOnce(Seat) -> CameraEnd + Send + 'static,
    ) -> Result<Entry, CameraError> {
        let shared = &self.0;
        let (stop, stopped) = bounded(0);
        let (working, done) = bounded(0);
        let given_up = Arc::new(Mutex::new(None));
        let lane = shared.lanes.open(camera, kind);
        let berth = Berth::new(lane, &shared.views, &shared.board, &shared.drops, &shared.thinning, kind, herald);
        let (told, name) = (Arc::clone(&given_up), camera.clone());
        let work = move || {
            let _working = working;
            let (sink, reports) = berth.split();
            let end = run(Seat { sink, reports, stop: stopped });
            if let CameraEnd::Failed(cause) = &end {
                tracing::error!(camera = %name, %cause, "camera given up; the others go on");
                *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(format!("camera {name}: {cause}"));
            }
        };
        let thread = Builder::new().name(format!("cam-{camera}")).spawn(work);
        let thread = thread.map_err(|cause| CameraError::NoThread { camera: camera.clone(), cause })?;
        Ok(Entry { stop: Some(stop), done, thread: Some(thread), given_up })
    }

    /// Removes a camera and waits until everything it held is given back, at most for `patience`.
    pub fn remove(&self, camera: &CameraId, patience: Duration) -> Result<(), CameraError> {
        if self.gate().is_some_and(|gate| gate.withdraw(camera)) {
            self.0.board.forget(camera);
            return Ok(());
        }
        let done = self.tell_to_stop(camera)?;
        // Not under the lock: whoever waits here must not keep other cameras from coming and going.
        if matches!(done.recv_timeout(patience), Err(RecvTimeoutError::Timeout)) {
            return Err(CameraError::DoesNotStop(camera.clone()));
        }
        self.forget(camera);
        Ok(())
    }

    fn tell_to_stop(&self, camera: &CameraId) -> Result<Receiver<Infallible>, CameraError> {
        let mut roster = self.lock();
        if !roster.closed {
            // Whoever takes the last camera away will add another: the stages stay up. Too late only when they have ended.
            let _stays_up = self.0.lanes.reopen();
        }
        let entry = roster.cameras.get_mut(camera).ok_or_else(|| CameraError::NoSuchCamera(camera.clone()))?;
        entry.stop = None;
        Ok(entry.done.clone())
    }

    fn forget(&self, camera: &CameraId) {
        let mut roster = self.lock();
        let presence = roster.presence.clone();
        if roster.cameras.get(camera).is_some_and(Entry::is_over) {
            if let Some(entry) = roster.cameras.remove(camera) {
                entry.join();
            }
            self.0.board.forget(camera);
            self.0.drops.forget(camera);
            self.0.views.forget(camera);
            drop(roster);
            if let Some(presence) = &presence {
                presence(camera, false);
            }
        }
    }

    /// Where those knock who send pictures for a camera.
    pub fn doors(&self) -> &Doors {
        &self.0.doors
    }

    /// Who watches them.
    pub fn views(&self) -> &Views {
        &self.0.views
    }

    /// From now on subscribers hear about cameras that are added.
    pub(super) fn tell_subscribers(&self, herald: Herald, presence: Option<Presence>) {
        let mut roster = self.lock();
        (roster.herald, roster.presence) = (Some(herald), presence.map(Arc::new));
    }

    /// The ids of all cameras, also of those that have ended by themselves.
    pub fn ids(&self) -> Vec<CameraId> {
        self.lock().cameras.keys().cloned().collect()
    }

    /// Tells all of them to stop; none can be added any more.
    pub(super) fn close(&self) {
        let mut roster = self.lock();
        self.0.views.close();
        roster.close();
    }

    /// Whether a camera's thread still runs.
    pub(super) fn any_running(&self) -> bool {
        self.lock().any_running()
    }

    /// Why every single camera was given up; `None` when one was not, or when there is none.
    pub(super) fn all_given_up(&self) -> Option<String> {
        self.lock().all_given_up()
    }

    /// Joins all threads that have ended; the names of the others.
    pub(super) fn finish(&self) -> Vec<String> {
        let (cameras, presence) = self.lock().leave();
        // Not under the lock: its end waits for the session.
        drop(presence);
        join_those_over(cameras)
    }

    fn lock(&self) -> MutexGuard<'_, Roster> {
        self.0.roster.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
