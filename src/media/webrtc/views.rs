//! Who watches which camera. Pictures are shown on their way into the lanes, before any stage; who watches slowly misses
//! some, and nobody waits for them. Next: `view`, which plays to one viewer.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use crate::media::{Ice, MediaError};
use crate::scene::{CameraId, Frame};

/// On what terms somebody may watch.
#[derive(Clone, Debug, Default)]
pub struct ViewTerms {
    /// How viewers find this machine.
    pub ice: Ice,
    /// Most viewers at once, over all cameras: each costs an encoder.
    pub most: usize,
}

/// Why somebody may not watch.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// The deployment says so.
    #[error("nobody may watch here: `most` in `[server.view]` is 0")]
    Off,
    /// Enough watch already.
    #[error("{0} watch already; `[server.view]` says how many may (`most`), and each costs an encoder")]
    Full(usize),
    /// Nothing to see.
    #[error("camera `{0}` shows no picture now; `/api/v1/cameras` says how it is doing")]
    NoPicture(CameraId),
    /// Their end does not read what we send.
    #[error("the offer has no VP8: watch with a browser, or a player that reads VP8")]
    NoVp8,
    /// The two ends could not agree.
    #[error(transparent)]
    Media(#[from] MediaError),
}

/// Everybody who watches. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Views(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    viewers: Mutex<BTreeMap<CameraId, Vec<Viewer>>>,
    /// So that a picture nobody watches costs one look.
    count: AtomicUsize,
}

#[derive(Debug)]
struct Viewer {
    session: String,
    pictures: Sender<Frame>,
    /// To take an old picture back when a newer one is there.
    unseen: Receiver<Frame>,
}

/// What one viewer sees; dropping it leaves.
#[derive(Debug)]
#[cfg_attr(not(feature = "media"), allow(dead_code, reason = "who plays to viewers needs GStreamer"))]
pub(crate) struct Pictures {
    pub(crate) incoming: Receiver<Frame>,
    views: Views,
    camera: CameraId,
    session: String,
}

impl Views {
    /// How many watch.
    pub fn count(&self) -> usize {
        self.0.count.load(Ordering::Relaxed)
    }

    /// Shows a picture to whoever watches its camera.
    pub fn show(&self, frame: &Frame) {
        if self.count() == 0 {
            return;
        }
        let viewers = self.lock();
        viewers.get(&frame.camera).into_iter().flatten().for_each(|viewer| viewer.show(frame));
    }

    /// Ends a session; whether there was one of that name.
    pub fn leave(&self, camera: &CameraId, session: &str) -> bool {
        self.keep(camera, |viewer| viewer.session != session)
    }

    /// Nobody watches this camera any more: it is gone.
    pub fn forget(&self, camera: &CameraId) {
        self.keep(camera, |_| false);
    }

    /// Nobody watches anything any more.
    pub fn close(&self) {
        let all = std::mem::take(&mut *self.lock());
        self.0.count.fetch_sub(all.values().map(Vec::len).sum(), Ordering::Relaxed);
    }

    /// Somebody begins to watch.
    #[cfg_attr(not(feature = "media"), allow(dead_code, reason = "who plays to viewers needs GStreamer"))]
    pub(crate) fn join(&self, camera: &CameraId, session: &str, most: usize) -> Result<Pictures, ViewError> {
        if most == 0 {
            return Err(ViewError::Off);
        }
        let mut viewers = self.lock();
        if self.count() >= most {
            return Err(ViewError::Full(self.count()));
        }
        let (pictures, incoming) = bounded(1);
        let viewer = Viewer { session: session.to_owned(), pictures, unseen: incoming.clone() };
        viewers.entry(camera.clone()).or_default().push(viewer);
        self.0.count.fetch_add(1, Ordering::Relaxed);
        Ok(Pictures { incoming, views: self.clone(), camera: camera.clone(), session: session.to_owned() })
    }

    /// Whether anybody was let go.
    fn keep(&self, camera: &CameraId, stays: impl Fn(&Viewer) -> bool) -> bool {
        let mut all = self.lock();
        let Some(viewers) = all.get_mut(camera) else { return false };
        let before = viewers.len();
        viewers.retain(stays);
        let gone = before - viewers.len();
        if viewers.is_empty() {
            all.remove(camera);
        }
        self.0.count.fetch_sub(gone, Ordering::Relaxed);
        gone > 0
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<CameraId, Vec<Viewer>>> {
        self.0.viewers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Viewer {
    fn show(&self, frame: &Frame) {
        if let Err(TrySendError::Full(newer)) = self.pictures.try_send(frame.clone()) {
            let _unseen = self.unseen.try_recv();
            let _gone = self.pictures.try_send(newer);
        }
    }
}

impl Drop for Pictures {
    fn drop(&mut self) {
        self.views.leave(&self.camera, &self.session);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::testing::packet;

    fn id(name: &str) -> CameraId {
        CameraId::new(name).unwrap()
    }

    #[test]
    fn the_newest_picture_is_seen_by_those_who_watch_its_camera() {
        let views = Views::default();
        views.show(&packet("gate", 0).frame);
        let (gate, hall) = (views.join(&id("gate"), "a", 9).unwrap(), views.join(&id("hall"), "b", 9).unwrap());
        for number in [1, 2, 3] {
            views.show(&packet("gate", number).frame);
        }
        assert_eq!(gate.incoming.try_recv().map(|frame| frame.sequence), Ok(3));
        assert!(gate.incoming.try_recv().is_err() && hall.incoming.try_recv().is_err());
    }

    #[test]
    fn so_many_may_watch_and_whoever_leaves_makes_room() {
        let views = Views::default();
        let first = views.join(&id("gate"), "a", 2).unwrap();
        let second = views.join(&id("gate"), "b", 2).unwrap();
        assert!(matches!(views.join(&id("hall"), "c", 2), Err(ViewError::Full(2))));
        assert!(matches!(views.join(&id("hall"), "c", 0), Err(ViewError::Off)));
        assert!(views.leave(&id("gate"), "a") && !views.leave(&id("gate"), "a"));
        assert!(first.incoming.recv().is_err(), "it is told by the end of its pictures");
        drop((first, second));
        assert_eq!(views.count(), 0, "nobody is counted twice");
        let third = views.join(&id("hall"), "c", 2).unwrap();
        views.close();
        assert!(third.incoming.recv().is_err() && views.count() == 0);
        views.forget(&id("hall"));
    }
}
