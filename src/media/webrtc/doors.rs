//! Doors: one a camera that others send pictures for. The HTTP server knocks, the camera's own thread opens; so a session
//! belongs to its camera, and one camera has one sender.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use super::super::MediaError;
use super::SdpOffer;
use crate::scene::CameraId;

/// Callers and goodbyes that may wait at one door.
const WAITING: usize = 4;
/// Longest wait for an answer: gathering addresses takes as long as a silent STUN server does.
const ANSWER: Duration = Duration::from_secs(10);

/// All doors. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Doors(Arc<Mutex<BTreeMap<CameraId, Sender<Knock>>>>);

/// Somebody at the door.
#[derive(Debug)]
#[cfg_attr(not(feature = "media"), allow(dead_code, reason = "who answers needs GStreamer"))]
pub(crate) enum Knock {
    /// Wants to send.
    Call(Call),
    /// Leaves: the session's name, and where to say whether it was there.
    Goodbye(String, Sender<bool>),
}

/// Somebody who wants to send.
#[derive(Debug)]
#[cfg_attr(not(feature = "media"), allow(dead_code, reason = "who answers needs GStreamer"))]
pub(crate) struct Call {
    /// What they would send.
    pub(crate) offer: SdpOffer,
    /// The name their session will have.
    pub(crate) session: String,
    /// Where the answer goes; dropped without one, the camera has ended.
    pub(crate) answer: Sender<Result<String, Refused>>,
}

/// Why a caller was not let in.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// No such camera, or it does not take senders.
    #[error("no camera `{0}` takes senders; declare it with `source = {{ whip = {{}} }}`")]
    NoDoor(CameraId),
    /// Somebody else sends.
    #[error("somebody already sends for camera `{0}`; end that session first, a silent one is ended within seconds")]
    Busy(CameraId),
    /// The two ends could not agree.
    #[error(transparent)]
    Media(#[from] MediaError),
    /// No answer came.
    #[error("camera `{0}` did not answer in time; try again")]
    Silent(CameraId),
}

/// A camera's own side of its door. Dropping it takes the door away.
#[derive(Debug)]
pub(crate) struct Visitors {
    camera: CameraId,
    doors: Doors,
    own: Sender<Knock>,
    knocks: Receiver<Knock>,
}

impl Doors {
    /// Whether this camera takes senders.
    pub fn has(&self, camera: &CameraId) -> bool {
        self.lock().contains_key(camera)
    }

    /// Asks to send; waits for the answer. `session` is the name to say goodbye with.
    pub fn call(&self, camera: &CameraId, session: &str, offer: SdpOffer) -> Result<String, Refused> {
        let (answer, heard) = bounded(1);
        self.knock(camera, Knock::Call(Call { offer, session: session.to_owned(), answer }))?;
        heard.recv_timeout(ANSWER).unwrap_or_else(|_| Err(Refused::Silent(camera.clone())))
    }

    /// Ends a session; whether there was one of that name.
    pub fn goodbye(&self, camera: &CameraId, session: &str) -> Result<bool, Refused> {
        let (was_there, heard) = bounded(1);
        self.knock(camera, Knock::Goodbye(session.to_owned(), was_there))?;
        heard.recv_timeout(ANSWER).map_err(|_| Refused::Silent(camera.clone()))
    }

    fn knock(&self, camera: &CameraId, knock: Knock) -> Result<(), Refused> {
        let door = self.lock().get(camera).cloned();
        match door.map(|door| door.try_send(knock)) {
            Some(Ok(())) => Ok(()),
            Some(Err(TrySendError::Full(_))) => Err(Refused::Busy(camera.clone())),
            Some(Err(TrySendError::Disconnected(_))) | None => Err(Refused::NoDoor(camera.clone())),
        }
    }

    /// A camera begins to take senders.
    #[cfg_attr(not(feature = "media"), allow(dead_code, reason = "only cameras that GStreamer runs have doors"))]
    pub(crate) fn open(&self, camera: &CameraId) -> Visitors {
        let (own, knocks) = bounded(WAITING);
        self.lock().insert(camera.clone(), own.clone());
        Visitors { camera: camera.clone(), doors: self.clone(), own, knocks }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<CameraId, Sender<Knock>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Visitors {
    /// Whoever knocks.
    #[cfg_attr(not(feature = "media"), allow(dead_code, reason = "only cameras that GStreamer runs have doors"))]
    pub(crate) fn knocks(&self) -> &Receiver<Knock> {
        &self.knocks
    }
}

impl Drop for Visitors {
    /// A camera that was added again under the same name keeps its new door.
    fn drop(&mut self) {
        let mut doors = self.doors.lock();
        if doors.get(&self.camera).is_some_and(|door| door.same_channel(&self.own)) {
            doors.remove(&self.camera);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_door_is_there_as_long_as_its_camera() {
        let (doors, gate) = (Doors::default(), CameraId::new("gate").unwrap());
        assert!(matches!(doors.goodbye(&gate, "s"), Err(Refused::NoDoor(_))));
        let old = doors.open(&gate);
        let new = doors.open(&gate);
        drop(old);
        assert!(doors.has(&gate), "the later one stays");
        drop(new);
        assert!(!doors.has(&gate));
    }

    #[test]
    fn a_goodbye_is_heard_and_answered() {
        let (doors, gate) = (Doors::default(), CameraId::new("gate").unwrap());
        let visitors = doors.open(&gate);
        let camera = std::thread::Builder::new().name("camera".into());
        let camera = camera.spawn(move || match visitors.knocks().recv().unwrap() {
            Knock::Goodbye(session, was_there) => was_there.send(session == "mine").unwrap(),
            Knock::Call(_) => panic!("nobody called"),
        });
        assert!(doors.goodbye(&gate, "mine").unwrap());
        camera.unwrap().join().unwrap();
    }
}
