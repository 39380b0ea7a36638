//! One camera's berth in the graph: its frames go into its lane, its news onto the board and into the log. Who has a berth
//! is kept by `roster`.

use std::{
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use super::{
    Board,
    herald::{Conditions, Herald},
};
use crate::flow::{Accepted, Drops, LaneInlet, LaneKind};
use crate::media::{
    CameraReports, CameraState, ClockReading, Evidence, FrameSink, Offer, Pace, PictureState, SourceSpec, Views,
};
use crate::scene::{CameraId, Frame};

/// The share of each camera's frames that is taken, in thousandths; set for all cameras at once while they run.
#[derive(Clone, Debug)]
pub(super) struct Thinning {
    share: Arc<AtomicU32>,
    /// Cameras that ever came.
    came: Arc<AtomicU32>,
}

/// All of a camera's frames.
const WHOLE: u32 = 1000;
/// The golden ratio of that: steps of it spread any number of cameras evenly.
const GOLDEN: u32 = 618;

/// Where one camera's frames and news go.
pub(super) struct Berth {
    sink: IntoLane,
    reports: ToBoard,
}

/// Lane and board of one camera.
struct IntoLane {
    lane: LaneInlet,
    board: Arc<Board>,
    views: Views,
    /// How many of the frames are taken, and what is counted of those that are not. A lossless lane takes them all.
    thinning: Option<(Thinning, Drops, Arc<str>)>,
    due: Due,
}

/// Thousandths of a frame that are due to one camera.
struct Due(AtomicU32);

impl Due {
    /// Whether the next frame is taken where `share` thousandths are; spreads those that are evenly over time.
    fn takes(&self, share: u32) -> bool {
        let due = self.0.load(Ordering::Relaxed) + share;
        let taken = due >= WHOLE;
        self.0.store(if taken { due - WHOLE } else { due }, Ordering::Relaxed);
        taken
    }
}

impl Default for Thinning {
    fn default() -> Self {
        Self { share: Arc::new(AtomicU32::new(WHOLE)), came: Arc::default() }
    }
}

impl Thinning {
    /// From now on this share, 0 to 1.
    pub(super) fn set(&self, share: f64) {
        self.share.store((share.clamp(0.0, 1.0) * f64::from(WHOLE)) as u32, Ordering::Relaxed);
    }

    /// What is due to the next camera from the start: each takes other frames than the one before, so that those taken do not
    /// come all at once.
    fn phase(&self) -> Due {
        Due(AtomicU32::new(self.came.fetch_add(1, Ordering::Relaxed).wrapping_mul(GOLDEN) % WHOLE))
    }
}

impl Berth {
    /// A lossless lane takes every frame; of the others a share may be left out.
    pub(super) fn new(
        lane: LaneInlet,
        views: &Views,
        board: &Arc<Board>,
        drops: &Drops,
        thinning: &Thinning,
        kind: LaneKind,
        herald: Option<Herald>,
    ) -> Self {
        let due = thinning.phase();
        let thinning = (kind == LaneKind::NewestWins).then(|| (thinning.clone(), drops.clone(), "thinned".into()));
        let sink = IntoLane { lane, board: Arc::clone(board), views: views.clone(), thinning, due };
        Self { sink, reports: ToBoard { board: Arc::clone(board), conditions: Conditions::new(herald) } }
    }

    /// The two halves, as a source wants them.
    pub(super) fn split(self) -> (Arc<dyn FrameSink>, Arc<dyn CameraReports>) {
        (Arc::new(self.sink), Arc::new(self.reports))
    }
}

impl IntoLane {
    /// Whether this frame is left out.
    fn leaves_out(&self, camera: &CameraId) -> bool {
        let Some((thinning, drops, reason)) = &self.thinning else { return false };
        let taken = self.due.takes(thinning.share.load(Ordering::Relaxed));
        if !taken {
            drops.count(camera, reason);
        }
        !taken
    }
}

impl FrameSink for IntoLane {
    fn offer(&self, frame: Frame) -> Offer {
        self.board.frame(&frame.camera, frame.size(), frame.captured.arrived);
        self.views.show(&frame);
        if self.leaves_out(&frame.camera) {
            return Offer::Taken;
        }
        match self.lane.offer(frame) {
            Accepted::Yes => Offer::Taken,
            Accepted::ReaderGone => Offer::Closed,
        }
    }
}

/// Shows camera states, logs them and tells subscribers.
struct ToBoard {
    board: Arc<Board>,
    conditions: Conditions,
}

impl CameraReports for ToBoard {
    /// A repeated file says "live" with every round; only what changes is news.
    fn state(&self, camera: &CameraId, state: CameraState, detail: &str) {
        self.conditions.line(camera, state, detail);
        let words = state_words(state);
        if !detail.is_empty() {
            self.board.camera_detail(camera, detail);
        }
        if !self.board.camera_state(camera, words.clone()) {
            return;
        }
        match state {
            // Told with its cause when the camera's thread ends.
            CameraState::Failed => {}
            CameraState::Connecting | CameraState::Live | CameraState::Ended | CameraState::Stopped => {
                tracing::info!(%camera, state = words, detail, "camera");
            }
            _ => tracing::warn!(%camera, state = words, detail, "camera"),
        }
    }

    fn picture(&self, camera: &CameraId, picture: PictureState, evidence: Option<Evidence>) {
        let words = picture_words(picture);
        self.conditions.picture(camera, picture, evidence);
        self.board.camera_state(camera, words.to_owned());
        if let Some(Evidence { measure, value, limit }) = evidence {
            tracing::warn!(%camera, picture = words, measure, value, limit, "camera");
        } else {
            tracing::info!(%camera, picture = words, "camera");
        }
    }

    fn clock(&self, camera: &CameraId, reading: ClockReading) {
        self.conditions.clock(camera, reading);
        self.board.camera_clock(camera, reading);
        if reading.is_wrong {
            let ahead_ms = reading.ahead_ms;
            tracing::warn!(%camera, ahead_ms, "the camera's clock is wrong; its pictures' times are corrected: set up NTP there");
        }
    }
}

/// What its pictures show, as an operator reads it.
fn picture_words(picture: PictureState) -> &'static str {
    match picture {
        PictureState::Good => "live",
        PictureState::WrongResolution => "wrong resolution",
        PictureState::ClockStuck => "clock stuck",
        PictureState::Garbage => "garbage",
        PictureState::Black => "black",
        PictureState::Overexposed => "overexposed",
        PictureState::Frozen => "frozen picture",
        PictureState::SceneChanged => "scene changed",
        PictureState::OutOfFocus => "out of focus",
    }
}

