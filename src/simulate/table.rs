//! The timeline as a table. Next: [`chart`](super::chart), the same as a picture.

use std::fmt::Write;

use comfy_table::{Table, presets};

use super::scenario::{Device, Scenario};
use super::summary::Outcome;

/// Rows of the timeline, at most.
const ROWS: usize = 40;

/// Everything printed, the JSON summary last.
pub(super) fn text(scenario: &Scenario, device: &Device, outcome: &Outcome, decisions: bool) -> String {
    let mut text = format!("{}: {}\n", scenario.name, scenario.about);
    let _ = writeln!(text, "on {} ({})\n", device.name, device.source);
    let _ = writeln!(text, "{}\n", timeline(scenario, outcome));
    if decisions {
        text.push_str(&decision_log(outcome));
    }
    text.push_str(&comparison(outcome));
    let summary = serde_json::to_string(&outcome.summary).unwrap_or_default();
    text + &summary + "\n"
}

fn timeline(scenario: &Scenario, outcome: &Outcome) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header([
        "second", "cameras", "asking", "faces", "p95 ms", "ours MiB", "others", "value/s", "oracle", "setting",
    ]);
    let every = (scenario.seconds as usize).div_ceil(ROWS).max(1);
    let seconds = outcome.course.score.seconds.iter().enumerate().take(scenario.seconds as usize);
    for (at, second) in seconds.step_by(every) {
        table.add_row([
            at.to_string(),
            second.cameras.to_string(),
            second.asking.to_string(),
            format!("{:.1}", scenario.faces.at(at as f64)),
            format!("{:.0}", second.p95_ms),
            format!("{:.0}", second.ours),
            format!("{:.0}", second.tenant),
            format!("{:.0}", second.value),
            format!("{:.0}", outcome.oracle.get(at).copied().unwrap_or(0.0)),
            second.setting.clone(),
        ]);
    }
    table
}

fn decision_log(outcome: &Outcome) -> String {
    let mut text = String::from("decisions\n");
    for decision in outcome.course.log.iter().flat_map(|(_, _, plan)| &plan.decisions) {
        let saw = &decision.saw;
        let _ = writeln!(
            text,
            "{:>4} {:>8.1} s  {:?} {} {} -> {}: {:?} (memory {:.2}, time {:.2}, p95 {:.0} ms)",
            decision.id,
            decision.at.seconds(),
            decision.lever,
            decision.subject,
            decision.from,
            decision.to,
            decision.reason,
            saw.memory,
            saw.time,
            saw.p95_ms
        );
    }
    text + "\n"
}

fn comparison(outcome: &Outcome) -> String {
    let (rivals, summary) = (&outcome.rivals, &outcome.summary);
    let line = |who: &str, value: f64, how: &str| format!("{who:<28}{value:>10.1}  {how}\n");
    "value a second\n".to_owned()
        + &line("governor", summary.quality_throughput, "")
        + &line("fixed for the mean load", rivals.mean.0, &rivals.mean.1)
        + &line("fixed for the peak", rivals.peak.0, &rivals.peak.1)
        + &line("fixed, 95 % in time", rivals.in_time.0, &rivals.in_time.1)
        + &line("fixed, never out of memory", rivals.best.0, &rivals.best.1)
        + &line("oracle", outcome.oracle_mean(), "knows the load, pays for no change")
}
