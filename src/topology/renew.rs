//! A deployment file that was changed while it runs: cameras that are new in it are added, those gone are removed, those
//! written differently are replaced. Everything else of the file is for the next start.

use std::collections::BTreeMap;

use super::{CameraError, Cameras, REMOVAL};
use crate::config::Camera;
use crate::scene::CameraId;

/// The cameras that run because a file says so.
#[derive(Debug)]
pub struct FromFile {
    cameras: BTreeMap<CameraId, Camera>,
}

/// What differs between what runs and what is written.
#[derive(Debug, Default)]
struct Difference {
    gone: Vec<CameraId>,
    new: Vec<Camera>,
}

impl FromFile {
    /// The cameras a run was started with.
    pub fn of(cameras: &[Camera]) -> Self {
        Self { cameras: cameras.iter().map(|camera| (camera.id.clone(), camera.clone())).collect() }
    }

    /// Makes what runs what is written. Cameras added by other means are left alone. What could not be done is returned,
    /// and tried again with the next renewal.
    pub fn renew(&mut self, running: &Cameras, written: &[Camera]) -> Vec<CameraError> {
        let difference = self.difference(written);
        let mut problems = Vec::new();
        for camera in difference.gone {
            match running.remove(&camera, REMOVAL) {
                Ok(()) | Err(CameraError::NoSuchCamera(_)) => drop(self.cameras.remove(&camera)),
                Err(problem) => problems.push(problem),
            }
        }
        for camera in difference.new {
            match running.add(&camera) {
                Ok(()) => drop(self.cameras.insert(camera.id.clone(), camera)),
                Err(problem) => problems.push(problem),
            }
        }
        problems
    }

    fn difference(&self, written: &[Camera]) -> Difference {
        let stays = |camera: &Camera| self.cameras.get(&camera.id).is_some_and(|runs| runs.is_same(camera));
        let kept: Vec<_> = written.iter().filter(|camera| stays(camera)).map(|camera| &camera.id).collect();
        Difference {
            gone: self.cameras.keys().filter(|id| !kept.contains(id)).cloned().collect(),
            new: written.iter().filter(|camera| !stays(camera)).cloned().collect(),
        }
    }
}
