//! Who is on the roster: one entry a camera, from when it was added until it is removed. Next: [`roster`](super::roster), who
//! writes in it.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
};

use crossbeam_channel::{Receiver, Sender, TryRecvError};

use super::{gate::GateKnocker, herald::Herald};
use crate::{media::MediaError, scene::CameraId};

/// Why a camera could not be added or removed.
#[derive(Debug, thiserror::Error)]
pub enum CameraError {
    /// The id is taken.
    #[error("camera {0} is already there: remove it first, or choose another id")]
    AlreadyThere(CameraId),
    /// There is none of that name.
    #[error("there is no camera {0}: the ids are those of the deployment file and of cameras added since")]
    NoSuchCamera(CameraId),
    /// The graph is ending.
    #[error("camera {0} comes too late: the graph has ended or is about to")]
    TooLate(CameraId),
    /// It was told to stop, and has not ended in time.
    #[error("camera {0} does not stop; its thread is left behind until it does: ask again later")]
    DoesNotStop(CameraId),
    /// Its address or its file cannot be used.
    #[error("camera {camera}: {cause}")]
    Unusable {
        /// The camera.
        camera: CameraId,
        /// What is wrong.
        cause: MediaError,
    },
    /// The system gives no thread.
    #[error("cannot start a thread for camera {camera}: {cause}; raise the limit on processes (ulimit -u)")]
    NoThread {
        /// The camera.
        camera: CameraId,
        /// What the system says.
        cause: std::io::Error,
    },
}

/// Told when a camera has come (`true`) and when it has gone.
pub(super) type Presence = Box<dyn Fn(&CameraId, bool) + Send + Sync>;

/// Who is there.
#[derive(Default)]
pub(super) struct Roster {
    pub(super) cameras: BTreeMap<CameraId, Entry>,
    /// Who tells subscribers; goes when the graph ends, because the outbox waits for it.
    pub(super) herald: Option<Herald>,
    /// Who shows others which cameras are served; goes with the last of them.
    pub(super) presence: Option<Arc<Presence>>,
    /// Where live cameras wait until the governor has room for them.
    pub(super) gate: Option<GateKnocker>,
    pub(super) closed: bool,
}

/// One camera. It stays here after its own end, so that it is known why it ended, until it is removed.
pub(super) struct Entry {
    /// Dropping it tells the camera to stop.
    pub(super) stop: Option<Sender<Infallible>>,
    /// Disconnected once the thread is done.
    pub(super) done: Receiver<Infallible>,
    pub(super) thread: Option<JoinHandle<()>>,
    /// Why it was given up, if it was.
    pub(super) given_up: Arc<Mutex<Option<String>>>,
}

impl Roster {
    /// Whether a camera of this id is there and has not ended.
    pub(super) fn has(&self, camera: &CameraId) -> bool {
        self.cameras.get(camera).is_some_and(|entry| !entry.is_over())
    }

    /// Tells all of them to stop; none can be added any more.
    pub(super) fn close(&mut self) {
        self.closed = true;
        self.herald = None;
        self.cameras.values_mut().for_each(|entry| entry.stop = None);
    }

    /// Whether a camera's thread still runs.
    pub(super) fn any_running(&self) -> bool {
        self.cameras.values().any(|entry| !entry.is_over())
    }

    /// Why every single camera was given up; `None` when one was not, or when there is none.
    pub(super) fn all_given_up(&self) -> Option<String> {
        let whys: Option<Vec<String>> = self.cameras.values().map(Entry::given_up).collect();
        whys.filter(|whys| !whys.is_empty()).map(|whys| whys.join("; "))
    }

    /// Lets go of all cameras, for [`join_those_over`], and of who shows them to others.
    pub(super) fn leave(&mut self) -> (BTreeMap<CameraId, Entry>, Option<Arc<Presence>>) {
        (std::mem::take(&mut self.cameras), self.presence.take())
    }
}

/// Joins all threads that have ended; the names of the others.
pub(super) fn join_those_over(cameras: BTreeMap<CameraId, Entry>) -> Vec<String> {
    let (over, late): (Vec<_>, Vec<_>) = cameras.into_iter().partition(|(_, entry)| entry.is_over());
    for (_, entry) in over {
        entry.join();
    }
    late.into_iter().map(|(camera, _)| format!("cam-{camera}")).collect()
}

impl Entry {
    pub(super) fn is_over(&self) -> bool {
        matches!(self.done.try_recv(), Err(TryRecvError::Disconnected))
    }

    pub(super) fn given_up(&self) -> Option<String> {
        self.given_up.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits for the last instructions of a thread whose work is done.
    pub(super) fn join(mut self) {
        // A panic was reported by its own hook.
        let _told = self.thread.take().map(JoinHandle::join);
    }
}
