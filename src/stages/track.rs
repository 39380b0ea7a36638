//! `track`: follows each face from frame to frame, camera by camera, and gives it a number.
//!
//! In the manner of ByteTrack (Zhang et al., ECCV 2022): sure detections are paired with known tracks first, doubtful ones
//! then keep tracks alive that would otherwise be lost, and only sure ones begin new tracks. Frames the detector skipped
//! are filled in from the motion of the tracks. Deterministic: the same packets give the same numbers, and how fast a file
//! is read makes no difference, because time is the stream's own.
//!
//! [`camera`] holds what is known of one camera, [`trail`] of one face. Next stage: `recognize`. Somebody who comes back
//! after a longer occlusion gets a new number; `publish` knows them again by their face and keeps the visit open.

mod camera;
mod trail;

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    flow::{Contract, Fact, Facts, Stage, StageError},
    scene::{CameraId, Packet},
};
use camera::Camera;

/// A camera that sent nothing for this long is forgotten: longer than any reconnection that could still show the same face
/// in the same place. No number it used is used again.
const IDLE: Duration = Duration::from_mins(1);

/// What `track` needs and adds.
pub const CONTRACT: Contract = Contract { needs: Facts::of(&[Fact::Faces]), adds: Facts::of(&[Fact::Tracks]) };

/// How faces are followed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Detections from this score up are sure: they are paired first, and only they begin tracks. 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub sure: f32,
    /// Detections from this score up, but below `sure`, keep a track alive; lower ones are dropped. 0 to `sure`. Has an
    /// effect only if the detector's own threshold lets them through.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub doubtful: f32,
    /// How many frames a face must be found on, without a gap, before it is believed. 1 to 100.
    #[schemars(range(min = 1, max = 100))]
    pub confirm_hits: u32,
    /// How long a face that is no longer found is remembered, in milliseconds of the stream. 0 to 10000.
    #[schemars(range(min = 0, max = 10_000))]
    pub lost_ms: u32,
    /// Smallest intersection over union of a track's foreseen box and a detection, both grown by `reach`. Above 0, up to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub min_iou: f32,
    /// How far boxes are grown on each side before they are compared, as a share of their size. More survives lower frame
    /// rates and faster people, less keeps a crowd apart. 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub reach: f32,
}

impl Default for Config {
    fn default() -> Self {
        Self { sure: 0.6, doubtful: 0.3, confirm_hits: 3, lost_ms: 1000, min_iou: 0.2, reach: 0.3 }
    }
}

impl Config {
    /// Every key out of range, with what to write instead.
    pub fn problems(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut check = |fine: bool, text: &str| {
            if !fine {
                found.push(text.to_owned());
            }
        };
        let share = 0.0..=1.0;
        check(share.contains(&self.sure), "`sure` must lie between 0 and 1; 0.6 suits YuNet");
        check(self.doubtful >= 0.0 && self.doubtful <= self.sure, "`doubtful` must lie between 0 and `sure`; try 0.3");
        check((1..=100).contains(&self.confirm_hits), "`confirm_hits` must lie between 1 and 100; try 3");
        check(self.lost_ms <= 10_000, "`lost_ms` must be at most 10000; try 1000");
        check(self.min_iou > 0.0 && self.min_iou <= 1.0, "`min_iou` must be above 0 and at most 1; try 0.2");
        check(share.contains(&self.reach), "`reach` must lie between 0 and 1; try 0.3");
        found
    }
}

/// Follows the faces of every camera whose packets come by.
#[derive(Debug)]
pub struct Track {
    config: Config,
    cameras: HashMap<CameraId, Known>,
    /// The highest number used by a camera that was forgotten: whoever is new starts above it.
    used: u64,
}

#[derive(Debug)]
struct Known {
    camera: Camera,
    heard: Instant,
}

impl Track {
    /// A tracker that has seen nothing yet. Values out of range are the loader's to refuse ([`Config::problems`]).
    pub fn new(config: Config) -> Self {
        Self { config, cameras: HashMap::new(), used: 0 }
    }

    fn forget_idle(&mut self, now: Instant) {
        let is_idle = |_: &CameraId, known: &mut Known| now.saturating_duration_since(known.heard) > IDLE;
        for (_, known) in self.cameras.extract_if(is_idle) {
            self.used = self.used.max(known.camera.numbered());
        }
    }
}

impl Stage for Track {
    fn contract(&self) -> Contract {
        CONTRACT
    }

    fn process(&mut self, batch: &mut Vec<Packet>, now: Instant) -> Result<(), StageError> {
        self.forget_idle(now);
        for packet in batch {
            let name = packet.frame.camera.clone();
            let known =
                self.cameras.entry(name).or_insert_with(|| Known { camera: Camera::after(self.used), heard: now });
            known.heard = now;
            known.camera.follow(packet, &self.config);
        }
        Ok(())
    }
}
