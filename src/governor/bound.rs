//! The search behind the knapsack: prices that bound what a branch can be worth, and the walk they keep short. Next:
//! [`levels`](super::levels).

use super::knapsack::{Choice, Limits, sum};

/// Steps taken to tighten the prices; more do not pay for themselves with eight models.
const PRICE_STEPS: u32 = 24;
/// A branch must promise this much more, as a share of the best found, to be visited: below it values are equal.
const WORTH_LOOKING: f64 = 1e-3;
/// Branches looked at before the best found is taken as it is, so that no step takes longer than 200 µs. Four models of
/// 24 options stay far below it; eight of 36 with near-equal options may reach it.
const MOST_BRANCHES: u32 = 1_500;

/// Prices of one whole limit of memory and of time.
#[derive(Clone, Copy, Debug, Default)]
struct Prices {
    memory: f64,
    time: f64,
}

/// The best picks worth more than the floor; stops at the first that is good enough.
pub(super) fn search(classes: &[Vec<Choice>], limits: Limits, (floor, good_enough): (f64, f64)) -> Option<Vec<usize>> {
    if classes.iter().any(Vec::is_empty) || limits.memory < 0.0 || limits.time < 0.0 {
        return None;
    }
    let mut found = Found { picks: None, value: floor };
    let (prices, bound) = tighten(classes, limits, good_enough, &mut found);
    if bound <= found.needed() {
        return found.picks;
    }
    let mut walk = Walk::new(classes, limits, prices, found, good_enough);
    walk.descend(0, Choice { value: 0.0, memory: 0.0, time: 0.0, variant: 0, batch: 0 });
    walk.found.picks
}

/// The best set of picks so far.
struct Found {
    picks: Option<Vec<usize>>,
    value: f64,
}

impl Found {
    /// What a branch must promise to be worth a look.
    fn needed(&self) -> f64 {
        if self.picks.is_none() { self.value } else { self.value + WORTH_LOOKING * self.value.abs() }
    }

    fn offer(&mut self, picks: &[usize], all: Choice, limits: Limits) {
        if all.memory <= limits.memory && all.time <= limits.time && all.value > self.value {
            self.value = all.value;
            self.picks = Some(picks.to_vec());
        }
    }
}

/// Share of a limit that `amount` takes; an absent limit costs nothing.
fn share(amount: f64, limit: f64) -> f64 {
    if limit.is_finite() { amount / limit.max(1e-12) } else { 0.0 }
}

/// The prices with the lowest bound, and that bound, by subgradient steps; every step's picks are offered as an answer.
fn tighten(classes: &[Vec<Choice>], limits: Limits, good_enough: f64, found: &mut Found) -> (Prices, f64) {
    let span: f64 = classes.iter().map(|class| spread(class)).sum::<f64>().max(1e-9);
    let (mut prices, mut tightest, mut bound) = (Prices::default(), Prices::default(), f64::INFINITY);
    let mut picks = vec![0; classes.len()];
    for step in 0..PRICE_STEPS {
        let mut priced = prices.memory + prices.time;
        for (class, pick) in classes.iter().zip(&mut picks) {
            *pick = dearest(class, prices, limits);
            priced += worth(&class[*pick], prices, limits);
        }
        let all = sum(classes, &picks);
        found.offer(&picks, all, limits);
        if priced < bound {
            (bound, tightest) = (priced, prices);
        }
        let proven = good_enough.is_finite() && (found.value >= good_enough || bound < good_enough);
        if proven || bound <= found.needed() {
            break;
        }
        let stride = span / (1.0 + f64::from(step));
        prices.memory = (prices.memory + stride * (share(all.memory, limits.memory) - 1.0).clamp(-1.0, 1.0)).max(0.0);
        prices.time = (prices.time + stride * (share(all.time, limits.time) - 1.0).clamp(-1.0, 1.0)).max(0.0);
    }
    (tightest, bound)
}

fn spread(class: &[Choice]) -> f64 {
    let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
    for choice in class {
        (least, most) = (least.min(choice.value), most.max(choice.value));
    }
    most - least
}

fn worth(choice: &Choice, prices: Prices, limits: Limits) -> f64 {
    choice.value - prices.memory * share(choice.memory, limits.memory) - prices.time * share(choice.time, limits.time)
}

fn dearest(class: &[Choice], prices: Prices, limits: Limits) -> usize {
    let mut best = (0, f64::NEG_INFINITY);
    for (position, choice) in class.iter().enumerate() {
        let worth = worth(choice, prices, limits);
        if worth > best.1 {
            best = (position, worth);
        }
    }
    best.0
}

/// The depth-first search.
struct Walk<'a> {
    classes: &'a [Vec<Choice>],
    limits: Limits,
    /// Positions of each class's choices, most worth first, with their worth.
    ranked: Vec<Vec<(usize, f64)>>,
    /// The most the classes from here on can be worth, and the least they take.
    rest: Vec<Choice>,
    /// What the prices themselves add to the bound.
    base: f64,
    picks: Vec<usize>,
    found: Found,
    good_enough: f64,
    branches: u32,
}

impl<'a> Walk<'a> {
    fn new(classes: &'a [Vec<Choice>], limits: Limits, prices: Prices, found: Found, good_enough: f64) -> Self {
        let ranked: Vec<Vec<(usize, f64)>> = classes.iter().map(|class| rank(class, prices, limits)).collect();
        let mut rest = vec![Choice { value: 0.0, memory: 0.0, time: 0.0, variant: 0, batch: 0 }; classes.len() + 1];
        for at in (0..classes.len()).rev() {
            rest[at] = rest[at + 1];
            rest[at].value += ranked[at][0].1;
            rest[at].memory += classes[at].iter().map(|choice| choice.memory).fold(f64::INFINITY, f64::min);
            rest[at].time += classes[at].iter().map(|choice| choice.time).fold(f64::INFINITY, f64::min);
        }
        let base = prices.memory + prices.time;
        Self { classes, limits, ranked, rest, base, picks: vec![0; classes.len()], found, good_enough, branches: 0 }
    }

    /// `so_far` carries worth in `value`, as ranked by the prices.
    fn descend(&mut self, at: usize, so_far: Choice) {
        if at == self.classes.len() {
            self.found.offer(&self.picks, sum(self.classes, &self.picks), self.limits);
            return;
        }
        for place in 0..self.ranked[at].len() {
            let (position, worth) = self.ranked[at][place];
            let bound = self.base + so_far.value + worth + self.rest[at + 1].value;
            if bound <= self.found.needed() || self.branches >= MOST_BRANCHES || self.found.value >= self.good_enough {
                return;
            }
            self.branches += 1;
            let choice = self.classes[at][position];
            let next = Choice {
                value: so_far.value + worth,
                memory: so_far.memory + choice.memory,
                time: so_far.time + choice.time,
                ..choice
            };
            let room = next.memory + self.rest[at + 1].memory <= self.limits.memory
                && next.time + self.rest[at + 1].time <= self.limits.time;
            if room {
                self.picks[at] = position;
                self.descend(at + 1, next);
            }
        }
    }
}

fn rank(class: &[Choice], prices: Prices, limits: Limits) -> Vec<(usize, f64)> {
    let mut ranked: Vec<(usize, f64)> =
        class.iter().enumerate().map(|(position, choice)| (position, worth(choice, prices, limits))).collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    ranked
}