/// The state as an operator reads it: "live", "lost, again in 2 s".
fn state_words(state: CameraState) -> String {
    let (word, retry_in) = match state {
        CameraState::Connecting => ("connecting", None),
        CameraState::Live => ("live", None),
        CameraState::Stalled => ("stalled", None),
        CameraState::Lost { retry_in } => ("lost", Some(retry_in)),
        CameraState::AuthenticationFailed { retry_in } => ("login refused", Some(retry_in)),
        CameraState::Unreachable { retry_in } => ("unreachable", Some(retry_in)),
        CameraState::Unusable { retry_in } => ("unusable", Some(retry_in)),
        CameraState::Ended => ("ended", None),
        CameraState::Stopped => ("stopped", None),
        CameraState::Failed => ("failed", None),
    };
    let mut words = word.to_owned();
    if let Some(pause) = retry_in {
        let _ = write!(words, ", {:.1} s", pause.as_secs_f32());
    }
    words
}

/// A live camera's frames replace each other; a file played as fast as possible waits for its reader.
pub(super) fn lane_kind(source: &SourceSpec) -> LaneKind {
    match source {
        SourceSpec::File { pace: Pace::Fast, .. } => LaneKind::Lossless,
        SourceSpec::Synthetic(spec) if spec.pace == Pace::Fast => LaneKind::Lossless,
        _ => LaneKind::NewestWins,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_taken_are_spread_over_the_cameras_and_over_time() {
        let thinning = Thinning::default();
        let cameras: Vec<Due> = (0..8).map(|_| thinning.phase()).collect();
        let taken_at_once = |share: u32| cameras.iter().filter(|due| due.takes(share)).count();
        assert!((0..3).all(|_| taken_at_once(WHOLE) == 8), "all of them where all are taken");
        let taken: Vec<usize> = (0..40).map(|_| taken_at_once(250)).collect();
        assert_eq!(taken.iter().sum::<usize>(), 80, "a quarter");
        assert!(
            taken.iter().all(|taken| (1..=3).contains(taken)),
            "a quarter of the cameras at every frame: {taken:?}"
        );
    }
}
