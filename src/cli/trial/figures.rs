//! What a run did, from what it left behind: its status lines, its events, its decisions, and its memory over time.

use std::{collections::BTreeMap, fs, path::Path, time::SystemTime};

use serde::Serialize;
use serde_json::Value;

use super::{TrialError, child::Ran};
use crate::events::wire::{Event, VisitState};

/// Latencies before this belong to the start.
const SETTLED_S: f64 = 10.0;
/// A visit that ends this soon after the squeeze may have ended because of it.
const BECAUSE_S: f64 = 5.0;

/// One run in numbers.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Figures {
    /// p95 of capture to event in windows of five seconds, milliseconds.
    pub(super) p95_ms: Vec<f64>,
    /// The worst of those after the start.
    pub(super) p95_worst_ms: f64,
    /// The middle one.
    pub(super) p95_median_ms: f64,
    /// Frames delivered and frames left behind.
    pub(super) frames: u64,
    pub(super) dropped: u64,
    pub(super) peak_mib: f64,
    pub(super) visits: u64,
    /// Visits opened and never closed.
    pub(super) visits_lost: u64,
    pub(super) decisions: Vec<Step>,
    /// First, worst and last variant by model.
    pub(super) rungs: BTreeMap<String, Vec<String>>,
    pub(super) squeeze: Option<Squeeze>,
}

/// A decision.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Step {
    pub(super) at_s: f64,
    pub(super) change: String,
    pub(super) reason: String,
}

/// What became of a budget that was halved.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Squeeze {
    pub(super) at_s: f64,
    pub(super) budget_mib: f64,
    pub(super) before_mib: f64,
    /// Seconds until the process held less than the new budget; `None`: never.
    pub(super) below_after_s: Option<f64>,
    /// Most it held from then on.
    pub(super) highest_after_mib: Option<f64>,
    /// Visits that were open at that moment, and those of them that ended within five seconds.
    pub(super) visits_open: u64,
    pub(super) visits_ended: u64,
}

impl Figures {
    /// Reads everything.
    pub(super) fn read(ran: &Ran) -> Result<Self, TrialError> {
        let mut figures = Self::default();
        figures.status(&(text(&ran.output)? + &text(&ran.log)?));
        let visits = visits(&text(&ran.events)?);
        figures.visits = visits.len() as u64;
        figures.visits_lost = visits.values().filter(|(_, closed)| closed.is_none()).count() as u64;
        figures.peak_mib = ran.memory.iter().map(|(_, bytes)| mib(*bytes)).fold(0.0, f64::max);
        if let Some(file) = &ran.decisions {
            figures.decided(&text(file)?);
        }
        figures.squeeze = ran.squeezed.map(|(at, budget, wall)| squeeze(ran, (at, budget), &visits, wall));
        Ok(figures)
    }

    /// `status  cam: live 30 fps, 12 dropped, … | p50 10 ms p95 20 ms, …`, every five seconds.
    fn status(&mut self, output: &str) {
        let lines: Vec<_> = output.lines().filter(|line| line.starts_with("status ")).collect();
        self.p95_ms = lines.iter().filter_map(|line| number_after(line, " p95 ")).collect();
        let skipped = (SETTLED_S / 5.0) as usize;
        let mut settled: Vec<_> = self.p95_ms.iter().skip(skipped).copied().collect();
        settled.sort_by(f64::total_cmp);
        self.p95_worst_ms = settled.last().copied().unwrap_or(f64::NAN);
        self.p95_median_ms = settled.get(settled.len() / 2).copied().unwrap_or(f64::NAN);
        if let Some(last) = output.lines().rfind(|line| line.starts_with("ran ")) {
            self.frames = number_after(last, ": ").unwrap_or(0.0) as u64;
            self.dropped = last.split(", ").find_map(|part| part.strip_suffix(" dropped")?.parse().ok()).unwrap_or(0);
        }
    }

    fn decided(&mut self, record: &str) {
        for line in record.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
            for decision in line["plan"]["decisions"].as_array().into_iter().flatten() {
                let word = |key: &str| decision[key].as_str().unwrap_or_default();
                self.decisions.push(Step {
                    at_s: decision["at"].as_f64().unwrap_or_default() / 1e6,
                    change: format!("{} {}: {} → {}", word("lever"), word("subject"), word("from"), word("to")),
                    reason: word("reason").to_owned(),
                });
            }
            for rung in line["plan"]["rungs"].as_array().into_iter().flatten() {
                let (Some(model), Some(variant)) = (rung["model"].as_str(), rung["variant"].as_str()) else { continue };
                let course = self.rungs.entry(model.to_owned()).or_default();
                if course.last().is_none_or(|last| last != variant) {
                    course.push(variant.to_owned());
                }
            }
        }
    }
}

