//! The first plan of a run, and the look for something better: what is worth clearly more, fits, and may be begun now. Next:
//! [`climb`](super::climb), how a step up is taken.

use super::knapsack::Limits;
use super::ladder::Target;
use super::levels::Levels;
use super::plan::Reason;
use super::sight::Sight;
use super::step::{Draft, Governor};

/// Between two looks for something better.
const LOOK_UP_MS: f64 = 1_000.0;
/// A setting found while there is room must be worth this much more to be taken up.
const WORTH_RAISING: f64 = 1.005;
/// Where it leaves a quarter of the time, so much more: the last bit of quality costs nothing then.
const WORTH_COMPLETING: f64 = 1.0005;
/// That quarter.
const PLENTY: f64 = 0.75;
/// And this much more while there is not, or where something is given up for it: a change costs something and what it gains
/// must outlast the next wave.
const WORTH_TRADING: f64 = 1.04;
/// What is asked for falls while it is below this share of what was asked for lately.
const FALLING: f64 = 0.8;
/// Room is kept for frames left out for this long after a step down: as long as a step up remembers what was asked for.
const KEPT_MS: f64 = 10_000.0;
/// Share of the lanes' time assumed for the first plan, before anything was measured.
const START_TIME: f64 = 0.8;

/// What a look for something better leaves out. One that finds nothing is followed by another at the next reading, so that no
/// step takes the time of two.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Look {
    /// Stages that are off and frames that are left out stay so.
    leaves_dear: bool,
    /// It aims at what a step down aims at, and so must find something worth clearly more.
    trades: bool,
}

impl Look {
    /// The look to follow; `gives_back` if this one found something dear to give back that was not worth what it would take.
    fn next(self, gives_back: bool) -> Option<Self> {
        if gives_back && !self.leaves_dear {
            return Some(Self { leaves_dear: true, ..self });
        }
        (!self.trades).then_some(Self { leaves_dear: false, trades: true })
    }
}

impl Governor {
    /// The first plan: what fits the memory there is and the work the cameras announce.
    pub(super) fn start(&mut self, sight: &Sight<'_>, draft: &mut Draft) {
        self.started = true;
        self.calm.started(sight.now);
        let announced: f64 = sight.reading.asking.iter().map(|asking| asking.fps).sum();
        let asked = self.demand.with(announced);
        let limits = self.limits(sight, sight.water.memory_low, START_TIME);
        let range = (Levels::default(), Levels::furthest(&self.policy, false));
        let target = self.solve(&asked, limits, range, |_, _| true, sight);
        if target.levels != Levels::default() {
            self.thrift.careful();
        }
        self.set_levels(sight, draft, target.levels, Reason::Start);
        for (at, pick) in target.picks.iter().enumerate() {
            self.seats[at].want = *pick;
        }
    }

    /// Looks for something better that fits under the low water; takes every lever that acts at once and one switch.
    pub(super) fn raise(&mut self, sight: &Sight<'_>, draft: &mut Draft) {
        self.give_frames_back(sight, draft);
        self.improve(sight, draft, true);
        // Levers that act at once may have made room; a variant being loaded will need what there is.
        if self.loading.is_empty() {
            self.give_frames_back(sight, draft);
        }
    }

    /// Takes back as much of the camera rate as the variants in force have time for now. Nothing is dearer than frames left
    /// out and nothing acts faster, so what was asked for ten seconds ago does not hold it back, and it may take as much time as
    /// a step down would leave it.
    fn give_frames_back(&mut self, sight: &Sight<'_>, draft: &mut Draft) {
        let (asked, most) = (self.asked(), sight.water.time_target);
        let fits = |rate: &usize| self.time_share(&asked, Levels { rate: *rate, ..self.levels }, sight.lanes) <= most;
        let Some(rate) = (0..self.levels.rate).find(fits) else { return };
        self.set_levels(sight, draft, Levels { rate, ..self.levels }, Reason::RoomToRaise);
        self.calm.raised(sight.now);
    }

