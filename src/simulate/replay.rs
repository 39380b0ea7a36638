//! A run written down, and decided again.
//!
//! The first line holds what the governor was made from, `{policy, profile}`; every further line one step,
//! `{now, reading, plan}`. A pipeline writes the same lines. Next: [`one`](super::one), many scenarios beside each other.

use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::governor::{Elapsed, Governor, Plan, Policy, Profile, Reading};

use super::scenario::{Device, Scenario};
use super::summary::Outcome;
use super::{SimulateError, course, print};

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    policy: Policy,
    profile: Profile,
}

/// Every further line.
#[derive(Debug, Serialize, Deserialize)]
struct Step {
    now: Elapsed,
    reading: Reading,
    plan: Plan,
}

/// What deciding again came to.
#[derive(Debug, Default, Serialize)]
struct Verdict {
    steps: usize,
    decisions: usize,
    different: usize,
    /// Milliseconds into the run of the first plan that differs.
    first_different_ms: Option<f64>,
}

/// The lines of a simulated run.
pub(super) fn recording(scenario: &Scenario, device: &Device, outcome: &Outcome) -> String {
    let head = Head { policy: scenario.policy.clone(), profile: course::believed(scenario, device) };
    let mut lines = serde_json::to_string(&head).unwrap_or_default() + "\n";
    for (now, reading, plan) in &outcome.course.log {
        let step = Step { now: *now, reading: reading.clone(), plan: plan.clone() };
        lines += &(serde_json::to_string(&step).unwrap_or_default() + "\n");
    }
    lines
}

/// Decides a recorded run again; prints where the plans differ and, as last line, a JSON summary.
pub(super) fn run(path: &Path, out: &mut dyn Write) -> Result<(), SimulateError> {
    let text = std::fs::read_to_string(path).map_err(|error| SimulateError::Read { path: path.to_owned(), error })?;
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let head: Head = parse(path, 0, lines.next().map_or("", |(_, line)| line))?;
    let mut governor = Governor::new(head.policy, head.profile);
    let (mut verdict, mut report) = (Verdict::default(), String::new());
    for (at, line) in lines {
        let step: Step = parse(path, at, line)?;
        let plan = governor.step(step.now, &step.reading);
        verdict.count(&step, &plan, &mut report);
    }
    let summary = serde_json::to_string(&verdict).unwrap_or_default();
    print(out, &(report + &summary + "\n"))
}

impl Verdict {
    fn count(&mut self, step: &Step, plan: &Plan, report: &mut String) {
        self.steps += 1;
        self.decisions += plan.decisions.len();
        if *plan != step.plan {
            self.different += 1;
            self.first_different_ms = self.first_different_ms.or(Some(step.now.ms()));
            let _ = writeln!(report, "{:.1} s: recorded {:?}", step.now.seconds(), step.plan.moves);
            let _ = writeln!(report, "{:.1} s: decided  {:?}", step.now.seconds(), plan.moves);
        }
    }
}

fn parse<T: serde::de::DeserializeOwned>(path: &Path, line: usize, text: &str) -> Result<T, SimulateError> {
    serde_json::from_str(text).map_err(|error| SimulateError::Recording {
        path: path.to_owned(),
        line: line + 1,
        problem: error.to_string(),
    })
}
