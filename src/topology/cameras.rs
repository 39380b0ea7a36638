//! Runs a camera on a thread of its own: its frames go into its lane, its news onto the board and into the log.

use std::{
    fmt::Write as _,
    sync::Arc,
    thread::{Builder, JoinHandle},
};

use super::Board;
use crate::flow::{Accepted, LaneInlet, LaneKind, Lanes, Shutdown};
use crate::media::{
    CameraEnd, CameraInput, CameraReports, CameraState, FrameSink, Offer, Pace, SourceSpec, SystemClock, run_camera,
};
use crate::scene::{CameraId, Frame};

/// Lane and board of one camera.
struct IntoLane {
    lane: LaneInlet,
    board: Arc<Board>,
}

impl FrameSink for IntoLane {
    fn offer(&self, frame: Frame) -> Offer {
        self.board.frame(&frame.camera, frame.captured.arrived);
        match self.lane.offer(frame) {
            Accepted::Yes => Offer::Taken,
            Accepted::ReaderGone => Offer::Closed,
        }
    }
}

/// Shows camera states and logs them.
struct ToBoard(Arc<Board>);

impl CameraReports for ToBoard {
    /// A repeated file says "live" with every round; only what changes is news.
    fn state(&self, camera: &CameraId, state: CameraState, detail: &str) {
        let words = state_words(state);
        if !self.0.camera_state(camera, words.clone()) {
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
fn lane_kind(source: &SourceSpec) -> LaneKind {
    match source {
        SourceSpec::File { pace: Pace::Fast, .. } => LaneKind::Lossless,
        SourceSpec::Synthetic(spec) if spec.pace == Pace::Fast => LaneKind::Lossless,
        SourceSpec::File { .. } | SourceSpec::Rtsp(_) | SourceSpec::Synthetic(_) => LaneKind::NewestWins,
    }
}

/// Starts a camera; `ended` hears how it ended, on the camera's thread, after its lane is closed.
pub(super) fn start_camera(
    input: CameraInput,
    lanes: &Lanes,
    board: &Arc<Board>,
    shutdown: &Shutdown,
    ended: impl FnOnce(CameraId, CameraEnd) + Send + 'static,
) -> std::io::Result<JoinHandle<()>> {
    let lane = lanes.open(&input.camera, lane_kind(&input.source));
    let (board, stop) = (Arc::clone(board), shutdown.clone());
    let camera = input.camera.clone();
    Builder::new().name(format!("cam-{camera}")).spawn(move || {
        let sink = Arc::new(IntoLane { lane, board: Arc::clone(&board) });
        let end = run_camera(input, sink, Arc::new(ToBoard(board)), stop.drained(), Arc::new(SystemClock));
        if let CameraEnd::Failed(cause) = &end {
            tracing::error!(%camera, %cause, "camera given up; the others go on");
        }
        ended(camera, end);
    })
}
