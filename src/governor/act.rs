//! What the table's answers do: raise, lower, ease, shed, and the first plan of a run.
//!
//! All of them ask the ladder for a target and then move towards it: levers that cost nothing at once, variants one at a
//! time. Next: [`switch`](super::switch), the two-phase change of a variant.

use super::knapsack::Limits;
use super::ladder::{Levels, Pick, Problem, Target};
use super::plan::{Move, Reason};
use super::policy::Lever;
use super::step::{Change, Draft, Governor, Sight};

/// Between two looks for something better.
const LOOK_UP_MS: f64 = 1_000.0;
/// A setting found while there is room must be worth this much more to be taken up.
const WORTH_RAISING: f64 = 1.005;
/// And this much more while there is not: a change costs something and what it gains must outlast the next wave.
const WORTH_TRADING: f64 = 1.04;
/// A second shedding this soon after the first says that freed memory is taken as fast as it appears.
const SHED_AGAIN_MS: f64 = 1_500.0;
/// What such a second shedding aims at, as a share of the first's aim.
const SQUEEZE: f64 = 0.75;
/// A switch that takes longer than this is bridged by levers that act at once.
const BRIDGE_MS: f64 = 500.0;
/// Share of the lanes' time assumed for the first plan, before anything was measured.
const START_TIME: f64 = 0.8;

impl Governor {
    /// The first plan: what fits the memory there is and the work the cameras announce.
    pub(super) fn start(&mut self, sight: &Sight<'_>, draft: &mut Draft) {
        self.started = true;
        let announced: f64 = sight.reading.asking.iter().map(|asking| asking.fps).sum();
        let asked = self.demand.with(announced);
        let limits = self.limits(sight, self.policy.water.memory_low, START_TIME);
        let target = self.solve(&asked, limits, Levels::default(), |_, _| true, sight);
        self.set_levels(sight, draft, target.levels, Reason::Start);
        for (at, pick) in target.picks.iter().enumerate() {
            self.seats[at].want = *pick;
        }
    }

    /// Looks for something better that fits under the low water; takes every lever that acts at once and one switch.
    pub(super) fn raise(&mut self, sight: &Sight<'_>, draft: &mut Draft) {
        let water = self.policy.water;
        let limits = self.limits(sight, water.memory_low, water.time_low);
        self.improve(sight, draft, limits, WORTH_RAISING);
    }

    /// The same within what a step down aims at: pressure is neither high nor low, but another setting may be worth more.
    pub(super) fn trade(&mut self, sight: &Sight<'_>, draft: &mut Draft) {
        let water = self.policy.water;
        let limits = self.limits(sight, water.memory_target, water.time_target);
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
        let levels = self.levels_before(&target, &asked, limits);
        self.set_levels(sight, draft, levels, Reason::RoomToRaise);
        self.set_caps(sight, draft, &target, Reason::RoomToRaise);
        self.raise_one(sight, draft, &target);
        if draft.decisions.len() > before {
            self.calm.raised(sight.now);
        }
    }

    /// How far the levers that act at once may go before the target's variants are there: to the target if the variants in
    /// force have time for it, else only to where they take less.
    fn levels_before(&self, target: &Target, asked: &[f64], limits: Limits) -> Levels {
        let (now, then) = (self.levels, target.levels);
        let levels = Levels { off: now.off, ..then };
        if self.time_needed(asked, levels) <= limits.time {
            return levels;
        }
        Levels {
            interval: now.interval.max(then.interval),
            rate: now.rate.max(then.rate),
            ..levels
        }
    }

    /// Whether the target gives back something dear, or is worth clearly more.
    fn better(&self, target: &Target, asked: &[f64], sight: &Sight<'_>, worth: f64) -> bool {
        if target.levels.off < self.levels.off || target.levels.rate < self.levels.rate {
            return true;
        }
        let unlimited = Limits {
            memory: f64::INFINITY,
            time: f64::INFINITY,
        };
        let usable = self.usable(sight, |_, _| true);
        let most = Levels::furthest(&self.policy, false);
        let problem = self.problem(asked, unlimited, Levels::default(), most, &usable);
        let all = |levels: Levels| Levels {
            size: most.size,
            precision: most.precision,
            ..levels
        };
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
        order.sort_by(|a, b| {
            rank(gain(b.0, &b.1))
                .total_cmp(&rank(gain(a.0, &a.1)))
                .then(a.0.cmp(&b.0))
        });
        for (at, pick) in order {
            if self.begin(sight, draft, at, pick, Reason::RoomToRaise) {
                return;
            }
        }
    }

