//! One turn: read, decide, apply, tell.

use super::{Hands, Instruments, Teller, budget_bytes, live::Seen};
use crate::config;
use crate::governor::{Elapsed, Governor, Plan, Policy, Profile, Reading};

/// Instruments, governor, hands and voice of one run. Time is an argument.
pub(in crate::topology) struct Steersman {
    instruments: Instruments,
    governor: Governor,
    hands: Hands,
    teller: Teller,
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
        Self { instruments, governor: Governor::new(policy, profile), hands, teller }
    }

    /// Reads, decides, applies, tells. Answers with when to do so again.
    pub(in crate::topology) fn step(&mut self, now: Elapsed) -> Elapsed {
        let reading = self.instruments.read(now);
        let plan = self.governor.step(now, &reading);
        let degraded = self.hands.apply(&plan);
        self.teller.tell(now, &reading, &plan, degraded);
        if self.teller.chronicle.is_due(now) {
            self.show(now, &reading, &plan, degraded);
        }
        self.governor.next_check()
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
        let bytes = budget_bytes(asked.memory_budget, self.instruments.total_memory());
        let latency_p95_ms = asked.latency_p95.as_secs_f64() * 1e3;
        self.instruments.budget = Some(bytes);
        self.governor.set_policy(Policy { latency_p95_ms, ..self.governor.policy().clone() });
        tracing::info!(memory_bytes = bytes, latency_p95_ms, "the governor's budget was set anew");
    }

    /// After the last step.
    pub(in crate::topology) fn end(&mut self) {
        self.teller.end();
    }
}
