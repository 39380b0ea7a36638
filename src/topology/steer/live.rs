//! How things stand, for onlookers: the board, the instruments and the governor's account in one document.

use std::{collections::VecDeque, time::SystemTime};

use super::{Hands, tell::word};
use crate::events::{
    keys::PlaceId,
    wire::{
        GovernorState, LIVE_VERSION, LiveCamera, LiveDecision, LiveFlow, LiveHolding, LiveLatency, LiveMemory,
        LiveModel, UtcMicros,
    },
};
use crate::governor::{Account, Elapsed, Plan, Policy, Reading};
use crate::memory::Size;
use crate::topology::Snapshot;

/// Between two states, milliseconds.
const EVERY_MS: f64 = 500.0;
/// Decisions that are shown.
const DECISIONS: usize = 16;
/// Decoded pictures a decoder keeps: references, its threads' and those on their way. Measured: each further 720p camera
/// holds 10 to 15 MiB, and a picture is 1.3 MiB.
const SURFACES: u64 = 9;
/// What a camera is thought to deliver before its first picture.
const USUAL: Size = Size::new(1280, 720);

/// Decoder surfaces of a camera of this size.
pub(in crate::topology) fn surfaces(size: Option<Size>) -> u64 {
    SURFACES * frame_bytes(size)
}

/// One decoded picture, in the 4:2:0 formats that decoders make.
fn frame_bytes(size: Option<Size>) -> u64 {
    size.unwrap_or(USUAL).area() * 3 / 2
}

/// What is needed to write a state down.
pub(super) struct Seen<'a> {
    pub(super) now: Elapsed,
    pub(super) reading: &'a Reading,
    pub(super) plan: &'a Plan,
    pub(super) policy: &'a Policy,
    pub(super) account: Account,
    pub(super) scene: Snapshot,
    pub(super) hands: &'a Hands,
    pub(super) meter: (String, u64),
    pub(super) waiting: u32,
    pub(super) degraded: bool,
}

/// Writes states.
#[derive(Debug)]
pub(in crate::topology) struct Chronicle {
    site: String,
    node: String,
    due: Elapsed,
    decisions: VecDeque<LiveDecision>,
}

impl Chronicle {
    pub(in crate::topology) fn new(site: &PlaceId, node: &PlaceId) -> Self {
        let (site, node) = (site.as_str().to_owned(), node.as_str().to_owned());
        Self { site, node, due: Elapsed::ZERO, decisions: VecDeque::new() }
    }

    /// Remembers a decision.
    pub(super) fn note(&mut self, decision: LiveDecision) {
        if self.decisions.len() == DECISIONS {
            self.decisions.pop_front();
        }
        self.decisions.push_back(decision);
    }

    /// Whether it is time for a state; the next one is due a while later.
    pub(super) fn is_due(&mut self, now: Elapsed) -> bool {
        let due = now >= self.due;
        if due {
            self.due = now.plus_ms(EVERY_MS);
        }
        due
    }

    pub(super) fn state(&self, seen: &Seen<'_>) -> GovernorState {
        let Seen { reading, plan, policy, account, hands, .. } = seen;
        let budget = reading.memory.budget.or(policy.memory_budget).unwrap_or(seen.meter.1);
        GovernorState {
            v: LIVE_VERSION,
            site: self.site.clone(),
            node: self.node.clone(),
            time: UtcMicros::from(wall()),
            uptime_s: seen.now.seconds(),
            pressure: word(&account.pressure),
            doing: word(&account.state),
            decision: plan.decision,
            degraded: seen.degraded,
            memory: LiveMemory {
                meter: seen.meter.0.clone(),
                ours: reading.memory.ours,
                free: reading.memory.free,
                total: seen.meter.1,
                budget,
                planned: plan.memory_planned,
            },
            time_share: account.time,
            latency: LiveLatency { p95_ms: reading.end_to_end.p95_ms, objective_ms: policy.latency_p95_ms },
            flow: LiveFlow {
                waiting: seen.waiting,
                in_flight: hands.permits.out() as u32,
                most_in_flight: plan.in_flight,
                interval: plan.detect_interval,
                rate: plan.camera_rate,
                again: plan.again,
            },
            models: models(reading, plan),
            cameras: cameras(seen),
            held: held(seen),
            decisions: self.decisions.iter().cloned().collect(),
        }
    }
}

fn models(reading: &Reading, plan: &Plan) -> Vec<LiveModel> {
    let one = |rung: &crate::governor::Rung| {
        let measured = reading.model(&rung.model);
        LiveModel {
            model: rung.model.to_string(),
            variant: rung.variant.as_ref().map(ToString::to_string),
            batch: rung.batch,
            linger_ms: rung.linger_ms,
            queue: measured.map_or(0, |m| m.queue),
            per_second: measured.map_or(0.0, |m| m.offered_per_s),
            service_ms: measured.map_or(0.0, |m| m.service_ms),
        }
    };
    plan.rungs.iter().map(one).collect()
}

fn cameras(seen: &Seen<'_>) -> Vec<LiveCamera> {
    let one = |(id, line): (&crate::scene::CameraId, &crate::topology::CameraLine)| {
        let measured = seen.reading.cameras.iter().find(|camera| camera.camera.as_str() == id.as_str());
        LiveCamera {
            camera: id.to_string(),
            state: line.state.clone(),
            offered_fps: measured.map_or(0.0, |camera| camera.offered_fps),
            served_fps: measured.map_or(0.0, |camera| camera.served_fps),
            dropped: line.drops,
        }
    };
    seen.scene.cameras.iter().map(one).collect()
}

/// The ledger for people: variants as the governor believes they cost, pictures as they are counted, and the rest.
fn held(seen: &Seen<'_>) -> Vec<LiveHolding> {
    let mut all = Vec::new();
    for held in &seen.account.held {
        let name = format!("{} {}", held.model, held.variant);
        all.push(LiveHolding { what: format!("{name} weights"), bytes: held.weights });
        all.push(LiveHolding { what: format!("{name} workspace, batch {}", held.batch), bytes: held.workspace });
    }
    let live = seen.scene.cameras.values().filter(|line| line.fps > 0.0 && line.state == "live");
    let (mut decoders, mut largest, mut count) = (0, 0, 0);
    for line in live {
        decoders += surfaces(line.size);
        largest = largest.max(frame_bytes(line.size));
        count += 1;
    }
    let frames = u64::from(seen.waiting) + seen.hands.permits.out() as u64;
    all.push(LiveHolding { what: format!("decoder surfaces of {count} cameras"), bytes: decoders });
    all.push(LiveHolding { what: format!("{frames} frames in lanes and queues"), bytes: frames * largest });
    let explained: u64 = all.iter().map(|holding| holding.bytes).sum();
    let rest = seen.reading.memory.ours.saturating_sub(explained);
    all.push(LiveHolding { what: "runtime, program and what nobody explains".to_owned(), bytes: rest });
    all.sort_by_key(|holding| std::cmp::Reverse(holding.bytes));
    all
}

#[allow(clippy::disallowed_methods, reason = "a state says when it was so, by the wall")]
fn wall() -> SystemTime {
    SystemTime::now()
}
