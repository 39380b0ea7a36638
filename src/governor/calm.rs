//! When to move again: the dwell between steps up, longer after each one that had to be taken back. Next:
//! [`fast`](super::fast), the loop that needs no calm.

use std::collections::VecDeque;

use super::decide::State;
use super::names::Elapsed;
use super::policy::Dwell;

/// A dwell that has not been needed for this many times its length is halved.
const FORGIVEN_AFTER: f64 = 4.0;

/// Variants are restless if so many changed in the last minute: that many more may have to before it is over.
const RESTLESS: usize = 2;
/// So many changes in a minute are enough: until it is over only what acts at once is given up for time.
const ENOUGH: usize = 4;
/// The minute.
const MINUTE_MS: f64 = 60_000.0;

/// The dwell and what lengthened it.
#[derive(Clone, Debug)]
pub(super) struct Calm {
    policy: Dwell,
    dwell_ms: f64,
    raised: Option<Elapsed>,
    lowered: Option<Elapsed>,
    changed: Elapsed,
    /// When a variant replaced another, the last minute's.
    switched: VecDeque<Elapsed>,
    /// Since when every reading had events later than the objective.
    late: Option<Elapsed>,
}

impl Calm {
    pub(super) fn new(policy: Dwell) -> Self {
        Self {
            policy,
            dwell_ms: policy.upgrade_ms,
            raised: None,
            lowered: None,
            changed: Elapsed::ZERO,
            switched: VecDeque::new(),
            late: None,
        }
    }

    /// The run begins: what the cameras really ask for is not known yet, so nothing is raised for a dwell.
    pub(super) fn started(&mut self, now: Elapsed) {
        self.lowered = Some(now);
        self.changed = now;
    }

    /// A step up was begun.
    pub(super) fn raised(&mut self, now: Elapsed) {
        self.forgive(now);
        self.raised = Some(now);
        self.changed = now;
    }

    /// A step down was begun; soon after a step up it counts against that.
    pub(super) fn lowered(&mut self, now: Elapsed) {
        if self.raised.is_some_and(|raised| now.ms_since(raised) < self.policy.flap_window_ms) {
            self.dwell_ms = (self.dwell_ms * 2.0).min(self.policy.longest_ms);
            self.raised = None;
        }
        self.lowered = Some(now);
        self.changed = now;
    }

    /// Whether a step down was begun in the last `ms`.
    pub(super) fn lowered_within(&self, now: Elapsed, ms: f64) -> bool {
        self.lowered.is_some_and(|lowered| now.ms_since(lowered) < ms)
    }

    /// A variant came into use or a lever moved: measured latency holds the past for a while.
    pub(super) fn changed(&mut self, now: Elapsed) {
        self.changed = now;
    }

    /// A variant replaced another.
    pub(super) fn switched(&mut self, now: Elapsed) {
        self.switched.retain(|at| now.ms_since(*at) < MINUTE_MS);
        self.switched.push_back(now);
    }

    /// Whether variants have changed often in the last minute.
    pub(super) fn restless(&self, now: Elapsed) -> bool {
        self.switches(now) >= RESTLESS
    }

    /// Whether they have changed as often as they should in a minute.
    pub(super) fn has_switched_enough(&self, now: Elapsed) -> bool {
        self.switches(now) >= ENOUGH
    }

    fn switches(&self, now: Elapsed) -> usize {
        self.switched.iter().filter(|at| now.ms_since(**at) < MINUTE_MS).count()
    }

    /// Whether measured latency is about the plan in force: frames that come through `p95_ms` late were captured before it for
    /// as much longer.
    pub(super) fn latency_counts(&self, now: Elapsed, p95_ms: f64) -> bool {
        now.ms_since(self.changed) >= self.policy.settle_ms + p95_ms
    }

    /// Takes in whether events are later than the objective.
    pub(super) fn events(&mut self, now: Elapsed, late: bool) {
        self.late = late.then(|| self.late.unwrap_or(now));
    }

    /// Whether events have stayed late for as long as measured latency may hold the past: whatever was changed meanwhile was
    /// not enough.
    pub(super) fn stays_late(&self, now: Elapsed) -> bool {
        self.late.is_some_and(|late| now.ms_since(late) >= self.policy.settle_ms)
    }

    /// What the dwell says, when nothing is being switched.
    pub(super) fn state(&self, now: Elapsed) -> State {
        let over = |since: Option<Elapsed>| since.is_none_or(|since| now.ms_since(since) >= self.dwell_ms);
        if over(self.raised) && over(self.lowered) {
            State::Settled
        } else if self.dwell_ms > self.policy.upgrade_ms {
            State::BackingOff
        } else {
            State::Holding
        }
    }

    fn forgive(&mut self, now: Elapsed) {
        let quiet = self.lowered.is_none_or(|lowered| now.ms_since(lowered) > FORGIVEN_AFTER * self.dwell_ms);
        if quiet {
            self.dwell_ms = (self.dwell_ms / 2.0).max(self.policy.upgrade_ms);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_taken_back_doubles_the_dwell_and_quiet_halves_it() {
        let at = |seconds: f64| Elapsed::from_ms(seconds * 1000.0);
        let mut calm = Calm::new(Dwell::default());
        calm.raised(at(10.0));
        calm.lowered(at(12.0));
        assert_eq!(calm.state(at(18.0)), State::BackingOff);
        assert_eq!(calm.state(at(22.0)), State::Settled);
        calm.raised(at(60.0));
        assert_eq!(calm.state(at(64.0)), State::Holding);
        assert_eq!(calm.state(at(65.0)), State::Settled);
    }

    #[test]
    fn two_switches_a_minute_are_restless() {
        let at = |seconds: f64| Elapsed::from_ms(seconds * 1000.0);
        let mut calm = Calm::new(Dwell::default());
        calm.switched(at(10.0));
        assert!(!calm.restless(at(20.0)));
        calm.switched(at(40.0));
        assert!(calm.restless(at(69.0)) && !calm.restless(at(70.0)));
    }

    #[test]
    fn events_that_stay_late_through_a_change_are_late() {
        let at = |seconds: f64| Elapsed::from_ms(seconds * 1000.0);
        let mut calm = Calm::new(Dwell::default());
        (0..20).for_each(|tenth| calm.events(at(f64::from(tenth) / 10.0), true));
        calm.changed(at(1.4));
        assert!(!calm.latency_counts(at(1.5), 0.0) && calm.stays_late(at(1.5)) && !calm.stays_late(at(1.4)));
        calm.events(at(2.0), false);
        assert!(!calm.stays_late(at(4.0)));
    }
}
