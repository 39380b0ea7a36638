//! What the way to the first frame took, told once, step by step: `first frame after 640 ms: files 4, doctor 61, …`.

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

/// Steps so far.
#[derive(Clone, Debug)]
pub(super) struct Startup {
    begun: Instant,
    last: Instant,
    steps: Vec<(&'static str, Duration)>,
    told: bool,
}

impl Startup {
    pub(super) fn begin(now: Instant) -> Self {
        Self { begun: now, last: now, steps: Vec::new(), told: false }
    }

    /// What just ended.
    pub(super) fn step(&mut self, name: &'static str, now: Instant) {
        self.steps.push((name, now.saturating_duration_since(self.last)));
        self.last = now;
    }

    /// The line to tell, once, as soon as a frame has gone through the whole graph.
    pub(super) fn first_frame(&mut self, frames: u64, now: Instant) -> Option<String> {
        if self.told || frames == 0 {
            return None;
        }
        self.told = true;
        self.step("cameras and first frame", now);
        let mut line = format!("first frame after {} ms: ", (now - self.begun).as_millis());
        for (at, (name, took)) in self.steps.iter().enumerate() {
            // Writing to a string cannot fail.
            let _ = write!(line, "{}{name} {}", if at == 0 { "" } else { ", " }, took.as_millis());
        }
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_frame_is_told_once_with_every_step() {
        let begin = crate::cli::run::session::now();
        let after = |ms| begin + Duration::from_millis(ms);
        let mut startup = Startup::begin(begin);
        startup.step("files", after(5));
        assert_eq!(startup.first_frame(0, after(50)), None);
        startup.step("models and graph", after(305));
        let told = startup.first_frame(3, after(405)).unwrap();
        assert_eq!(told, "first frame after 405 ms: files 5, models and graph 300, cameras and first frame 100");
        assert_eq!(startup.first_frame(4, after(500)), None);
    }
}
