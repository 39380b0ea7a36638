//! What acts at once: interval, rate, stages on and off, batches. Next: [`switch`](super::switch), what takes time.

use super::ladder::Target;
use super::levels::Levels;
use super::plan::{Move, Reason};
use super::policy::Lever;
use super::sight::Sight;
use super::step::{Change, Draft, Governor};

impl Governor {
    /// Puts interval, rate and the optional stages where `levels` says. Each acts at once.
    pub(super) fn set_levels(&mut self, sight: &Sight<'_>, draft: &mut Draft, levels: Levels, reason: Reason) {
        let old = std::mem::replace(&mut self.levels, levels);
        let policy = &self.policy;
        let mut changes = Vec::new();
        if levels.interval != old.interval {
            let (from, to) = (old.interval(policy).to_string(), levels.interval(policy).to_string());
            changes.push(Change { lever: Lever::DetectInterval, subject: String::new(), from, to });
        }
        if levels.rate != old.rate {
            let (from, to) = (old.rate(policy).to_string(), levels.rate(policy).to_string());
            changes.push(Change { lever: Lever::CameraRate, subject: String::new(), from, to });
            self.demand.rate_changed(sight.now);
        }
        self.switch_stages(sight, draft, &mut changes);
        if !changes.is_empty() {
            self.calm.changed(sight.now);
        }
        for change in changes {
            self.decided(sight, draft, change, reason);
        }
    }

    pub(super) fn switch_stages(&mut self, sight: &Sight<'_>, draft: &mut Draft, changes: &mut Vec<Change>) {
        for at in 0..self.seats.len() {
            let off = self.levels.switches_off(&self.policy, &self.profile.models[at]);
            if off == self.seats[at].off {
                continue;
            }
            self.seats[at].off = off;
            if off {
                self.retire(sight.now, draft, at);
                if let Some(spare) = self.seats[at].spare.take() {
                    self.drop(sight.now, draft, at, spare);
                }
                self.call_off(draft, at);
                self.seats[at].want = None;
            }
            let word = |off: bool| if off { "off" } else { "on" }.to_owned();
            let subject = self.profile.models[at].name.to_string();
            changes.push(Change { lever: Lever::OptionalStages, subject, from: word(!off), to: word(off) });
        }
    }

    /// Batches of the variants that stay: smaller ones only where memory is short, as giving a workspace back buys no time;
    /// larger ones only where they fit now.
    pub(super) fn set_caps(&mut self, sight: &Sight<'_>, draft: &mut Draft, target: &Target, reason: Reason) {
        let most = sight.ceiling * sight.water.memory_high;
        let short = sight.load.allocation_failed || sight.load.memory > sight.water.memory_high;
        for (at, pick) in target.picks.iter().enumerate() {
            let Some(pick) = pick.filter(|pick| self.seats[at].using == Some(pick.variant)) else {
                continue;
            };
            let (cap, variant) = (self.seats[at].cap, &self.profile.models[at].variants[pick.variant]);
            let growth = variant.memory(pick.batch) - variant.memory(cap);
            if pick.batch == cap
                || growth < 0.0 && !short
                || growth > 0.0 && self.ledger.held(&self.profile) + growth > most
            {
                continue;
            }
            let subject = self.profile.models[at].name.clone();
            let (model, batch) = (subject.clone(), pick.batch);
            if batch > cap {
                draft.moves.push(Move::Grow { model, batch });
            } else if growth < 0.0 {
                draft.moves.push(Move::Shrink { model, batch });
            }
            self.seats[at].cap = pick.batch;
            self.ledger.set_batch(at, pick.variant, pick.batch);
            let (from, to) = (cap.to_string(), pick.batch.to_string());
            self.decided(sight, draft, Change { lever: Lever::Batch, subject: subject.to_string(), from, to }, reason);
        }
    }
}
