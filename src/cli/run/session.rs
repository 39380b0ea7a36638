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
    narrate::narrate,
    startup::Startup,
    terminal::Screen,
    view::{self, Dashboard},
    web::Web,
};
use crate::events::Recorded;
use crate::topology::{Assembly, Ended, TailLine};

/// Between two looks at signals, endings and the clock.
const BEAT: Duration = Duration::from_millis(50);
/// Between two redraws of the full-screen view.
const REDRAW: Duration = Duration::from_millis(250);
/// Between two status lines of the plain view.
const STATUS: Duration = Duration::from_secs(5);
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
}

/// A run being watched.
pub(super) struct Session {
    pub(super) title: String,
    pub(super) display: Display,
    pub(super) bounds: Bounds,
    /// How long a drain may take before threads are left behind.
    pub(super) drain: Duration,
    /// Counts termination signals.
    pub(super) signals: Arc<AtomicUsize>,
    /// Every event, as it is published.
    pub(super) shown: Receiver<Recorded>,
    /// What the way here took.
    pub(super) startup: Startup,
    /// Answers over HTTP while the run lasts.
    pub(super) web: Option<Web>,
    pub(super) assembly: Assembly,
}

impl Session {
    /// Watches until the end, then drains. Returns how it ended and the last state of things.
    pub(super) fn run(mut self) -> io::Result<(Ended, Dashboard)> {
        let start = now();
        let mut gauge = Gauge::new(start);
        let (mut redrawn, mut told, mut deadline, mut heeded) = (start, start, None::<Instant>, 0);
        while self.assembly.running.watch(BEAT) {
            let at = now();
            heeded = self.heed(heeded, at - start);
            if heeded > 0 && at >= *deadline.get_or_insert(at + self.drain) {
                break;
            }
            self.show_events()?;
            if let Some(line) = self.startup.first_frame(self.assembly.running.board.frames(), at) {
                tracing::info!("{line}");
            }
            if at - redrawn >= REDRAW {
                redrawn = at;
                gauge.read(&self.assembly.running, at);
                self.redraw(&gauge)?;
            }
            if at - told >= STATUS {
                told = at;
                self.tell_status(&gauge)?;
            }
        }
        self.end(gauge)
    }

    fn end(self, mut gauge: Gauge) -> io::Result<(Ended, Dashboard)> {
        gauge.read(&self.assembly.running, now());
        let last = gauge.dashboard(&self.title, &self.assembly);
        let Self { display, shown, assembly, web, .. } = self;
        // Whoever still asks is answered first: what they ask about is about to go.
        drop(web);
        let gallery = assembly.gallery.clone();
        let board = Arc::clone(&assembly.running.board);
        let ended = assembly.finish(now() + Duration::from_secs(2), now);
        for recorded in shown.try_iter() {
            let line = narrate(&recorded.event, gallery.as_deref(), &board);
            if let (Display::Plain, Some(line)) = (&display, line) {
                writeln!(io::stdout(), "{} {}", line.at, line.text)?;
            }
        }
        Ok((ended, last))
    }

    /// Counts the requests to end so far and passes new ones on: the first drains, the second means now.
    fn heed(&self, heeded: usize, elapsed: Duration) -> usize {
        let key = matches!(self.display, Display::Screen(..)) && Screen::asked_to_end(Duration::ZERO).unwrap_or(true);
        if key {
            self.signals.fetch_add(1, Ordering::AcqRel);
        }
        let time_is_up = self.bounds.run_for.is_some_and(|limit| elapsed >= limit);
        let asked = self.signals.load(Ordering::Acquire).max(usize::from(time_is_up));
        if let (0, true, Some(web)) = (heeded, asked > 0, &self.web) {
            web.end();
        }
        (heeded..asked).for_each(|_| self.assembly.running.stop());
        asked.max(heeded)
    }

    fn show_events(&mut self) -> io::Result<()> {
        while let Ok(recorded) = self.shown.try_recv() {
            let board = &self.assembly.running.board;
            let Some(line) = narrate(&recorded.event, self.assembly.gallery.as_deref(), board) else { continue };
            if matches!(self.display, Display::Plain) {
                writeln!(io::stdout(), "{} {}", line.at, line.text)?;
            }
            board.tell(line);
        }
        Ok(())
    }

    fn redraw(&mut self, gauge: &Gauge) -> io::Result<()> {
        let Display::Screen(screen, log) = &mut self.display else { return Ok(()) };
        let running = &self.assembly.running;
        while let Ok(text) = log.try_recv() {
            running.board.tell(TailLine { at: "log         ".to_owned(), text });
        }
        screen.show(&gauge.dashboard(&self.title, &self.assembly))
    }

    fn tell_status(&self, gauge: &Gauge) -> io::Result<()> {
        if !matches!(self.display, Display::Plain) {
            return Ok(());
        }
        let dashboard = gauge.dashboard(&self.title, &self.assembly);
        writeln!(io::stdout(), "{}", view::status_line(&dashboard))
    }
}

#[allow(clippy::disallowed_methods, reason = "the front reads the clock")]
pub(super) fn now() -> Instant {
    Instant::now()
}
