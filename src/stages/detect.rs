//! `detect`: finds faces on frames, in one batch across cameras.
//!
//! Looks at every n-th frame of a camera (the dial's interval), at other frames of the next camera than of this one, so that
//! looks do not come all at once; the frames between pass untouched and the tracker fills in.
//! With `calm` it looks less often still while the same faces stay and nothing else moves ([`watch`]). Next: `track`, which
//! gives the faces continuity.

mod watch;

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::watch::Watch;
use super::duration;
use crate::flow::{Contract, Dial, Fact, Facts, Stage, StageError};
use crate::inference::{FaceDetector, InferenceError};
use crate::scene::{CameraId, FaceObservation, Packet};

/// The rhythm of a camera that sent nothing for this long is forgotten; it is looked at as soon as it is back.
const IDLE: Duration = Duration::from_mins(1);

/// Needs pixels; adds faces with their five points.
pub const CONTRACT: Contract =
    Contract { needs: Facts::of(&[Fact::Pixels]), adds: Facts::of(&[Fact::Faces, Fact::Landmarks]) };

/// Settings of `detect`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Folder name of the detector under the models directory.
    pub model: String,
    /// Variant of the model, as its manifest names it; the manifest's first when absent.
    pub variant: Option<String>,
    /// Faces the detector scores lower than this are dropped (0 to 1); the manifest's own threshold when absent.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub score_threshold: Option<f32>,
    /// Look at every n-th frame of a camera; the tracker fills in the others.
    #[schemars(range(min = 1, max = 120))]
    pub interval: u32,
    /// While the same faces stay and nothing else moves, look only this often; whoever is new is still found within it.
    /// 0 looks at every n-th frame whatever happens.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Written")]
    pub calm: Duration,
    /// Most frames in one run of the network, over all cameras.
    #[schemars(range(min = 1, max = 64))]
    pub max_batch: usize,
    /// How long to wait for a fuller batch once one frame is there; this much latency is spent for throughput.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Written")]
    pub linger: Duration,
    /// At most this many faces a frame, best scores first.
    #[schemars(range(min = 1, max = 4096))]
    pub max_faces: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            model: "yunet".to_owned(),
            variant: None,
            score_threshold: None,
            interval: 1,
            calm: Duration::ZERO,
            max_batch: 1,
            linger: Duration::ZERO,
            max_faces: 64,
        }
    }
}

/// The stage.
pub struct Detect {
    detector: Box<dyn FaceDetector>,
    dial: Arc<Dial>,
    max_faces: usize,
    calm: Duration,
    cameras: HashMap<CameraId, Seen>,
    /// Cameras that ever came.
    came: u32,
    /// The interval at the last frame.
    interval: u32,
    found: Vec<Vec<FaceObservation>>,
}

/// What is remembered of a camera.
#[derive(Debug)]
struct Seen {
    /// Which of the frames between two looks is its own.
    place: u32,
    /// Frames since the last look, if there was one.
    since_look: Option<u32>,
    /// When its last frame was seen.
    heard: Instant,
    watch: Watch,
}

impl Detect {
    /// A detect stage over `detector`; `dial` sets how often it looks.
    pub fn new(config: &Config, detector: Box<dyn FaceDetector>, dial: Arc<Dial>) -> Self {
        dial.set_interval(config.interval);
        let (max_faces, calm) = (config.max_faces, config.calm);
        let (cameras, found) = (HashMap::new(), Vec::new());
        Self { detector, dial, max_faces, calm, cameras, came: 0, interval: config.interval, found }
    }

    /// Decides, camera by camera, which frames are looked at.
    fn choose(&mut self, batch: &mut [Packet], now: Instant) {
        self.cameras.retain(|_, seen| now.saturating_duration_since(seen.heard) < IDLE);
        let (interval, looking) = (self.dial.interval(), self.dial.enabled());
        self.spread(interval);
        for packet in batch {
            let new = || {
                let place = self.came;
                self.came = place.wrapping_add(1);
                Seen { place, since_look: None, heard: now, watch: Watch::default() }
            };
            let seen = self.cameras.entry(packet.frame.camera.clone()).or_insert_with(new);
            seen.heard = now;
            let is_first = seen.since_look.is_none();
            let since_look = seen.since_look.map_or(interval, |frames| frames.saturating_add(1));
            seen.since_look = seen.since_look.map(|_| since_look);
            let turn = looking && since_look >= interval;
            packet.detected = turn && (self.calm.is_zero() || seen.watch.is_due(&packet.frame, self.calm));
            if packet.detected {
                seen.since_look = Some(if is_first { seen.place % interval } else { 0 });
            }
        }
    }

    /// With another interval everybody's looks are spread anew: they all began to count at the same frame.
    fn spread(&mut self, interval: u32) {
        if std::mem::replace(&mut self.interval, interval) != interval {
            let spread = |seen: &mut Seen| seen.since_look = seen.since_look.map(|_| seen.place % interval);
            self.cameras.values_mut().for_each(spread);
        }
    }

