//! How much time passed between two frames of a camera.
//!
//! Presentation time is what the picture shows: it does not jitter with the network, and a file that is read faster than
//! it plays still moves at the speed it was filmed at. Where it is missing, runs backwards (a loop, a reconnection) or
//! leaps, the time of arrival stands in.

use std::time::{Duration, Instant};

use crate::scene::Capture;

/// The longest step believed of presentation time. Frames of a live camera are dropped for seconds at most; more is a new
/// timeline.
const LONGEST_STEP: Duration = Duration::from_secs(10);

/// The running time of one camera's stream: counts from 0, never goes back.
#[derive(Clone, Debug, Default)]
pub struct Pace {
    last: Option<(Instant, Option<Duration>)>,
    elapsed: Duration,
}

impl Pace {
    /// Stream time of this frame, counted from the first one. A frame older than the last one gives the last one's time.
    pub fn advance(&mut self, captured: &Capture) -> Duration {
        if let Some((arrived, pts)) = self.last {
            let waited = captured.arrived.saturating_duration_since(arrived);
            self.elapsed += shown(pts, captured.pts).unwrap_or(waited);
        }
        self.last = Some((captured.arrived, captured.pts));
        self.elapsed
    }
}

/// Presentation time between two frames, if both carry one and the step makes sense.
fn shown(before: Option<Duration>, after: Option<Duration>) -> Option<Duration> {
    let step = after?.checked_sub(before?)?;
    (step <= LONGEST_STEP && !step.is_zero()).then_some(step)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    #[test]
    fn a_file_read_at_double_speed_moves_at_its_own() {
        #[allow(clippy::disallowed_methods, reason = "a test needs some instant to start from")]
        let start = Instant::now();
        let at = |arrived_ms: u64, pts_ms: Option<u64>| {
            let arrived = start + Duration::from_millis(arrived_ms);
            Capture::on_arrival(arrived, SystemTime::UNIX_EPOCH, pts_ms.map(Duration::from_millis))
        };
        let mut pace = Pace::default();
        let mut told = |arrived, pts| pace.advance(&at(arrived, pts)).as_millis();
        assert_eq!(told(0, Some(0)), 0);
        assert_eq!(told(5, Some(40)), 40);
        assert_eq!(told(12, Some(0)), 47, "looped: arrival stands in");
        assert_eq!(told(15, None), 50, "no presentation time: arrival stands in");
        assert_eq!(told(10, None), 50, "never backwards");
    }
}
