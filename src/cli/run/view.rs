//! The live terminal view of a run: who is on which camera, alive or not, events as they happen, and how the machine fares.
//!
//! Drawing is a pure function of a [`Dashboard`]; `terminal` owns the screen.

use std::time::Duration;

use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::{Color, Modifier, Style},
    text::{Line, Span},
    widgets::{Block, Paragraph, Row, Table},
};

use crate::flow::{Percentiles, StageTotals};
use crate::topology::{Ended, Presence, Snapshot};

/// All that one screen shows.
#[derive(Clone, Debug, Default)]
pub(super) struct Dashboard {
    /// Deployment and pipeline.
    pub title: String,
    /// Time since the start.
    pub uptime: Duration,
    /// Cameras, presences, event tail.
    pub scene: Snapshot,
    /// Stages in graph order: name and counters.
    pub stages: Vec<(String, StageTotals)>,
    /// Capture to the end of the graph, over the last seconds.
    pub latency: Percentiles,
    /// CPU time a second of wall time, in cores.
    pub cores: f32,
    /// Resident memory in bytes.
    pub resident: u64,
    /// What the governor decided last; empty when it is off.
    pub governor: String,
}

const DIM: Style = Style::new().fg(Color::DarkGray);
const HEAD: Style = Style::new().add_modifier(Modifier::BOLD);

/// Draws one screen.
pub(super) fn draw(frame: &mut Frame<'_>, board: &Dashboard) {
    let cameras = board.scene.cameras.len() as u16 + 3;
    let stages = board.stages.len() as u16 + 3;
    let rows = [Constraint::Length(3), Constraint::Length(cameras), Constraint::Length(stages), Constraint::Min(4)];
    let [head, top, middle, bottom] = Layout::vertical(rows).areas(frame.area());
    frame.render_widget(header(board), head);
    draw_cameras(frame, board, top);
    draw_stages(frame, board, middle);
    draw_tail(frame, board, bottom);
}

fn header(board: &Dashboard) -> Paragraph<'_> {
    let ms = |d: Duration| format!("{:.0} ms", d.as_secs_f64() * 1e3);
    let figures = format!(
        "up {}   visits {}   capture→event p50 {} p95 {}   CPU {:.2} cores   memory {} MB",
        clock(board.uptime),
        board.scene.visits,
        ms(board.latency.p50),
        ms(board.latency.p95),
        board.cores,
        board.resident / 1_000_000,
    );
    let title = Line::from(vec![Span::styled(board.title.as_str(), HEAD), Span::styled("   q ends the run", DIM)]);
    Paragraph::new(vec![title, Line::from(figures), Line::styled(board.governor.as_str(), DIM)])
}

/// One line for the plain view: cameras, rates, drops, latency, load.
pub(super) fn status_line(board: &Dashboard) -> String {
    let cameras: Vec<_> = board
        .scene
        .cameras
        .iter()
        .map(|(id, camera)| {
            let who: Vec<_> = camera.present.iter().map(|p| format!("{} ({})", p.who, p.liveness)).collect();
            format!(
                "{id}: {} {:.0} fps, {} dropped, {}",
                camera.state,
                camera.fps,
                camera.drops,
                if who.is_empty() { "nobody".into() } else { who.join(" + ") }
            )
        })
        .collect();
    format!(
        "status  {} | p50 {:.0} ms p95 {:.0} ms, {:.2} cores, {} MB",
        cameras.join(" | "),
        board.latency.p50.as_secs_f64() * 1e3,
        board.latency.p95.as_secs_f64() * 1e3,
        board.cores,
        board.resident / 1_000_000,
    )
}

/// What a run did, for the end.
pub(super) fn summary(board: &Dashboard, ended: &Ended) -> String {
    let frames: u64 = board.scene.cameras.values().map(|camera| camera.frames).sum();
    let drops: u64 = board.scene.cameras.values().map(|camera| camera.drops).sum();
    let late = match ended.outcome.left_behind.as_slice() {
        [] => String::new(),
        names => format!(", left behind: {}", names.join(", ")),
    };
    let refused = board.scene.cameras.iter().filter(|(_, camera)| camera.state.starts_with("refused"));
    let refused: Vec<_> = refused.map(|(id, _)| id.as_str()).collect();
    let late = if refused.is_empty() { late } else { format!("{late}, refused: {}", refused.join(", ")) };
    format!(
        "ran {}: {frames} frames from {} cameras, {drops} dropped, {} visits, {} events, p50 {:.0} ms, p95 {:.0} ms, {} MB{late}",
        clock(board.uptime),
        board.scene.cameras.len(),
        board.scene.visits,
        ended.events.published,
        board.latency.p50.as_secs_f64() * 1e3,
        board.latency.p95.as_secs_f64() * 1e3,
        board.resident / 1_000_000,
    )
}

