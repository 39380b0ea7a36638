//! The first plan of a run, and every step up: look for something worth more that fits, take what acts at once, begin one
//! switch. Next: [`lower`](super::lower).

use super::knapsack::Limits;
use super::ladder::{Pick, Target};
use super::levels::Levels;
use super::plan::Reason;
use super::step::{Draft, Governor, Sight};

/// Between two looks for something better.
const LOOK_UP_MS: f64 = 1_000.0;
/// A setting found while there is room must be worth this much more to be taken up.
const WORTH_RAISING: f64 = 1.005;
/// And this much more while there is not: a change costs something and what it gains must outlast the next wave.
const WORTH_TRADING: f64 = 1.04;
/// Share of the lanes' time assumed for the first plan, before anything was measured.
const START_TIME: f64 = 0.8;

impl Governor {
    /// The first plan: what fits the memory there is and the work the cameras announce.
    pub(super) fn start(&mut self, sight: &Sight<'_>, draft: &mut Draft) {
        self.started = true;
        self.calm.started(sight.now);
        let announced: f64 = sight.reading.asking.iter().map(|asking| asking.fps).sum();
        let asked = self.demand.with(announced);
        let limits = self.limits(sight, self.policy.water.memory_low, START_TIME);
        let target = self.solve(&asked, limits, Levels::default(), |_, _| true, sight);
        if target.levels != Levels::default() {
            self.thrift.careful();
        }
        self.set_levels(sight, draft, target.levels, Reason::Start);
        for (at, pick) in target.picks.iter().enumerate() {
            self.seats[at].want = *pick;
        }
    }

    /// Looks for something better that fits under the low water; takes every lever that acts at once and one switch. While
    /// looks are put off only frames are given back: what else there is room for cannot be measured then.
    pub(super) fn raise(&mut self, sight: &Sight<'_>, draft: &mut Draft) {
        let water = self.policy.water;
        self.give_frames_back(sight, draft);
        if self.thrift.puts_off() {
            return;
        }
        let limits = self.limits(sight, water.memory_low, water.time_low);
        self.improve(sight, draft, limits, WORTH_RAISING);
    }

    /// Takes back as much of the camera rate as the variants in force have time for now. Nothing is dearer than frames left
    /// out and nothing acts faster, so what was asked for ten seconds ago does not hold it back; one step at a time while looks
    /// are put off.
    fn give_frames_back(&mut self, sight: &Sight<'_>, draft: &mut Draft) {
        let (asked, most) = (self.asked(), self.policy.water.time_low);
        let fits = |rate: &usize| self.time_share(&asked, Levels { rate: *rate, ..self.levels }, sight.lanes) <= most;
        let furthest = if self.thrift.puts_off() { self.levels.rate.saturating_sub(1) } else { 0 };
        let Some(rate) = (furthest..self.levels.rate).find(fits) else { return };
        self.set_levels(sight, draft, Levels { rate, ..self.levels }, Reason::RoomToRaise);
        self.calm.raised(sight.now);
    }

    /// The same within what a step down aims at: pressure is neither high nor low, but another setting may be worth more.
    pub(super) fn trade(&mut self, sight: &Sight<'_>, draft: &mut Draft) {
        let water = self.policy.water;
        // Cameras are let in up to the same target: a little above it, or a full house could never get better.
        let memory = water.memory_target + 0.5 * (water.memory_high - water.memory_target);
        let limits = self.limits(sight, memory, water.time_target);
        self.improve(sight, draft, limits, WORTH_TRADING);
    }

    fn improve(&mut self, sight: &Sight<'_>, draft: &mut Draft, limits: Limits, worth: f64) {
        if sight.now < self.next_look_up {
            return;
        }
        self.next_look_up = sight.now.plus_ms(LOOK_UP_MS);
        let asked = self.demand.peak_with(self.door.frames());
        let target = self.solve_upwards(&asked, limits, sight);
        if !target.within || !self.better(&target, &asked, sight, worth) {
            return;
        }
        let before = draft.decisions.len();
        let levels = self.levels_before(&target, &asked, limits.time / sight.lanes, sight.lanes);
        self.set_levels(sight, draft, levels, Reason::RoomToRaise);
        self.set_caps(sight, draft, &target, Reason::RoomToRaise);
        self.raise_one(sight, draft, &target);
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

    /// Whether the target gives back something dear, or is worth clearly more.
    fn better(&self, target: &Target, asked: &[f64], sight: &Sight<'_>, worth: f64) -> bool {
        if target.levels.off < self.levels.off || target.levels.rate < self.levels.rate {
            return true;
        }
        let unlimited = Limits { memory: f64::INFINITY, time: f64::INFINITY };
        let usable = self.usable(sight, |_, _| true);
        let most = Levels::furthest(&self.policy, false);
        let problem = self.problem(asked, unlimited, Levels::default(), most, &usable);
        let all = |levels: Levels| Levels { size: most.size, precision: most.precision, ..levels };
        let now = problem.worth(all(self.levels), |at| self.seats[at].variant());
        let then = problem.worth(all(target.levels), |at| target.picks[at].map(|pick| pick.variant));
        then > now * worth
    }

    /// One stage back on, or one variant changed. A stage first, as it was the dearer to give up; then what makes room; then
    /// what gains most.
    fn raise_one(&mut self, sight: &Sight<'_>, draft: &mut Draft, target: &Target) {
        if target.levels.off < self.levels.off {
            self.turn_one_on(sight, draft, target);
            return;
        }
        let gain = |at: usize, pick: &Pick| {
            let model = &self.profile.models[at];
            let quality = |variant: Option<usize>| variant.map_or(0.0, |variant| model.variants[variant].quality);
            model.weight
                * self.demand.items[at].max(0.1)
                * (quality(Some(pick.variant)) - quality(self.seats[at].variant()))
        };
        let mut order: Vec<(usize, Pick)> = self.differing(target);
        let rank = |gain: f64| if gain < 0.0 { f64::INFINITY } else { gain };
        order.sort_by(|a, b| rank(gain(b.0, &b.1)).total_cmp(&rank(gain(a.0, &a.1))).then(a.0.cmp(&b.0)));
        for (at, pick) in order {
            if self.begin(sight, draft, at, pick, Reason::RoomToRaise) {
                return;
            }
        }
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