    fn turn_one_on(&mut self, sight: &Sight<'_>, draft: &mut Draft, target: &Target) {
        let levels = Levels {
            off: self.levels.off - 1,
            ..self.levels
        };
        self.set_levels(sight, draft, levels, Reason::RoomToRaise);
        for (at, pick) in target.picks.iter().enumerate() {
            if self.seats[at].using.is_none() && !self.seats[at].off {
                self.seats[at].want = *pick;
            }
        }
    }

    /// Finds the least to give up; begins with the switch that relieves most.
    pub(super) fn lower(&mut self, sight: &Sight<'_>, draft: &mut Draft) {
        let water = self.policy.water;
        let limits = self.limits(sight, water.memory_target, water.time_target);
        let target = self.solve_downwards(&self.asked(), limits, sight);
        if self.unchanged(&target) {
            self.blame_strain(sight);
            return;
        }
        let (reason, before) = (self.reason_down(sight), draft.decisions.len());
        self.set_levels(sight, draft, target.levels, reason);
        self.set_caps(sight, draft, &target, reason);
        let relief = |at: usize, pick: &Pick| self.relief(sight, at, *pick);
        let mut order = self.differing(&target);
        order.sort_by(|a, b| relief(b.0, &b.1).total_cmp(&relief(a.0, &a.1)).then(a.0.cmp(&b.0)));
        for (at, pick) in order {
            if self.begin(sight, draft, at, pick, reason) {
                break;
            }
        }
        if draft.decisions.len() > before {
            self.calm.lowered(sight.now);
        }
    }

    /// Events are late, the sums see no reason, and there is nothing left to try but to trust them less.
    fn blame_strain(&mut self, sight: &Sight<'_>) {
        if sight.load.latency > 1.0 && self.pace.strained() {
            self.calm.changed(sight.now);
        }
    }

    /// Share of memory plus share of time that a switch would free.
    fn relief(&self, sight: &Sight<'_>, at: usize, pick: Pick) -> f64 {
        let model = &self.profile.models[at];
        let cost = |variant: usize, batch: u32| {
            let variant = &model.variants[variant];
            let time = self.demand.items[at] * variant.item_cost_ms(f64::from(batch)) / 1000.0 / sight.lanes;
            variant.memory(batch) / sight.ceiling.max(1.0) + time
        };
        let now = self.seats[at]
            .variant()
            .map_or(0.0, |variant| cost(variant, self.seats[at].largest_batch()));
        now - cost(pick.variant, pick.batch)
    }

    /// Pressure while a switch is under way: a step up is called off. A step down is left to finish; if it takes long, the
    /// levers that act at once bridge the time.
    pub(super) fn ease(&mut self, sight: &Sight<'_>, draft: &mut Draft) {
        let Some(loading) = self.loading else { return };
        if loading.raise {
            self.abandon(sight, draft);
            self.calm.lowered(sight.now);
        } else if sight.now.ms_since(loading.since) > BRIDGE_MS {
            self.bridge(sight, draft);
        }
    }

    fn bridge(&mut self, sight: &Sight<'_>, draft: &mut Draft) {
        let water = self.policy.water;
        let limits = self.limits(sight, water.memory_high, water.time_target);
        let kept = |at: usize, quality: f64| self.quality(at).is_none_or(|now| (quality - now).abs() < 1e-12);
        let least = Levels {
            size: 0,
            precision: 0,
            ..self.levels
        };
        let target = self.solve(&self.asked(), limits, least, kept, sight);
        let levels = Levels {
            size: self.levels.size,
            precision: self.levels.precision,
            ..target.levels
        };
        let (reason, before) = (self.reason_down(sight), draft.decisions.len());
        self.set_levels(sight, draft, levels, reason);
        if draft.decisions.len() > before {
            self.calm.lowered(sight.now);
        }
    }