    /// Remembers what a look showed, for the next choice.
    fn remember(&mut self, packet: &Packet) {
        if let Some(seen) = self.cameras.get_mut(&packet.frame.camera).filter(|_| !self.calm.is_zero()) {
            seen.watch.saw(&packet.frame, &packet.faces);
        }
    }
}

impl Detect {
    /// No memory for a single frame: these pass unseen, as between two looks, and the next ones are tried.
    #[allow(clippy::unnecessary_wraps, reason = "what the stage answers")]
    fn not_looked_at(&mut self, batch: &mut [Packet], cause: &InferenceError) -> Result<(), StageError> {
        tracing::error!(frames = batch.len(), %cause, "no room to look at these frames; the tracker fills in");
        for packet in batch.iter_mut().filter(|packet| packet.detected) {
            packet.detected = false;
            self.cameras.remove(&packet.frame.camera);
        }
        Ok(())
    }
}

impl Stage for Detect {
    fn contract(&self) -> Contract {
        CONTRACT
    }

    fn process(&mut self, batch: &mut Vec<Packet>, now: Instant) -> Result<(), StageError> {
        self.choose(batch, now);
        let looked_at = || batch.iter().filter(|packet| packet.detected);
        let frames: Vec<_> = looked_at().map(|packet| packet.frame.pixels.as_ref()).collect();
        if frames.is_empty() {
            return Ok(());
        }
        match self.detector.detect(&frames, &mut self.found) {
            Err(cause) if cause.is_out_of_memory() => return self.not_looked_at(batch, &cause),
            looked => looked.map_err(StageError::new)?,
        }
        for (packet, faces) in batch.iter_mut().filter(|packet| packet.detected).zip(&mut self.found) {
            faces.truncate(self.max_faces);
            packet.faces.append(faces);
        }
        batch.iter().filter(|packet| packet.detected).for_each(|packet| self.remember(packet));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::testing::{now, packet};
    use crate::memory::Pixels;
    use crate::scene::BBox;

    /// Finds two faces everywhere.
    struct Everywhere;

    impl FaceDetector for Everywhere {
        fn detect(&mut self, frames: &[&Pixels], found: &mut Vec<Vec<FaceObservation>>) -> Result<(), InferenceError> {
            let face = FaceObservation::detected(BBox::new(0.0, 0.0, 1.0, 1.0), None, 0.9);
            *found = vec![vec![face.clone(), face]; frames.len()];
            Ok(())
        }
    }

    fn looked_at(config: &Config, cameras: &[&str]) -> Vec<bool> {
        let dial = Arc::new(Dial::new(8, Duration::ZERO));
        let mut stage = Detect::new(config, Box::new(Everywhere), dial);
        let mut seen = Vec::new();
        for n in 0..4 {
            let mut batch: Vec<_> = cameras.iter().map(|camera| packet(camera, n)).collect();
            stage.process(&mut batch, now()).unwrap();
            seen.extend(batch.iter().map(|p| p.detected && p.faces.len() == config.max_faces));
        }
        seen
    }

    #[test]
    fn every_nth_frame_of_each_camera_is_looked_at_starting_with_the_first() {
        let config = Config { interval: 2, max_faces: 2, ..Config::default() };
        assert_eq!(looked_at(&config, &["a"]), [true, false, true, false]);
    }

    #[test]
    fn the_next_camera_is_looked_at_at_other_frames() {
        let config = Config { interval: 2, max_faces: 2, ..Config::default() };
        assert_eq!(looked_at(&config, &["a", "b"]), [true, true, false, true, true, false, false, true]);
    }

    #[test]
    fn looks_stay_spread_when_the_interval_changes() {
        let dial = Arc::new(Dial::new(8, Duration::ZERO));
        let mut stage = Detect::new(&Config::default(), Box::new(Everywhere), Arc::clone(&dial));
        let cameras: Vec<String> = (0..8).map(|n| format!("camera-{n}")).collect();
        let mut looks = |n: u64| {
            let mut batch: Vec<_> = cameras.iter().map(|camera| packet(camera, n)).collect();
            stage.process(&mut batch, now()).unwrap();
            batch.iter().filter(|packet| packet.detected).count()
        };
        assert_eq!((0..3).map(&mut looks).collect::<Vec<_>>(), [8, 8, 8]);
        dial.set_interval(4);
        assert_eq!((3..11).map(&mut looks).collect::<Vec<_>>(), [2; 8], "a quarter of the cameras at every frame");
    }

    #[test]
    fn faces_are_capped() {
        let config = Config { max_faces: 1, ..Config::default() };
        assert_eq!(looked_at(&config, &["a"]), [true; 4]);
    }
}
