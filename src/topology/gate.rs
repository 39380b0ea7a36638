//! The gate: cameras that want to be served and have not been let in yet. The governor answers them; who is refused is told
//! what it would need and what is free, and asks again by itself if the deployment says so.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError, Weak,
    atomic::{AtomicBool, Ordering},
};

use super::{Board, Cameras};
use crate::config::{self, Camera, Pace, Source};
use crate::flow::Lanes;
use crate::governor::{self, Asking, Verdict};
use crate::media::CameraInput;
use crate::memory::Size;
use crate::scene::CameraId;

/// What a camera is thought to send that does not say.
const USUAL_FPS: f64 = 30.0;
const MIB: f64 = (1 << 20) as f64;
/// What the board says of a camera that has not been answered.
const WAITS: &str = "waits for room";

/// Clones speak of the same gate.
#[derive(Clone)]
pub(super) struct Gate(Arc<Shared>);

/// A gate, as the cameras know it: the gate lets them in, so they must not keep it.
#[derive(Clone)]
pub(super) struct GateKnocker(Weak<Shared>);

struct Shared {
    cameras: Cameras,
    lanes: Lanes,
    board: Arc<Board>,
    /// Whether who is refused asks again.
    again: AtomicBool,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<Waiting>,
    /// Refused for good, and why.
    refused: Vec<(CameraId, String)>,
    /// A camera came while it ran: the graph does not end with its cameras any more.
    open_ended: bool,
}

struct Waiting {
    asking: Asking,
    input: CameraInput,
}

impl Gate {
    pub(super) fn new(cameras: Cameras, lanes: &Lanes, board: &Arc<Board>, admission: config::Admission) -> Self {
        let again = AtomicBool::new(admission == config::Admission::Later);
        Self(Arc::new(Shared {
            cameras,
            lanes: lanes.clone(),
            board: Arc::clone(board),
            again,
            queue: Mutex::default(),
        }))
    }

    /// How the cameras reach it.
    pub(super) fn knocker(&self) -> GateKnocker {
        GateKnocker(Arc::downgrade(&self.0))
    }

    /// This camera is let in when the governor says so.
    pub(super) fn wait(&self, camera: &Camera, input: CameraInput) {
        let name = camera.id.as_str().into();
        let asking = Asking { camera: name, fps: expected_fps(camera), bytes: super::steer::surfaces(size_of(camera)) };
        self.0.board.camera_state(&camera.id, WAITS.to_owned());
        self.lock().waiting.push(Waiting { asking, input });
    }

    /// The same for a camera that comes while the graph runs; `false` if one of its name waits already.
    pub(super) fn join_queue(&self, camera: &Camera, input: CameraInput) -> bool {
        if self.id(camera.id.as_str()).is_some() {
            return false;
        }
        self.withdraw(&camera.id);
        self.lock().open_ended = true;
        self.wait(camera, input);
        true
    }

    /// Whether the refused ask again from now on.
    pub(super) fn ask_again(&self, again: bool) {
        self.0.again.store(again, Ordering::Relaxed);
    }

    /// Who waits, longest first.
    pub(super) fn asking(&self) -> Vec<Asking> {
        self.lock().waiting.iter().map(|waiting| waiting.asking.clone()).collect()
    }

    /// Does what the governor answered.
    pub(super) fn answer(&self, admissions: &[governor::Admission]) {
        for admission in admissions {
            match admission.verdict {
                Verdict::Admit => self.admit(admission.camera.as_str()),
                Verdict::Wait => {}
                Verdict::Refuse { .. } => self.refuse(admission),
            }
        }
    }

    /// Once nobody waits any more, the graph ends with its cameras.
    pub(super) fn seal_if_empty(&self) {
        let queue = self.lock();
        if queue.waiting.is_empty() && !queue.open_ended {
            self.0.lanes.seal();
        }
    }

    /// Why no camera at all was let in; `None` if one was, or none asked.
    pub(super) fn all_refused(&self) -> Option<String> {
        let queue = self.lock();
        let whys: Vec<_> = queue.refused.iter().map(|(camera, why)| format!("camera {camera} {why}")).collect();
        (!whys.is_empty() && self.0.cameras.ids().is_empty()).then(|| whys.join("; "))
    }

    /// This camera asks no more, nor is it remembered as refused; `false` if it was neither.
    pub(super) fn withdraw(&self, camera: &CameraId) -> bool {
        let waited = self.take(camera.as_str()).is_some();
        let refused = &mut self.lock().refused;
        let before = refused.len();
        refused.retain(|(id, _)| id != camera);
        waited || refused.len() < before
    }

    fn take(&self, camera: &str) -> Option<Waiting> {
        let waiting = &mut self.lock().waiting;
        let at = waiting.iter().position(|waiting| waiting.asking.camera.as_str() == camera)?;
        Some(waiting.remove(at))
    }

    fn admit(&self, camera: &str) {
        let Some(admitted) = self.take(camera) else { return };
        let id = admitted.input.camera.clone();
        self.0.board.camera_state(&id, "connecting".to_owned());
        if let Err(cause) = self.0.cameras.add_input(admitted.input) {
            tracing::error!(camera, %cause, "the camera was admitted and cannot be started");
        }
        self.seal_if_empty();
    }

    /// Nobody who serves no other camera will have more room later.
    fn refuse(&self, admission: &governor::Admission) {
        let why = why(admission).unwrap_or_default();
        let again = self.0.again.load(Ordering::Relaxed) && self.0.cameras.any_running();
        let camera = admission.camera.as_str();
        let Some(id) = self.id(camera) else { return };
        if self.0.board.camera_state(&id, why.clone()) {
            tracing::warn!(camera, again, "{why}");
        }
        if !again && self.take(camera).is_some() {
            self.lock().refused.push((id, why));
            self.seal_if_empty();
        }
    }

    fn id(&self, camera: &str) -> Option<CameraId> {
        let queue = self.lock();
        let found = queue.waiting.iter().find(|waiting| waiting.asking.camera.as_str() == camera);
        found.map(|waiting| waiting.input.camera.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl GateKnocker {
    /// The gate, while the graph is steered.
    pub(super) fn gate(&self) -> Option<Gate> {
        self.0.upgrade().map(Gate)
    }
}

/// `refused: needs 0.21 cores and 12 MiB, free are 0.05 cores and 300 MiB`; `None` for other verdicts.
pub(super) fn why(admission: &governor::Admission) -> Option<String> {
    let Verdict::Refuse { needs, free } = admission.verdict else { return None };
    let [asked, left] = [needs.memory, free.memory].map(|bytes| (bytes as f64 / MIB).round());
    let (need, have) = (needs.lanes, free.lanes);
    Some(format!("refused: needs {need:.2} lanes and {asked} MiB, free are {have:.2} lanes and {left} MiB"))
}

/// Whether a camera is served as it comes, so that it must be asked whether there is room.
pub(super) fn is_live(source: &Source) -> bool {
    match source {
        Source::File { pace, .. } => *pace == Pace::Realtime,
        Source::Synthetic(made_up) => made_up.pace == Pace::Realtime,
        _ => true,
    }
}

fn expected_fps(camera: &Camera) -> f64 {
    let sends = match &camera.source {
        Source::Synthetic(made_up) => f64::from(made_up.fps),
        _ => USUAL_FPS,
    };
    camera.limits.fps.map_or(sends, |most| sends.min(f64::from(most)))
}

fn size_of(camera: &Camera) -> Option<Size> {
    match &camera.source {
        Source::Synthetic(made_up) => Some(Size::new(made_up.width, made_up.height)),
        _ => None,
    }
}
