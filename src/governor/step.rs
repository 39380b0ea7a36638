//! The governor: one reading in, one plan out.
//!
//! A step reads like a day: learn from what was measured, follow up what was asked for, find out how hard the run is
//! pressed, consult the table, act on its answer, then see to vacancies, batches and cameras. It owns no thread, no clock
//! and no device. Next: [`learn`](super::learn), what it takes from a reading.

use super::calm::Calm;
use super::decide::{Stance, State, decide};
use super::demand::Demand;
use super::door::Door;
use super::fast::InFlight;
use super::ledger::Ledger;
use super::levels::Levels;
use super::names::Elapsed;
use super::pace::Pace;
use super::plan::{Decision, Move, Plan, Reason, Saw};
use super::policy::{Lever, Policy};
use super::pressure::{self, Load, Pressure};
use super::profile::Profile;
use super::raise::Look;
use super::reading::Reading;
use super::seat::Seat;
use super::sight::Sight;
use super::switch::Loading;
use super::thrift::Thrift;

/// Between two readings; while a variant loads, half of it, so that it is used as soon as it is ready.
const CHECK_MS: f64 = 100.0;

/// Keeps the pipeline within its memory and its latency objective.
#[derive(Clone, Debug)]
pub struct Governor {
    pub(super) policy: Policy,
    pub(super) profile: Profile,
    pub(super) seats: Vec<Seat>,
    pub(super) levels: Levels,
    pub(super) demand: Demand,
    pub(super) pace: Pace,
    pub(super) ledger: Ledger,
    pub(super) calm: Calm,
    pub(super) door: Door,
    /// The switch under way, or the loads that fill empty seats: those hinder nobody and run side by side.
    pub(super) loading: Vec<Loading>,
    pub(super) last_shed: Option<Elapsed>,
    pub(super) squeeze: f64,
    pub(super) next_look_up: Elapsed,
    pub(super) next_spare: Elapsed,
    pub(super) look: Look,
    pub(super) started: bool,
    pub(super) in_flight: InFlight,
    pub(super) thrift: Thrift,
    /// Whether pressure was high before this reading's events were taken in.
    pub(super) pressed: bool,
    /// Pressure at the last step, and the shares it was read from.
    pub(super) seen: (Pressure, Load),
    next_id: u64,
    next_check: Elapsed,
}

/// What a step has come to so far.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) moves: Vec<Move>,
    pub(super) decisions: Vec<Decision>,
}

impl Governor {
    /// A governor that has loaded nothing yet; its first plan loads what fits.
    pub fn new(policy: Policy, profile: Profile) -> Self {
        Self {
            seats: profile.models.iter().map(|_| Seat::new()).collect(),
            levels: Levels::default(),
            demand: Demand::new(&profile),
            pace: Pace::new(),
            ledger: Ledger::default(),
            calm: Calm::new(policy.dwell),
            door: Door::default(),
            loading: Vec::new(),
            last_shed: None,
            squeeze: 1.0,
            next_look_up: Elapsed::ZERO,
            next_spare: Elapsed::ZERO,
            look: Look::default(),
            started: false,
            in_flight: InFlight::new(policy.most_in_flight),
            thrift: Thrift::new(),
            pressed: false,
            seen: (Pressure::Normal, Load::default()),
            next_id: 0,
            next_check: Elapsed::ZERO,
            policy,
            profile,
        }
    }

    /// Takes in a reading made at `now` and answers with what to do. The same readings give the same plans.
    pub fn step(&mut self, now: Elapsed, reading: &Reading) -> Plan {
        let mut draft = Draft::default();
        self.learn(now, reading);
        let before = self.look(now, reading);
        self.pressed = pressure::classify(&before.load, &before.water) >= Pressure::High;
        self.follow_up(now, reading, &mut draft);
        let sight = self.look(now, reading);
        let pressure = self.pressure(&sight);
        self.seen = (pressure, sight.load);
        if self.started {
            self.act(&sight, pressure, &mut draft);
        } else {
            self.start(&sight, &mut draft);
        }
        self.fill_vacancy(&sight, &mut draft);
        self.tune_batches(reading);
        self.thrift.needs(self.again_needed(&sight));
        let admissions = self.answer_cameras(&sight, &mut draft);
        self.next_check = now.plus_ms(if self.loading.is_empty() { CHECK_MS } else { CHECK_MS / 2.0 });
        self.compose(&sight, draft, admissions)
    }

    /// When to bring the next reading.
    pub fn next_check(&self) -> Elapsed {
        self.next_check
    }

    /// Costs as learned so far: keep it for the next run.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// What was asked of this governor.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Changes what is asked while running; acted on with the next reading.
    pub fn set_policy(&mut self, policy: Policy) {
        self.policy = policy;
    }

    /// What the governor is in the middle of.
    pub fn state(&self, now: Elapsed) -> State {
        let busy = !self.loading.is_empty() || self.ledger.awaits_memory();
        if busy { State::Switching } else { self.calm.state(now) }
    }

    /// How hard the run is pressed: a model that finds no room presses as much as too little room for those that have it.
    fn pressure(&self, sight: &Sight<'_>) -> Pressure {
        let least = if self.lacks_room(sight) { Pressure::High } else { Pressure::Low };
        pressure::classify(&sight.load, &sight.water).max(least)
    }

    fn act(&mut self, sight: &Sight<'_>, pressure: Pressure, draft: &mut Draft) {
        match decide(self.state(sight.now), pressure) {
            Stance::Keep if pressure == Pressure::Low => self.prepare(sight, draft),
            Stance::Keep => {}
            Stance::Raise => {
                let looks = sight.now >= self.next_look_up;
                self.raise(sight, draft);
                if !looks {
                    self.prepare(sight, draft); // no step takes the time of two looks
                }
            }
            Stance::Trade => self.trade(sight, draft),
            Stance::Lower => self.lower(sight, draft),
            Stance::Ease => self.ease(sight, draft),
            Stance::Shed => self.shed(sight, draft),
        }
    }

    /// Writes down a decision.
    pub(super) fn decided(&mut self, sight: &Sight<'_>, draft: &mut Draft, what: Change, reason: Reason) {
        self.next_id += 1;
        let Change { lever, subject, from, to } = what;
        let saw = self.saw(sight);
        draft.decisions.push(Decision { id: self.next_id, at: sight.now, lever, subject, from, to, reason, saw });
    }

    /// The decision in force.
    pub(super) fn last_decision(&self) -> u64 {
        self.next_id
    }

    fn saw(&self, sight: &Sight<'_>) -> Saw {
        Saw {
            memory: thousandths(sight.load.memory),
            time: thousandths(sight.load.time),
            p95_ms: sight.reading.end_to_end.p95_ms,
            ours: sight.reading.memory.ours,
            ceiling: sight.ceiling as u64,
            frames_per_s: thousandths(self.demand.frames),
        }
    }
}

/// What a decision changes.
pub(super) struct Change {
    pub(super) lever: Lever,
    pub(super) subject: String,
    pub(super) from: String,
    pub(super) to: String,
}

fn thousandths(figure: f64) -> f64 {
    (figure * 1000.0).round() / 1000.0
}