/// Opened and closed, by visit.
type Visits = BTreeMap<String, (SystemTime, Option<SystemTime>)>;

fn visits(events: &str) -> Visits {
    let mut visits = Visits::new();
    for event in events.lines().filter_map(|line| Event::from_json(line.as_bytes()).ok()) {
        let Some(visit) = event.visit() else { continue };
        let at = event.time.system_time();
        let entry = visits.entry(visit.visit.id.to_string()).or_insert((at, None));
        if visit.visit.state == VisitState::Closed {
            entry.1 = Some(at);
        }
    }
    visits
}

fn squeeze(ran: &Ran, (at, budget): (f64, u64), visits: &Visits, wall: SystemTime) -> Squeeze {
    let later = |time: SystemTime| time.duration_since(wall).ok().map(|since| since.as_secs_f64());
    let open = |(opened, closed): &&(SystemTime, Option<SystemTime>)| {
        *opened <= wall && closed.is_none_or(|closed| closed > wall)
    };
    let ended = |(_, closed): &&(SystemTime, Option<SystemTime>)| {
        closed.and_then(later).is_some_and(|since| since <= BECAUSE_S)
    };
    let below = ran.memory.iter().find(|(time, bytes)| *time > at && *bytes < budget).map(|(time, _)| *time);
    let after = |from: f64| ran.memory.iter().filter(move |(time, _)| *time >= from).map(|(_, bytes)| mib(*bytes));
    Squeeze {
        at_s: at,
        budget_mib: mib(budget),
        before_mib: ran.memory.iter().rfind(|(time, _)| *time <= at).map_or(0.0, |(_, bytes)| mib(*bytes)),
        below_after_s: below.map(|time| time - at),
        highest_after_mib: below.map(|time| after(time).fold(0.0, f64::max)),
        visits_open: visits.values().filter(open).count() as u64,
        visits_ended: visits.values().filter(open).filter(ended).count() as u64,
    }
}

fn text(file: &Path) -> Result<String, TrialError> {
    fs::read_to_string(file).map_err(|cause| TrialError::Io(file.display().to_string(), cause))
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// The number that follows `mark`.
fn number_after(line: &str, mark: &str) -> Option<f64> {
    let rest = line.rsplit_once(mark)?.1;
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    rest[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_lines_and_summary_are_read_as_they_are_printed() {
        let mut figures = Figures::default();
        let line = |p95: u32| {
            format!("status  gate: live 30 fps, 1 dropped, nobody | p50 9 ms p95 {p95} ms, 1.2 cores, 9 MB\n")
        };
        let summary = "ran 0:20: 600 frames from 2 cameras, 45 dropped, 3 visits, 9 events, p50 1 ms, p95 2 ms, 9 MB\n";
        figures.status(
            &[&line(900), &line(800), &line(30), &line(70), &line(50), summary].map(ToString::to_string).concat(),
        );
        assert_eq!((figures.p95_worst_ms, figures.p95_median_ms), (70.0, 50.0), "the start does not count");
        assert_eq!((figures.frames, figures.dropped), (600, 45));
    }

    #[test]
    fn decisions_and_rungs_are_read_from_the_record() {
        let mut figures = Figures::default();
        let record = r#"{"policy":{},"profile":{}}
{"now":1,"plan":{"rungs":[{"model":"a","variant":"fp32"}],"decisions":[]}}
{"now":2,"plan":{"rungs":[{"model":"a","variant":"int8"}],"decisions":[{"at":2500000,"lever":"precision","subject":"a","from":"fp32","to":"int8","reason":"time_high"}]}}
{"now":3,"plan":{"rungs":[{"model":"a","variant":"fp32"}],"decisions":[]}}"#;
        figures.decided(record);
        assert_eq!(figures.rungs["a"], ["fp32", "int8", "fp32"]);
        assert_eq!(
            (figures.decisions[0].change.as_str(), figures.decisions[0].at_s),
            ("precision a: fp32 → int8", 2.5)
        );
    }
}