    /// Frees memory at once: whatever the target does not keep is retired now and replaced later.
    pub(super) fn shed(&mut self, sight: &Sight<'_>, draft: &mut Draft) {
        if self.ledger.awaits_memory() {
            return;
        }
        let again = self
            .last_shed
            .is_some_and(|last| sight.now.ms_since(last) < SHED_AGAIN_MS);
        self.squeeze = if again { self.squeeze * SQUEEZE } else { 1.0 };
        self.last_shed = Some(sight.now);
        let water = self.policy.water;
        let mut limits = self.limits(sight, water.memory_target, water.time_target);
        let squeezed = self
            .limits(sight, water.memory_target * self.squeeze, water.time_target)
            .memory;
        let smallest = self.least_memory(sight).min(limits.memory);
        limits.memory = squeezed.max(smallest);
        let target = self.solve_downwards(&self.asked(), limits, sight);
        if self.loading.is_some() {
            self.abandon(sight, draft);
        }
        let reason = self.reason_down(sight);
        self.set_levels(sight, draft, target.levels, reason);
        self.set_caps(sight, draft, &target, reason);
        self.vacate(sight, draft, &target, reason);
        self.calm.lowered(sight.now);
    }

    fn vacate(&mut self, sight: &Sight<'_>, draft: &mut Draft, target: &Target, reason: Reason) {
        for (at, pick) in target.picks.iter().enumerate() {
            let using = self.seats[at].using;
            if self.seats[at].off || using.is_some() && using == pick.map(|pick| pick.variant) {
                continue;
            }
            self.seats[at].want = *pick;
            if using.is_some() {
                let change = self.variant_change(at, using, pick.map(|pick| pick.variant));
                self.retire(sight.now, draft, at);
                self.decided(sight, draft, change, reason);
            }
        }
    }

