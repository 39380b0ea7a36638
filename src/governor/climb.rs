//! How a step up is taken: what acts at once as far as there is room, and one switch. Next: [`lower`](super::lower).

use super::ladder::{Pick, Target};
use super::levels::Levels;
use super::plan::Reason;
use super::sight::Sight;
use super::step::{Draft, Governor};

impl Governor {
    /// Takes what acts at once and begins one switch.
    pub(super) fn climb(&mut self, sight: &Sight<'_>, draft: &mut Draft, target: &Target, asked: &[f64], most: f64) {
        let levels = self.levels_before(target, asked, most, sight.lanes);
        let before = draft.decisions.len();
        self.set_levels(sight, draft, levels, Reason::RoomToRaise);
        self.set_caps(sight, draft, target, Reason::RoomToRaise);
        self.raise_one(sight, draft, target, asked, most);
        if draft.decisions.len() > before {
            self.calm.raised(sight.now);
        }
    }

    /// How far the levers that act at once may go before the target's variants are there: to the target if the variants in
    /// force have time for it, else only to where they take less.
    fn levels_before(&self, target: &Target, asked: &[f64], most: f64, lanes: f64) -> Levels {
        let (now, then) = (self.levels, target.levels);
        let levels = Levels { off: now.off, ..then };
        if self.time_share(asked, levels, lanes) <= most {
            return levels;
        }
        Levels { interval: now.interval.max(then.interval), rate: now.rate.max(then.rate), ..levels }
    }

    /// One stage back on, or one variant changed. A stage first, as it was the dearer to give up, if there is time for it
    /// beside the variants in force; then what makes room; then what gains most. While more cameras keep coming, a variant
    /// chosen now would soon be the wrong one, so it is left at a few changes a minute.
    fn raise_one(&mut self, sight: &Sight<'_>, draft: &mut Draft, target: &Target, asked: &[f64], most: f64) {
        if target.levels.off < self.levels.off && self.has_time_for_one_more(sight, target, asked, most) {
            self.turn_one_on(sight, draft, target);
            return;
        }
        if self.calm.restless(sight.now) && self.demand.grows() {
            return;
        }
        for (at, pick) in self.order_of_switches(sight, target) {
            if self.begin(sight, draft, at, pick, Reason::RoomToRaise) {
                return;
            }
        }
    }

    /// Variants to change: those that make room first, the most room before the least, then those that gain most.
    fn order_of_switches(&self, sight: &Sight<'_>, target: &Target) -> Vec<(usize, Pick)> {
        let rank = |at: usize, pick: Pick| match self.gain(at, pick) {
            gain if gain < 0.0 => (true, self.relief(sight, at, pick)),
            gain => (false, gain),
        };
        let mut order: Vec<_> =
            self.differing(target).into_iter().map(|(at, pick)| (rank(at, pick), at, pick)).collect();
        order.sort_by(|((a_room, a), a_at, _), ((b_room, b), b_at, _)| {
            b_room.cmp(a_room).then(b.total_cmp(a)).then(a_at.cmp(b_at))
        });
        order.into_iter().map(|(_, at, pick)| (at, pick)).collect()
    }

    /// Quality-weighted items a second that a switch would add.
    pub(super) fn gain(&self, at: usize, pick: Pick) -> f64 {
        let model = &self.profile.models[at];
        let quality = model.variants[pick.variant].quality - self.quality(at).unwrap_or(0.0);
        model.weight * self.demand.items[at].max(0.1) * quality
    }

    /// Whether the stage switched off last has time to run beside the variants in force.
    fn has_time_for_one_more(&self, sight: &Sight<'_>, target: &Target, asked: &[f64], most: f64) -> bool {
        let last = self.policy.optional.get(self.levels.off - 1).and_then(|name| self.profile.model(name));
        let needs = |at: usize| Some(self.time_as(at, target.picks[at]?, asked[at], self.levels));
        let needed = last.and_then(needs).unwrap_or(0.0);
        self.time_share(asked, self.levels, sight.lanes) + needed / sight.lanes <= most
    }

    fn turn_one_on(&mut self, sight: &Sight<'_>, draft: &mut Draft, target: &Target) {
        let levels = Levels { off: self.levels.off - 1, ..self.levels };
        self.set_levels(sight, draft, levels, Reason::RoomToRaise);
        for (at, pick) in target.picks.iter().enumerate() {
            if self.seats[at].using.is_none() && !self.seats[at].off {
                self.seats[at].want = *pick;
            }
        }
    }
}
