//! Plays a synthetic world to a sink, at its frame rate or as fast as the sink goes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, TryRecvError};

use super::ingest::Surroundings;
use super::{CameraEnd, CameraState, MediaError, Offer, Pace, SyntheticSpec, SyntheticWorld};
use crate::scene::{CameraId, Capture, Frame, TimeSource};

/// Runs until the world is over, the sink closes or `stop` disconnects.
pub(super) fn play(camera: &CameraId, spec: SyntheticSpec, around: &Surroundings<'_>) -> CameraEnd {
    let (pace, fps, frames) = (spec.pace, spec.fps.max(1), spec.frames.unwrap_or(u64::MAX));
    let world = SyntheticWorld::new(spec);
    let (began, began_wall) = (around.clock.now(), around.clock.wall());
    for sequence in 0..frames {
        let position = Duration::from_nanos(sequence.saturating_mul(1_000_000_000) / u64::from(fps));
        if is_stopped(around, pace, began + position) {
            return CameraEnd::Stopped;
        }
        let pixels = match world.draw(sequence) {
            Ok(pixels) => Arc::new(pixels),
            Err(error) => return CameraEnd::Failed(broken(camera, &error)),
        };
        if sequence == 0 {
            around.reports.state(camera, CameraState::Live, "synthetic");
        }
        let captured = Capture {
            arrived: around.clock.now(),
            at: began + position,
            wall: began_wall + position,
            ingested: around.clock.wall(),
            pts: Some(position),
            source: TimeSource::Synthetic,
            uncertainty: Duration::ZERO,
        };
        let camera = camera.clone();
        let frame = Frame { camera, sequence, captured, pixels };
        if around.sink.offer(frame) == Offer::Closed {
            return CameraEnd::SinkClosed;
        }
    }
    CameraEnd::Ended
}

/// Waits for the frame's turn; whether we were told to stop instead.
pub(super) fn is_stopped(around: &Surroundings<'_>, pace: Pace, due: Instant) -> bool {
    let wait = match pace {
        Pace::Fast => Duration::ZERO,
        Pace::Realtime => due.saturating_duration_since(around.clock.now()),
    };
    if wait.is_zero() {
        return matches!(around.stop.try_recv(), Err(TryRecvError::Disconnected));
    }
    matches!(around.stop.recv_timeout(wait), Err(RecvTimeoutError::Disconnected))
}

fn broken(camera: &CameraId, error: &dyn std::error::Error) -> MediaError {
    MediaError::Other { input: camera.to_string(), why: error.to_string() }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::Mutex;

    use super::*;
    use crate::media::{CameraInput, CameraReports, FrameSink, SourceSpec, SystemClock, run_camera};

    #[derive(Default)]
    struct Log {
        frames: Mutex<Vec<Frame>>,
        states: Mutex<Vec<CameraState>>,
        room: Option<usize>,
    }

    impl FrameSink for Log {
        fn offer(&self, frame: Frame) -> Offer {
            let mut frames = self.frames.lock().unwrap();
            frames.push(frame);
            if self.room.is_some_and(|room| frames.len() >= room) { Offer::Closed } else { Offer::Taken }
        }
    }

    impl CameraReports for Log {
        fn state(&self, _: &CameraId, state: CameraState, _: &str) {
            self.states.lock().unwrap().push(state);
        }
    }

    fn run(spec: SyntheticSpec, log: &Arc<Log>) -> CameraEnd {
        let (_running, stop) = crossbeam_channel::bounded::<Infallible>(0);
        let input = CameraInput::new(CameraId::new("toy").unwrap(), SourceSpec::Synthetic(spec));
        run_camera(input, log.clone(), log.clone(), &stop, Arc::new(SystemClock))
    }

    #[test]
    fn a_world_of_nine_frames_shows_nine_frames_in_order() {
        let log = Arc::new(Log::default());
        let spec = SyntheticSpec { frames: Some(9), pace: Pace::Fast, ..SyntheticSpec::default() };
        assert!(matches!(run(spec, &log), CameraEnd::Ended));
        let frames = log.frames.lock().unwrap();
        assert!(frames.iter().map(|f| f.sequence).eq(0..9));
        assert_eq!(frames[3].captured.pts, Some(Duration::from_millis(100)));
        let states = log.states.lock().unwrap();
        assert_eq!(*states, [CameraState::Connecting, CameraState::Live, CameraState::Ended]);
    }

    #[test]
    fn a_closed_sink_ends_an_endless_world() {
        let log = Arc::new(Log { room: Some(3), ..Log::default() });
        assert!(matches!(run(SyntheticSpec::default(), &log), CameraEnd::SinkClosed));
        assert_eq!(log.frames.lock().unwrap().len(), 3);
    }

    #[test]
    fn stop_ends_a_camera_between_two_frames() {
        let log = Arc::new(Log::default());
        let (running, stop) = crossbeam_channel::bounded::<Infallible>(0);
        drop(running);
        let input = CameraInput::new(CameraId::new("toy").unwrap(), SourceSpec::Synthetic(SyntheticSpec::default()));
        let end = run_camera(input, log.clone(), log.clone(), &stop, Arc::new(SystemClock));
        assert!(matches!(end, CameraEnd::Stopped) && log.frames.lock().unwrap().is_empty());
    }
}
