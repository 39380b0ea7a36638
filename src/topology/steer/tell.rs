//! Says what was decided: to the log, to whoever watches, to subscribers, and into a file that can be decided again with
//! `flyball simulate --replay`.

use std::{
    fs::File,
    io::{BufWriter, Write},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use serde::Serialize;
use uuid::Uuid;

use super::{InForce, live::Chronicle};
use crate::events::{
    Postbox,
    keys::{Origin, PlaceId},
    wire::{self, Data, Draft, GovernorState, LiveDecision, UtcMicros},
};
use crate::governor::{Decision, Elapsed, Lever, Plan, Policy, Profile, Reading};
use crate::topology::gate::why;

const MIB: u64 = 1 << 20;

/// Everybody who hears of decisions.
pub(in crate::topology) struct Teller {
    /// What events carry.
    pub(in crate::topology) in_force: Arc<InForce>,
    /// What an onlooker in this process sees.
    pub(in crate::topology) shown: Arc<Shown>,
    /// Writes how things stand.
    pub(in crate::topology) chronicle: Chronicle,
    /// Publishes it, if anybody outside may see.
    pub(in crate::topology) publish: Option<Publish>,
    /// Where events are posted, and who posts them: site and node.
    pub(in crate::topology) outbox: Option<(Postbox, PlaceId, PlaceId)>,
    /// Every reading and plan as lines of JSON, if asked for.
    pub(in crate::topology) record: Option<BufWriter<File>>,
}

/// Hands a state to subscribers.
pub(in crate::topology) type Publish = Box<dyn Fn(String) + Send>;

/// What onlookers in this process see of the governor.
#[derive(Debug, Default)]
pub(in crate::topology) struct Shown {
    /// The last decision in words; empty before the first.
    pub(super) words: Mutex<String>,
    /// How things stood last.
    pub(super) state: Mutex<Option<GovernorState>>,
}

/// One line of the record.
#[derive(Serialize)]
struct Line<'a> {
    now: Elapsed,
    reading: &'a Reading,
    plan: &'a Plan,
}

impl Teller {
    /// The record's first line: what the governor was made from.
    pub(in crate::topology) fn begin(&mut self, policy: &Policy, profile: &Profile) {
        #[derive(Serialize)]
        struct Head<'a> {
            policy: &'a Policy,
            profile: &'a Profile,
        }
        self.write(&Head { policy, profile });
    }

    /// One step.
    pub(in crate::topology) fn tell(&mut self, now: Elapsed, reading: &Reading, plan: &Plan, degraded: bool) {
        self.in_force.set(plan.decision, degraded);
        self.write(&Line { now, reading, plan });
        for decision in &plan.decisions {
            self.announce(decision, degraded, refusal(decision, plan));
        }
    }

    /// How things stand, for everybody who looks.
    pub(super) fn show(&self, state: GovernorState) {
        if let Some(publish) = &self.publish {
            publish(serde_json::to_string(&state).unwrap_or_default());
        }
        *self.shown.state.lock().unwrap_or_else(PoisonError::into_inner) = Some(state);
    }

    /// Writes what is still in memory.
    pub(in crate::topology) fn end(&mut self) {
        if let Some(Err(cause)) = self.record.as_mut().map(Write::flush) {
            tracing::warn!(%cause, "the last decisions could not be recorded");
        }
    }

    fn announce(&mut self, decision: &Decision, degraded: bool, refusal: Option<String>) {
        let change = refusal.map_or_else(|| change(decision), |why| format!("{}, {why}", change(decision)));
        let (reason, saw) = (word(&decision.reason), saw(decision));
        tracing::info!(decision = decision.id, reason, saw, "{change}");
        self.chronicle.note(LiveDecision {
            id: decision.id,
            at_s: decision.at.seconds(),
            change: change.clone(),
            reason: reason.clone(),
            saw: saw.clone(),
        });
        *self.shown.words.lock().unwrap_or_else(PoisonError::into_inner) =
            format!("governor #{} {change}: {reason}, {saw}", decision.id);
        let Some((postbox, site, node)) = &self.outbox else { return };
        let decided = wire::Governor { decision_id: decision.id, degraded };
        let data =
            wire::GovernorDecision { decision: decided, reason: format!("{reason}: {saw}"), changes: vec![change] };
        // A full outbox is counted and announced by itself.
        let _accepted = postbox.post(Draft {
            id: Uuid::now_v7(),
            origin: Origin::Node(site.clone(), node.clone()),
            subject: node.as_str().to_owned(),
            time: UtcMicros::from(wall()),
            data: Data::GovernorDecision(data),
        });
    }

    /// A record that cannot be written is given up, once.
    fn write(&mut self, line: &impl Serialize) {
        let Some(file) = &mut self.record else { return };
        let written = serde_json::to_writer(&mut *file, line).map_err(std::io::Error::other);
        if let Err(cause) = written.and_then(|()| file.write_all(b"\n")) {
            tracing::warn!(%cause, "decisions are no longer recorded");
            self.record = None;
        }
    }
}

/// What a refused camera would need and what is free; `None` for every other decision.
fn refusal(decision: &Decision, plan: &Plan) -> Option<String> {
    let asked = plan.admissions.iter().find(|admission| admission.camera.as_str() == decision.subject)?;
    (decision.lever == Lever::Admission).then(|| why(asked)).flatten()
}

/// `precision dlib_resnet: fp32 → int8`.
fn change(decision: &Decision) -> String {
    let Decision { lever, subject, from, to, .. } = decision;
    format!("{} {subject}: {from} → {to}", word(lever))
}

/// The numbers a decision was made on, as a person reads them.
fn saw(decision: &Decision) -> String {
    let saw = &decision.saw;
    let [ours, ceiling] = [saw.ours, saw.ceiling].map(|bytes| bytes / MIB);
    format!(
        "p95 {:.0} ms, time {:.0} %, memory {ours} of {ceiling} MiB, {:.0} frames/s",
        saw.p95_ms,
        saw.time * 100.0,
        saw.frames_per_s
    )
}

/// The word a value is written with.
pub(super) fn word(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

#[allow(clippy::disallowed_methods, reason = "an event says when it happened, by the wall")]
fn wall() -> SystemTime {
    SystemTime::now()
}