    /// Puts interval, rate and the optional stages where `levels` says. Each acts at once.
    pub(super) fn set_levels(&mut self, sight: &Sight<'_>, draft: &mut Draft, levels: Levels, reason: Reason) {
        let old = std::mem::replace(&mut self.levels, levels);
        let policy = &self.policy;
        let mut changes = Vec::new();
        if levels.interval != old.interval {
            let (from, to) = (old.interval(policy).to_string(), levels.interval(policy).to_string());
            changes.push(Change {
                lever: Lever::DetectInterval,
                subject: String::new(),
                from,
                to,
            });
        }
        if levels.rate != old.rate {
            let (from, to) = (old.rate(policy).to_string(), levels.rate(policy).to_string());
            changes.push(Change {
                lever: Lever::CameraRate,
                subject: String::new(),
                from,
                to,
            });
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

    fn switch_stages(&mut self, sight: &Sight<'_>, draft: &mut Draft, changes: &mut Vec<Change>) {
        for at in 0..self.seats.len() {
            let off = self.levels.switches_off(&self.policy, &self.profile.models[at]);
            if off == self.seats[at].off {
                continue;
            }
            self.seats[at].off = off;
            if off {
                self.retire(sight.now, draft, at);
                self.seats[at].want = None;
            }
            let word = |off: bool| if off { "off" } else { "on" }.to_owned();
            let subject = self.profile.models[at].name.to_string();
            changes.push(Change {
                lever: Lever::OptionalStages,
                subject,
                from: word(!off),
                to: word(off),
            });
        }
    }

    /// Batches of the variants that stay: smaller ones only where memory is short, as giving a workspace back buys no time;
    /// larger ones only where they fit now.
    fn set_caps(&mut self, sight: &Sight<'_>, draft: &mut Draft, target: &Target, reason: Reason) {
        let most = sight.ceiling * self.policy.water.memory_high;
        let short = sight.load.allocation_failed || sight.load.memory > self.policy.water.memory_high;
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
            if growth < 0.0 {
                draft.moves.push(Move::Shrink {
                    model: subject.clone(),
                    batch: pick.batch,
                });
            }
            self.seats[at].cap = pick.batch;
            self.ledger.set_batch(at, pick.variant, pick.batch);
            let (from, to) = (cap.to_string(), pick.batch.to_string());
            self.decided(
                sight,
                draft,
                Change {
                    lever: Lever::Batch,
                    subject: subject.to_string(),
                    from,
                    to,
                },
                reason,
            );
        }
    }

    fn reason_down(&self, sight: &Sight<'_>) -> Reason {
        let (load, water) = (&sight.load, &self.policy.water);
        if load.allocation_failed {
            Reason::OutOfMemory
        } else if load.memory >= 0.98 {
            Reason::MemoryCritical
        } else if load.memory > water.memory_high {
            Reason::MemoryHigh
        } else if load.time > water.time_high {
            Reason::TimeHigh
        } else {
            Reason::LatencyOver
        }
    }

    /// The limits at these shares, less what cannot be moved.
    pub(super) fn limits(&self, sight: &Sight<'_>, memory: f64, time: f64) -> Limits {
        Limits {
            memory: sight.ceiling * memory - self.ledger.overhead() - self.door.bytes(),
            time: sight.lanes * time,
        }
    }

    fn least_memory(&self, sight: &Sight<'_>) -> f64 {
        let asked = self.asked();
        let usable = self.usable(sight, |_, _| true);
        let most = Levels::furthest(&self.policy, false);
        let unlimited = Limits {
            memory: f64::INFINITY,
            time: f64::INFINITY,
        };
        self.problem(&asked, unlimited, Levels::default(), most, &usable)
            .least_memory()
    }

    /// Any variants, and no dear lever pulled further.
    fn solve_upwards(&self, asked: &[f64], limits: Limits, sight: &Sight<'_>) -> Target {
        let usable = self.usable(sight, |_, _| true);
        let furthest = Levels::furthest(&self.policy, false);
        let most = Levels {
            off: self.levels.off,
            rate: self.levels.rate,
            ..furthest
        };
        self.problem(asked, limits, Levels::default(), most, &usable).solve()
    }

    fn solve_downwards(&self, asked: &[f64], limits: Limits, sight: &Sight<'_>) -> Target {
        let least = Levels {
            size: 0,
            precision: 0,
            ..self.levels
        };
        self.solve(
            asked,
            limits,
            least,
            |at, quality| self.quality(at).is_none_or(|now| quality <= now),
            sight,
        )
    }

    fn solve(
        &self,
        asked: &[f64],
        limits: Limits,
        least: Levels,
        usable: impl Fn(usize, f64) -> bool,
        sight: &Sight<'_>,
    ) -> Target {
        let usable = self.usable(sight, usable);
        self.problem(asked, limits, least, Levels::furthest(&self.policy, false), &usable)
            .solve()
    }

    /// A problem over this governor's models.
    pub(super) fn problem<'a>(
        &'a self,
        demand: &'a [f64],
        limits: Limits,
        least: Levels,
        most: Levels,
        usable: &'a [Vec<bool>],
    ) -> Problem<'a> {
        let (policy, profile, pace) = (&self.policy, &self.profile, self.pace.factor());
        Problem {
            policy,
            profile,
            demand,
            pace,
            limits,
            least,
            most,
            usable,
            without: 0,
        }
    }

    /// Variants the policy allows, that have not failed lately and that `also` accepts by model and quality. The one in
    /// use stays usable.
    pub(super) fn usable(&self, sight: &Sight<'_>, also: impl Fn(usize, f64) -> bool) -> Vec<Vec<bool>> {
        let models = self.profile.models.iter().zip(&self.seats).enumerate();
        models
            .map(|(at, (model, seat))| {
                let usable = |(position, variant): (usize, &super::profile::VariantProfile)| {
                    let tried = seat.may_try(sight.now, position) && self.policy.allows(&model.name, &variant.name);
                    also(at, variant.quality) && (tried || seat.using == Some(position))
                };
                model.variants.iter().enumerate().map(usable).collect()
            })
            .collect()
    }

    /// Quality of the variant in use, or of the one to be.
    fn quality(&self, at: usize) -> Option<f64> {
        let variant = self.seats[at].variant()?;
        Some(self.profile.models[at].variants[variant].quality)
    }

    /// Models whose variant the target changes.
    fn differing(&self, target: &Target) -> Vec<(usize, Pick)> {
        let picks = target.picks.iter().enumerate();
        let picks = picks.filter_map(|(at, pick)| pick.map(|pick| (at, pick)));
        picks
            .filter(|(at, pick)| !self.seats[*at].off && self.seats[*at].variant() != Some(pick.variant))
            .collect()
    }

    fn unchanged(&self, target: &Target) -> bool {
        let levels = |levels: Levels| (levels.interval, levels.off, levels.rate);
        let same_batches = target.picks.iter().enumerate().all(|(at, pick)| {
            pick.is_none_or(|pick| self.seats[at].using != Some(pick.variant) || self.seats[at].cap == pick.batch)
        });
        levels(target.levels) == levels(self.levels) && same_batches && self.differing(target).is_empty()
    }
}
