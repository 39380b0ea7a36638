//! Owns the screen while a run is shown on it, and gives it back however the run ends.

use std::{io, time::Duration};

use ratatui::{
    DefaultTerminal, Frame,
    crossterm::event::{self, Event, KeyCode, KeyModifiers},
};

use super::view::{Dashboard, draw};

/// The screen in full-screen mode. Dropping it restores what was there.
pub(in crate::cli) struct Screen {
    terminal: DefaultTerminal,
}

impl Screen {
    /// Takes the screen.
    pub(in crate::cli) fn take() -> io::Result<Self> {
        Ok(Self { terminal: ratatui::try_init()? })
    }

    /// Shows one state of things.
    pub(super) fn show(&mut self, dashboard: &Dashboard) -> io::Result<()> {
        self.paint(|frame| draw(frame, dashboard))
    }

    /// Shows whatever is drawn.
    pub(in crate::cli) fn paint(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.terminal.draw(draw).map(|_| ())
    }

    /// Waits up to `patience` for a key; true when it asks for the end (q, Esc or Ctrl-C).
    pub(in crate::cli) fn asked_to_end(patience: Duration) -> io::Result<bool> {
        if !event::poll(patience)? {
            return Ok(false);
        }
        let Event::Key(key) = event::read()? else {
            return Ok(false);
        };
        let interrupt = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
        Ok(interrupt || matches!(key.code, KeyCode::Char('q') | KeyCode::Esc))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        ratatui::restore();
    }
}
