//! Draws one state: on a screen, or as the same lines of text. Both are pure functions of the state.

use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::{Color, Modifier, Style},
    text::{Line, Span},
    widgets::{Block, Paragraph, Row, Table},
};

use crate::events::wire::{GovernorState, LiveCamera, LiveDecision, LiveHolding, LiveModel};

const DIM: Style = Style::new().fg(Color::DarkGray);
const HEAD: Style = Style::new().add_modifier(Modifier::BOLD);
const MIB: f64 = (1 << 20) as f64;

const MODELS: [&str; 7] = ["model", "variant", "batch", "linger ms", "queue", "a second", "ms a run"];
const CAMERAS: [&str; 5] = ["camera", "state", "offered fps", "served fps", "dropped"];
const HELD: [&str; 2] = ["held by", "MiB"];
const DECISIONS: [&str; 4] = ["at", "what", "why", "what it saw"];

/// Draws one screen.
pub(super) fn draw(frame: &mut Frame<'_>, state: &GovernorState) {
    let models = state.models.len() as u16 + 3;
    let cameras = state.cameras.len() as u16 + 3;
    let rows = [Constraint::Length(4), Constraint::Length(models), Constraint::Max(cameras), Constraint::Min(5)];
    let [head, top, middle, bottom] = Layout::vertical(rows).areas(frame.area());
    let [left, right] = Layout::horizontal([Constraint::Min(60), Constraint::Length(58)]).areas(middle);
    frame.render_widget(header(state), head);
    table(frame, top, " models ", MODELS, &[18, 14, 6, 10, 6, 9, 9], state.models.iter().map(model));
    table(frame, left, " cameras ", CAMERAS, &[16, 18, 12, 11, 9], state.cameras.iter().map(camera));
    table(frame, right, " memory ", HELD, &[46, 8], state.held.iter().map(holding));
    let latest = state.decisions.iter().rev().map(decision);
    table(frame, bottom, " decisions, newest first ", DECISIONS, &[8, 46, 16, 60], latest);
}

fn header(state: &GovernorState) -> Paragraph<'_> {
    let colour = match state.pressure.as_str() {
        "low" => Color::Green,
        "normal" => Color::Reset,
        "high" => Color::Yellow,
        _ => Color::Red,
    };
    let title = Line::from(vec![
        Span::styled(format!("{}/{}", state.site, state.node), HEAD),
        Span::styled("   q ends this view", DIM),
    ]);
    let pressure = Line::from(vec![
        Span::from("pressure "),
        Span::styled(state.pressure.as_str(), HEAD.fg(colour)),
        Span::from(format!("   {}", standing(state))),
    ]);
    Paragraph::new(vec![title, pressure, Line::from(memory(state)), Line::from(flow(state))])
}

fn standing(state: &GovernorState) -> String {
    let given_up = if state.degraded { "something is given up" } else { "full quality" };
    format!(
        "{}, {given_up}, decision #{}   p95 {:.0} ms of {:.0}   time {:.0} %",
        state.doing,
        state.decision,
        state.latency.p95_ms,
        state.latency.objective_ms,
        state.time_share * 100.0
    )
}

fn memory(state: &GovernorState) -> String {
    let m = &state.memory;
    format!(
        "memory {} of {} MiB   planned {}   free {} of {}   ({})",
        mib(m.ours),
        mib(m.budget),
        mib(m.planned),
        mib(m.free),
        mib(m.total),
        m.meter
    )
}

fn flow(state: &GovernorState) -> String {
    let f = &state.flow;
    format!(
        "frames waiting {}   in the graph {} of {}   detect 1 in {}   rate {:.0} %   looks {:.1} × later   up {:.0} s",
        f.waiting,
        f.in_flight,
        f.most_in_flight,
        f.interval,
        f.rate * 100.0,
        f.again,
        state.uptime_s
    )
}

fn mib(bytes: u64) -> String {
    format!("{:.0}", bytes as f64 / MIB)
}

fn model(model: &LiveModel) -> [String; 7] {
    [
        model.model.clone(),
        model.variant.clone().unwrap_or_else(|| "off".to_owned()),
        model.batch.to_string(),
        format!("{:.1}", model.linger_ms),
        model.queue.to_string(),
        format!("{:.1}", model.per_second),
        format!("{:.1}", model.service_ms),
    ]
}

