//! One turn: read, decide, apply, tell.

use std::path::PathBuf;

use super::{Hands, Instruments, Teller, learned::keep, live::Seen, policy};
use crate::config;
use crate::governor::{Elapsed, Governor, Plan, Policy, Profile, Reading};
use crate::memory::return_freed_memory;

/// Between two trims, milliseconds: one takes 5 to 20.
const TRIM_MS: f64 = 1_000.0;

/// Instruments, governor, hands and voice of one run. Time is an argument.
pub(in crate::topology) struct Steersman {
    instruments: Instruments,
    governor: Governor,
    hands: Hands,
    teller: Teller,
    trimmed: Elapsed,
    /// Where learned costs are kept, if they are.
    pub(in crate::topology) lessons: Option<PathBuf>,
}

impl Steersman {
    /// Steers by `policy` with the costs in `profile`.
    pub(in crate::topology) fn new(
        instruments: Instruments,
        (policy, profile): (Policy, Profile),
        hands: Hands,
        mut teller: Teller,
    ) -> Self {
        teller.begin(&policy, &profile);
        Self {
            instruments,
            governor: Governor::new(policy, profile),
            hands,
            teller,
            trimmed: Elapsed::ZERO,
            lessons: None,
        }
    }

    /// Reads, decides, applies, tells. Answers with when to do so again.
    pub(in crate::topology) fn step(&mut self, now: Elapsed) -> Elapsed {
        let reading = self.instruments.read(now, self.hands.not_taken_over());
        let plan = self.governor.step(now, &reading);
        let degraded = self.hands.apply(&plan);
        self.trim(now);
        self.teller.tell(now, &reading, &plan, degraded);
        if self.teller.chronicle.is_due(now) {
            self.show(now, &reading, &plan, degraded);
        }
        self.governor.next_check()
    }

    /// Above the low water, what was freed but is still held by the C allocator goes back before anything else is missed.
    fn trim(&mut self, now: Elapsed) {
        let short = self.governor.account(now).memory > self.governor.policy().water.memory_low;
        if short && now.ms_since(self.trimmed) >= TRIM_MS {
            self.trimmed = now;
            return_freed_memory();
        }
    }

    fn show(&self, now: Elapsed, reading: &Reading, plan: &Plan, degraded: bool) {
        let state = self.teller.chronicle.state(&Seen {
            now,
            reading,
            plan,
            policy: self.governor.policy(),
            account: self.governor.account(now),
            scene: self.instruments.scene(),
            hands: &self.hands,
            meter: (self.instruments.meter.name(), self.instruments.total_memory()),
            waiting: self.instruments.lanes.depth() as u32,
            degraded,
        });
        self.teller.show(state);
    }

    /// A new budget and objective from now on.
    pub(in crate::topology) fn renew(&mut self, asked: &config::Governor) {
        let total = self.instruments.total_memory();
        let old = self.governor.policy();
        let interval = old.intervals.first().copied().unwrap_or(1);
        let new = policy(asked, interval, old.most_in_flight, total);
        let (memory_bytes, latency_p95_ms) = (new.memory_budget.unwrap_or(total), new.latency_p95_ms);
        self.instruments.budget = Some(memory_bytes);
        self.hands.gate.ask_again(new.admit_later);
        self.governor.set_policy(new);
        tracing::info!(memory_bytes, latency_p95_ms, "the governor's budget and levers were set anew");
    }

    /// After the last step.
    pub(in crate::topology) fn end(&mut self) {
        self.teller.end();
        let Some(file) = &self.lessons else { return };
        if let Err(cause) = keep(self.governor.profile(), file) {
            tracing::warn!(file = %file.display(), %cause, "what was learned about costs could not be kept");
        }
    }
}
