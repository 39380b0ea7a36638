//! Whether a camera that asks fits: as things are, at all, and without costing the others more than it brings. Next:
//! [`compose`](super::compose).

use super::knapsack::Limits;
use super::levels::Levels;
use super::reading::Asking;
use super::sight::Sight;
use super::step::Governor;
use super::thrift::DEAREST;

impl Governor {
    /// Whether the setting in force has room for it; `counted` if the door already counts it.
    pub(super) fn fits_now(&self, sight: &Sight<'_>, asking: &Asking, counted: bool) -> bool {
        let water = &sight.water;
        let runs = self.seats.iter().any(|seat| seat.using.is_some());
        let asked = self.spared(self.asked_with(asking, counted), self.thrift.again());
        let time = self.time_share(&asked, self.levels, sight.lanes);
        runs && time <= water.time_high && self.has_memory(sight, asking)
    }

    pub(super) fn has_memory(&self, sight: &Sight<'_>, asking: &Asking) -> bool {
        let water = &sight.water;
        let reserve = sight.ceiling * (water.memory_high - water.memory_target);
        asking.bytes as f64 + self.wanted_memory() + reserve <= self.room(sight)
    }

    /// Bytes of the variants still to be loaded.
    fn wanted_memory(&self) -> f64 {
        let models = self.profile.models.iter().zip(&self.seats).filter(|(_, seat)| seat.is_vacant());
        let wanted = models.filter_map(|(model, seat)| seat.want.map(|pick| (model, pick)));
        wanted.map(|(model, pick)| model.variants[pick.variant].memory(pick.batch)).sum()
    }

    /// Whether any setting the order puts before refusing has room for it.
    pub(super) fn could_fit(&self, sight: &Sight<'_>, asking: &Asking, counted: bool) -> bool {
        let asked = self.spared(self.asked_with(asking, counted), DEAREST);
        let usable = self.usable(sight, |_, _| true);
        let most = Levels::furthest(&self.policy, true);
        self.problem(&asked, self.room_at_most(sight, asking, counted), Levels::default(), most, &usable).possible()
    }

    /// Whether all cameras together are worth more with it, where memory is what it lacks: the variants that make room for one
    /// camera serve all of them worse.
    pub(super) fn is_worth_it(&mut self, sight: &Sight<'_>, asking: &Asking, counted: bool) -> bool {
        if !self.policy.weigh || self.has_memory(sight, asking) {
            return true;
        }
        if self.door.unworthy == Some((sight.now, asking.bytes)) {
            return false;
        }
        let asked = self.spared(self.asked_with(asking, counted), DEAREST);
        let (usable, most) = (self.usable(sight, |_, _| true), Levels::furthest(&self.policy, true));
        let limits = self.room_at_most(sight, asking, counted);
        let mut problem = self.problem(&asked, limits, Levels::default(), most, &usable);
        let target = problem.solve();
        let all = |levels: Levels| Levels { size: most.size, precision: most.precision, ..levels };
        let worth = |levels: Levels, variants: &dyn Fn(usize) -> Option<usize>| {
            problem.worth(all(levels), variants) * levels.rate(&self.policy)
        };
        let then = worth(target.levels, &|at| target.picks[at].map(|pick| pick.variant));
        let share = self.demand.frames / (self.demand.frames + asking.fps).max(1e-9);
        let now = worth(self.levels, &|at| self.seats[at].variant()) * share;
        let worthy = then > now;
        if !worthy {
            self.door.unworthy = Some((sight.now, asking.bytes));
        }
        worthy
    }

    fn room_at_most(&self, sight: &Sight<'_>, asking: &Asking, counted: bool) -> Limits {
        let water = &sight.water;
        let mut limits = self.limits(sight, water.memory_target, water.time_target);
        limits.memory -= if counted { 0.0 } else { asking.bytes as f64 };
        limits
    }

    fn asked_with(&self, asking: &Asking, counted: bool) -> Vec<f64> {
        self.demand.with(self.door.frames() + if counted { 0.0 } else { asking.fps })
    }
}