fn camera(camera: &LiveCamera) -> [String; 5] {
    let [offered, served] = [camera.offered_fps, camera.served_fps].map(|fps| format!("{fps:.1}"));
    [camera.camera.clone(), camera.state.clone(), offered, served, camera.dropped.to_string()]
}

fn holding(holding: &LiveHolding) -> [String; 2] {
    [holding.what.clone(), mib(holding.bytes)]
}

fn decision(decision: &LiveDecision) -> [String; 4] {
    [format!("{:.1} s", decision.at_s), decision.change.clone(), decision.reason.clone(), decision.saw.clone()]
}

fn table<const N: usize>(
    frame: &mut Frame<'_>,
    area: Rect,
    title: &'static str,
    head: [&'static str; N],
    widths: &[u16; N],
    rows: impl Iterator<Item = [String; N]>,
) {
    let widths = widths.map(Constraint::Length);
    let table = Table::new(rows.map(Row::new), widths).header(Row::new(head).style(DIM));
    frame.render_widget(table.block(Block::bordered().title(title)), area);
}

/// The same as text, for pipes and logs.
pub(super) fn text(state: &GovernorState) -> String {
    let mut lines = vec![
        format!("{}/{}   pressure {}   {}", state.site, state.node, state.pressure, standing(state)),
        memory(state),
        flow(state),
    ];
    lines.extend(columns(MODELS, &[18, 14, 6, 10, 6, 9, 9], state.models.iter().map(model)));
    lines.extend(columns(CAMERAS, &[16, 18, 12, 11, 9], state.cameras.iter().map(camera)));
    lines.extend(columns(HELD, &[46, 8], state.held.iter().map(holding)));
    lines.extend(columns(DECISIONS, &[8, 46, 16, 60], state.decisions.iter().rev().map(decision)));
    lines.join("\n")
}

fn columns<const N: usize>(
    head: [&str; N],
    widths: &[usize; N],
    rows: impl Iterator<Item = [String; N]>,
) -> Vec<String> {
    let line = |cells: [String; N]| {
        let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        padded.collect::<Vec<_>>().join(" ").trim_end().to_owned()
    };
    let head = std::iter::once(String::new()).chain([line(head.map(str::to_owned))]);
    head.chain(rows.map(line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::wire::{LIVE_VERSION, LiveFlow, LiveLatency, LiveMemory, UtcMicros};
    use ratatui::{Terminal, backend::TestBackend};
    use std::time::SystemTime;

    fn state() -> GovernorState {
        GovernorState {
            v: LIVE_VERSION,
            site: "demo".into(),
            node: "n1".into(),
            time: UtcMicros::from(SystemTime::UNIX_EPOCH),
            uptime_s: 12.0,
            pressure: "high".into(),
            doing: "settled".into(),
            decision: 3,
            degraded: true,
            memory: LiveMemory { ours: 300 << 20, budget: 512 << 20, ..LiveMemory::default() },
            time_share: 1.2,
            latency: LiveLatency { p95_ms: 310.0, objective_ms: 250.0 },
            flow: LiveFlow { interval: 2, rate: 0.85, ..LiveFlow::default() },
            models: vec![LiveModel {
                model: "dlib_resnet".into(),
                variant: Some("int8".into()),
                batch: 4,
                linger_ms: 0.0,
                queue: 2,
                per_second: 31.0,
                service_ms: 9.5,
            }],
            cameras: vec![LiveCamera {
                camera: "gate".into(),
                state: "waits for room".into(),
                ..LiveCamera::default()
            }],
            held: vec![LiveHolding { what: "dlib_resnet int8 weights".into(), bytes: 50 << 20 }],
            decisions: vec![LiveDecision {
                id: 3,
                at_s: 9.5,
                change: "precision dlib_resnet: fp32 → int8".into(),
                reason: "time_high".into(),
                saw: "p95 310 ms".into(),
            }],
        }
    }

    #[test]
    fn screen_and_text_say_how_hard_it_is_pressed_and_why_what_was_given_up() {
        let state = state();
        let mut terminal = Terminal::new(TestBackend::new(140, 24)).unwrap();
        terminal.draw(|frame| draw(frame, &state)).unwrap();
        let parts =
            ["demo/n1", "high", "p95 310 ms of 250", "int8", "waits for room", "50", "fp32 → int8", "time_high"];
        for shown in [terminal.backend().to_string(), text(&state)] {
            for part in parts {
                assert!(shown.contains(part), "{part:?} is missing from\n{shown}");
            }
        }
    }
}
