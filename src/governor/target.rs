//! Where to go from here: the governor's own figures put to the ladder. Next: [`raise`](super::raise).

use super::knapsack::Limits;
use super::ladder::{Pick, Problem, Target};
use super::levels::Levels;
use super::options::Menu;
use super::profile::VariantProfile;
use super::sight::Sight;
use super::step::Governor;

impl Governor {
    /// The limits at these shares, less what cannot be moved.
    pub(super) fn limits(&self, sight: &Sight<'_>, memory: f64, time: f64) -> Limits {
        Limits { memory: sight.ceiling * memory - self.ledger.overhead() - self.door.bytes(), time: sight.lanes * time }
    }

    pub(super) fn least_memory(&self, sight: &Sight<'_>) -> f64 {
        let asked = self.asked();
        let usable = self.usable(sight, |_, _| true);
        let most = Levels::furthest(&self.policy, false);
        let unlimited = Limits { memory: f64::INFINITY, time: f64::INFINITY };
        self.problem(&asked, unlimited, Levels::default(), most, &usable).least_memory()
    }

    /// Any variants, and no dear lever pulled further; with `leave_dear` none given back either.
    pub(super) fn solve_upwards(&self, asked: &[f64], limits: Limits, sight: &Sight<'_>, leave_dear: bool) -> Target {
        let usable = self.usable(sight, |_, _| true);
        let with_dear = |levels: Levels| Levels { off: self.levels.off, rate: self.levels.rate, ..levels };
        let most = with_dear(Levels::furthest(&self.policy, false));
        let least = if leave_dear { with_dear(Levels::default()) } else { Levels::default() };
        self.problem(asked, limits, least, most, &usable).solve()
    }

    pub(super) fn solve_downwards(&self, asked: &[f64], limits: Limits, sight: &Sight<'_>) -> Target {
        let range = (Levels { size: 0, precision: 0, ..self.levels }, Levels::furthest(&self.policy, false));
        self.solve(asked, limits, range, |at, quality| self.quality(at).is_none_or(|now| quality <= now), sight)
    }

    pub(super) fn solve(
        &self,
        asked: &[f64],
        limits: Limits,
        (least, most): (Levels, Levels),
        usable: impl Fn(usize, f64) -> bool,
        sight: &Sight<'_>,
    ) -> Target {
        let usable = self.usable(sight, usable);
        self.problem(asked, limits, least, most, &usable).solve()
    }

    /// A problem over this governor's models.
    pub(super) fn problem<'a>(
        &'a self,
        demand: &'a [f64],
        limits: Limits,
        least: Levels,
        most: Levels,
        usable: &[Vec<bool>],
    ) -> Problem<'a> {
        let (policy, profile, pace) = (&self.policy, &self.profile, self.pace.factor());
        let menu = Menu::default();
        let mut problem =
            Problem { policy, profile, demand, pace, limits, least, most, menu, without: 0, unhurried: false };
        problem.menu = Menu::new(&problem, usable);
        problem
    }

    /// Variants the policy allows, that have not failed lately and that `also` accepts by model and quality. The one in
    /// use stays usable.
    pub(super) fn usable(&self, sight: &Sight<'_>, also: impl Fn(usize, f64) -> bool) -> Vec<Vec<bool>> {
        let models = self.profile.models.iter().zip(&self.seats).enumerate();
        models
            .map(|(at, (model, seat))| {
                let usable = |(position, variant): (usize, &VariantProfile)| {
                    let tried = seat.may_try(sight.now, position) && self.policy.allows(&model.name, &variant.name);
                    also(at, variant.quality) && (tried || seat.using == Some(position))
                };
                model.variants.iter().enumerate().map(usable).collect()
            })
            .collect()
    }

    /// Quality of the variant in use, or of the one to be.
    pub(super) fn quality(&self, at: usize) -> Option<f64> {
        let variant = self.seats[at].variant()?;
        Some(self.profile.models[at].variants[variant].quality)
    }

    /// Models whose variant the target changes.
    pub(super) fn differing(&self, target: &Target) -> Vec<(usize, Pick)> {
        let picks = target.picks.iter().enumerate();
        let picks = picks.filter_map(|(at, pick)| pick.map(|pick| (at, pick)));
        picks.filter(|(at, pick)| !self.seats[*at].off && self.seats[*at].variant() != Some(pick.variant)).collect()
    }

    /// Share of the lanes that the target takes.
    pub(super) fn takes(&self, target: &Target, asked: &[f64], sight: &Sight<'_>) -> f64 {
        let picks = target.picks.iter().enumerate();
        let picks = picks.filter_map(|(at, pick)| Some(self.time_as(at, (*pick)?, asked[at], target.levels)));
        picks.sum::<f64>() / sight.lanes
    }

    pub(super) fn unchanged(&self, target: &Target) -> bool {
        let levels = |levels: Levels| (levels.interval, levels.off, levels.rate);
        let same_batches = target.picks.iter().enumerate().all(|(at, pick)| {
            pick.is_none_or(|pick| self.seats[at].using != Some(pick.variant) || self.seats[at].cap == pick.batch)
        });
        levels(target.levels) == levels(self.levels) && same_batches && self.differing(target).is_empty()
    }
}