    /// The same where pressure is neither high nor low: within what a step down aims at, another setting may be worth more.
    pub(super) fn trade(&mut self, sight: &Sight<'_>, draft: &mut Draft) {
        self.improve(sight, draft, false);
    }

    fn improve(&mut self, sight: &Sight<'_>, draft: &mut Draft, low: bool) {
        if sight.now < self.next_look_up {
            return;
        }
        self.next_look_up = sight.now.plus_ms(LOOK_UP_MS);
        let asked = self.demand.peak_with(self.door.frames());
        if self.falls(&asked, sight) {
            return;
        }
        let mut look = std::mem::take(&mut self.look);
        look.trades |= !low;
        let limits = self.limits_upwards(sight, low, look.trades);
        let target = self.solve_upwards(&asked, limits, sight, look.leaves_dear);
        let plenty = || self.takes(&target, &asked, sight) <= PLENTY;
        let worth = match look.trades {
            true => WORTH_TRADING,
            false if plenty() => WORTH_COMPLETING,
            false => WORTH_RAISING,
        };
        if self.keeps_room(&target, sight) {
            return;
        }
        if target.within && self.better(&target, &asked, sight, worth) {
            self.climb(sight, draft, &target, &asked, limits.time / sight.lanes);
        } else if let Some(next) = look.next(self.gives_back(&target)) {
            (self.look, self.next_look_up) = (next, sight.now);
        }
    }

    /// A trade may take as much time as a step down would leave it. Memory likewise.
    fn limits_upwards(&self, sight: &Sight<'_>, low: bool, trades: bool) -> Limits {
        let water = sight.water;
        // Cameras are let in up to the same target: a little above it, or a full house could never get better.
        let memory = water.memory_target + 0.5 * (water.memory_high - water.memory_target);
        let memory = if low && !trades { water.memory_low } else { memory };
        self.limits(sight, memory, if trades { water.time_target } else { water.time_low })
    }

    /// Whether much less is asked for than a moment ago. A step up is measured against what was asked for then, so it would be
    /// a small one, and the dwell after it would hold back the large one that there will be room for in a few seconds.
    fn falls(&self, lately: &[f64], sight: &Sight<'_>) -> bool {
        let share = |asked: &[f64]| self.time_share(asked, self.levels, sight.lanes);
        share(&self.asked()) < FALLING * share(lately)
    }

    /// Whether room is kept for frames left out: soon after a step down the backlog still counts as asked for, and what anything
    /// else took now those would miss when it is worked off.
    fn keeps_room(&self, target: &Target, sight: &Sight<'_>) -> bool {
        let left_out = self.levels.rate > 0 && target.levels.rate >= self.levels.rate;
        left_out && self.calm.lowered_within(sight.now, KEPT_MS)
    }

    /// Whether the target gives back something dear.
    fn gives_back(&self, target: &Target) -> bool {
        target.levels.off < self.levels.off || target.levels.rate < self.levels.rate
    }

    /// Whether the target gives back something dear for nothing, or is worth clearly more.
    fn better(&self, target: &Target, asked: &[f64], sight: &Sight<'_>, worth: f64) -> bool {
        let lowers = self.differing(target).into_iter().any(|(at, pick)| self.gain(at, pick) < 0.0);
        if self.gives_back(target) && !lowers {
            return true;
        }
        let worth = if lowers { worth.max(WORTH_TRADING) } else { worth };
        let unlimited = Limits { memory: f64::INFINITY, time: f64::INFINITY };
        let usable = self.usable(sight, |_, _| true);
        let most = Levels::furthest(&self.policy, false);
        let problem = self.problem(asked, unlimited, Levels::default(), most, &usable);
        let all = |levels: Levels| Levels { size: most.size, precision: most.precision, ..levels };
        let now = problem.worth(all(self.levels), |at| self.seats[at].variant());
        let then = problem.worth(all(target.levels), |at| target.picks[at].map(|pick| pick.variant));
        then * target.levels.rate(&self.policy) > now * self.levels.rate(&self.policy) * worth
    }
}
