//! One run from start to end: watches the graph, shows it, and ends it when asked, when time is up, or when input is over.

use std::{
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use crossbeam_channel::Receiver;

use super::{
    gauge::Gauge,
    terminal::Screen,
    view::{self, Dashboard},
};
use crate::topology::{Outcome, Running, TailLine};

/// Between two looks at signals, endings and the clock.
const BEAT: Duration = Duration::from_millis(50);
/// Between two redraws of the full-screen view.
const REDRAW: Duration = Duration::from_millis(250);
/// Between two status lines of the plain view.
const STATUS: Duration = Duration::from_secs(5);
/// How long a drain may take before threads are left behind.
const DRAIN: Duration = Duration::from_secs(10);

/// How a run is shown.
pub(super) enum Display {
    /// Full screen; log lines arrive in the queue.
    Screen(Screen, Receiver<String>),
    /// Event and status lines on standard output.
    Plain,
    /// Nothing on standard output: it carries events.
    Quiet,
}

/// What bounds a run.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bounds {
    /// Ends after this long.
    pub(super) run_for: Option<Duration>,
    /// Ends when every camera has ended.
    pub(super) until_end: bool,
}

/// A run being watched.
pub(super) struct Session {
    pub(super) running: Running,
    pub(super) title: String,
    pub(super) display: Display,
    pub(super) bounds: Bounds,
    /// Counts termination signals.
    pub(super) signals: Arc<AtomicUsize>,
    /// Event lines for people.
    pub(super) lines: Receiver<TailLine>,
}

impl Session {
    /// Watches until the end, then drains. Returns the outcome and the last state of things.
    pub(super) fn run(mut self) -> io::Result<(Outcome, Dashboard)> {
        let start = now();
        let mut gauge = Gauge::new(start);
        let (mut shown, mut stopping, mut heeded) = (start, None::<Instant>, 0);
        let mut status = start;
        while self.running.watch(BEAT) {
            let at = now();
            heeded = self.heed_signals(heeded);
            if stopping.is_none() && (heeded > 0 || self.is_over(at - start)) {
                if heeded == 0 {
                    self.running.stop();
                }
                stopping = Some(at + DRAIN);
            }
            self.show_lines()?;
            if at - shown >= REDRAW {
                shown = at;
                gauge.read(&self.running, at);
                self.redraw(&gauge.dashboard(&self.title, &self.running))?;
            }
            if at - status >= STATUS {
                status = at;
                self.status(&gauge.dashboard(&self.title, &self.running))?;
            }
            if stopping.is_some_and(|deadline| at >= deadline) {
                break;
            }
        }
        self.show_lines()?;
        gauge.read(&self.running, now());
        let last = gauge.dashboard(&self.title, &self.running);
        drop(self.display);
        Ok((self.running.finish(now() + Duration::from_secs(1), now), last))
    }

    /// The first signal drains, the second means now.
    fn heed_signals(&mut self, heeded: usize) -> usize {
        let asked = self.signals.load(Ordering::Acquire) + usize::from(self.key_asks());
        (heeded..asked).for_each(|_| self.running.stop());
        asked.max(heeded)
    }

    fn key_asks(&mut self) -> bool {
        let asks = matches!(&self.display, Display::Screen(..)) && Screen::asked_to_end(Duration::ZERO).unwrap_or(true);
        if asks {
            self.signals.fetch_add(1, Ordering::AcqRel);
        }
        false
    }

    fn is_over(&self, elapsed: Duration) -> bool {
        self.bounds.run_for.is_some_and(|limit| elapsed >= limit)
    }

    fn show_lines(&mut self) -> io::Result<()> {
        while let Ok(line) = self.lines.try_recv() {
            if matches!(self.display, Display::Plain) {
                writeln!(io::stdout(), "{} {}", line.at, line.text)?;
            }
            self.running.board.tell(line);
        }
        Ok(())
    }

    fn redraw(&mut self, dashboard: &Dashboard) -> io::Result<()> {
        let Display::Screen(screen, log) = &mut self.display else { return Ok(()) };
        while let Ok(text) = log.try_recv() {
            self.running.board.tell(TailLine { at: "log     ".to_owned(), text });
        }
        screen.show(dashboard)
    }

    fn status(&self, dashboard: &Dashboard) -> io::Result<()> {
        if matches!(self.display, Display::Plain) { writeln!(io::stdout(), "{}", view::status_line(dashboard)) } else { Ok(()) }
    }
}

#[allow(clippy::disallowed_methods, reason = "the front reads the clock")]
pub(super) fn now() -> Instant {
    Instant::now()
}