/// `1:02:03`, or `2:03` in the first hour.
fn clock(time: Duration) -> String {
    let s = time.as_secs();
    if s >= 3600 {
        format!("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
    } else {
        format!("{}:{:02}", s / 60, s % 60)
    }
}

fn draw_cameras(frame: &mut Frame<'_>, board: &Dashboard, area: Rect) {
    let rows = board.scene.cameras.iter().map(|(id, camera)| {
        let figures = [format!("{:.1}", camera.fps), camera.frames.to_string(), camera.drops.to_string()];
        let who = Line::from(camera.present.iter().flat_map(person).collect::<Vec<_>>());
        let [fps, frames, drops] = figures.map(Line::from);
        Row::new([Line::styled(id.as_str(), HEAD), Line::from(camera.state.as_str()), fps, frames, drops, who])
    });
    let widths = [16, 18, 6, 9, 7].map(Constraint::Length).into_iter().chain([Constraint::Min(20)]);
    let head = Row::new(["camera", "state", "fps", "frames", "drops", "who"]).style(DIM);
    frame.render_widget(Table::new(rows, widths).header(head).block(Block::bordered().title(" cameras ")), area);
}

/// Name and a mark: live, not live, or not known yet.
fn person(presence: &Presence) -> [Span<'_>; 2] {
    let (mark, colour) = match presence.liveness.as_str() {
        "pass" => (" ● live   ", Color::Green),
        "fail" => (" ✗ not live   ", Color::Red),
        "inconclusive" => (" … checking   ", Color::Yellow),
        _ => (" – not checked   ", Color::DarkGray),
    };
    [Span::styled(presence.who.as_str(), HEAD), Span::styled(mark, Style::new().fg(colour))]
}

fn draw_stages(frame: &mut Frame<'_>, board: &Dashboard, area: Rect) {
    let rows = board.stages.iter().map(|(name, totals)| {
        let each = totals.cpu.as_secs_f64() * 1e3 / totals.items.max(1) as f64;
        let cells = [name.clone(), totals.calls.to_string(), totals.items.to_string(), format!("{each:.2}")];
        Row::new(cells)
    });
    let head = Row::new(["stage", "calls", "frames", "CPU ms a frame"]).style(DIM);
    let widths = [16, 10, 10, 16].map(Constraint::Length);
    frame.render_widget(Table::new(rows, widths).header(head).block(Block::bordered().title(" stages ")), area);
}

fn draw_tail(frame: &mut Frame<'_>, board: &Dashboard, area: Rect) {
    let room = area.height.saturating_sub(2) as usize;
    let from = board.scene.tail.len().saturating_sub(room);
    let lines = board.scene.tail[from..].iter();
    let lines: Vec<_> =
        lines.map(|l| Line::from(vec![Span::styled(format!("{} ", l.at), DIM), Span::from(l.text.as_str())])).collect();
    frame.render_widget(Paragraph::new(lines).block(Block::bordered().title(" events ")), area);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::CameraId;
    use crate::topology::{Board, TailLine};
    use ratatui::{Terminal, backend::TestBackend};

    #[test]
    fn the_screen_says_who_is_where_and_whether_alive() {
        let (board, camera) = (Board::default(), CameraId::new("gate").unwrap());
        assert!(board.camera_state(&camera, "live".into()));
        board.present(&camera, Presence { visit: "v".into(), who: "Ada".into(), liveness: "pass".into() }, true);
        board.tell(TailLine { at: "12:00:01".into(), text: "opened Ada".into() });
        let dashboard = Dashboard { title: "demo".into(), scene: board.snapshot(|_| 7), ..Dashboard::default() };
        let mut terminal = Terminal::new(TestBackend::new(110, 16)).unwrap();
        terminal.draw(|frame| draw(frame, &dashboard)).unwrap();
        let screen = terminal.backend().to_string();
        for part in ["demo", "gate", "live", "Ada ● live", "opened Ada", "visits 1", " 7 "] {
            assert!(screen.contains(part), "{part:?} is missing from\n{screen}");
        }
    }
}
