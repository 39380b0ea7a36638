//! An exact multiple-choice knapsack with two limits: one option a model, most value, within memory and within time.
//!
//! Depth-first search under a Lagrangian bound (Fisher, Management Science 27, 1981): a price on memory and one on time
//! turn every option into a single number; the prices that make the bound tightest are found by subgradient steps, then
//! the search visits only branches that could still beat the best found. With eight models of 36 options it looks at a few
//! hundred branches, not at 36⁸. Next: [`ladder`](super::ladder) builds the options.

/// One way to run a model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Choice {
    /// Quality-weighted items a second.
    pub(crate) value: f64,
    /// Bytes.
    pub(crate) memory: f64,
    /// Lanes.
    pub(crate) time: f64,
    /// Position of the variant.
    pub(crate) variant: usize,
    /// Largest batch.
    pub(crate) batch: u32,
}

/// What all models together may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Bytes.
    pub(crate) memory: f64,
    /// Lanes.
    pub(crate) time: f64,
}

/// Steps taken to tighten the prices; more do not pay for themselves with eight models.
const PRICE_STEPS: u32 = 24;
/// A branch must promise this much more, as a share of the best found, to be visited: below it values are equal.
const WORTH_LOOKING: f64 = 1e-3;
/// Branches looked at before the best found is taken as it is, so that no step takes longer than 200 µs. Four models of
/// 24 options stay far below it; eight of 36 with near-equal options may reach it.
const MOST_BRANCHES: u32 = 1_500;

/// The most valuable choice, as one position a class; `None` if nothing fits.
pub(crate) fn best(classes: &[Vec<Choice>], limits: Limits) -> Option<Vec<usize>> {
    search(classes, limits, f64::INFINITY)
}

/// Whether any choice fits. Searches for the least time within memory and stops at the first that is short enough.
pub(super) fn fits(classes: &[Vec<Choice>], limits: Limits) -> bool {
    let quickest = total(classes, |class| position_of_least(class, |choice| choice.time));
    let smallest = total(classes, |class| position_of_least(class, |choice| choice.memory));
    let (Some(quickest), Some(smallest)) = (quickest, smallest) else {
        return false;
    };
    if quickest.time > limits.time || smallest.memory > limits.memory {
        return false;
    }
    if quickest.memory <= limits.memory || smallest.time <= limits.time {
        return true;
    }
    let hurried: Vec<Vec<Choice>> = classes.iter().map(|class| class.iter().map(hurry).collect()).collect();
    let within_memory = Limits {
        memory: limits.memory,
        time: f64::INFINITY,
    };
    search(&hurried, within_memory, -limits.time).is_some_and(|picks| sum(&hurried, &picks).time <= limits.time)
}

/// The same choice, worth more the less time it takes.
fn hurry(choice: &Choice) -> Choice {
    Choice {
        value: -choice.time,
        ..*choice
    }
}

/// Memory, time and value of a set of picks.
pub(crate) fn sum(classes: &[Vec<Choice>], picks: &[usize]) -> Choice {
    let mut all = Choice {
        value: 0.0,
        memory: 0.0,
        time: 0.0,
        variant: 0,
        batch: 0,
    };
    for (class, &pick) in classes.iter().zip(picks) {
        all.value += class[pick].value;
        all.memory += class[pick].memory;
        all.time += class[pick].time;
    }
    all
}

fn total(classes: &[Vec<Choice>], pick: impl Fn(&[Choice]) -> Option<usize>) -> Option<Choice> {
    let picks: Option<Vec<usize>> = classes.iter().map(|class| pick(class)).collect();
    picks.map(|picks| sum(classes, &picks))
}

fn position_of_least(class: &[Choice], key: impl Fn(&Choice) -> f64) -> Option<usize> {
    (0..class.len()).min_by(|&a, &b| key(&class[a]).total_cmp(&key(&class[b])))
}

/// Without choices that cost at least as much as another and are worth no more.
pub(crate) fn prune(class: &mut Vec<Choice>) {
    class.sort_by(|a, b| {
        a.memory
            .total_cmp(&b.memory)
            .then(a.time.total_cmp(&b.time))
            .then(b.value.total_cmp(&a.value))
    });
    let mut kept: Vec<Choice> = Vec::with_capacity(class.len());
    for choice in class.iter() {
        if !kept
            .iter()
            .any(|better| better.time <= choice.time && better.value >= choice.value)
        {
            kept.push(*choice);
        }
    }
    *class = kept;
}

/// Prices of one whole limit of memory and of time.
#[derive(Clone, Copy, Debug, Default)]
struct Prices {
    memory: f64,
    time: f64,
}

fn search(classes: &[Vec<Choice>], limits: Limits, good_enough: f64) -> Option<Vec<usize>> {
    if classes.iter().any(Vec::is_empty) || limits.memory < 0.0 || limits.time < 0.0 {
        return None;
    }
    let mut found = Found {
        picks: None,
        value: f64::NEG_INFINITY,
    };
    let prices = tighten(classes, limits, good_enough, &mut found);
    let mut walk = Walk::new(classes, limits, prices, found, good_enough);
    walk.descend(
        0,
        Choice {
            value: 0.0,
            memory: 0.0,
            time: 0.0,
            variant: 0,
            batch: 0,
        },
    );
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
        if self.picks.is_none() {
            f64::NEG_INFINITY
        } else {
            self.value + WORTH_LOOKING * self.value.abs()
        }
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
    if limit.is_finite() {
        amount / limit.max(1e-12)
    } else {
        0.0
    }
}

/// The prices with the lowest bound, by subgradient steps; every step's picks are offered as a first answer.
fn tighten(classes: &[Vec<Choice>], limits: Limits, good_enough: f64, found: &mut Found) -> Prices {
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
        if proven {
            break;
        }
        let stride = span / (1.0 + f64::from(step));
        prices.memory = (prices.memory + stride * (share(all.memory, limits.memory) - 1.0).clamp(-1.0, 1.0)).max(0.0);
        prices.time = (prices.time + stride * (share(all.time, limits.time) - 1.0).clamp(-1.0, 1.0)).max(0.0);
    }
    tightest
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
        let mut rest = vec![
            Choice {
                value: 0.0,
                memory: 0.0,
                time: 0.0,
                variant: 0,
                batch: 0
            };
            classes.len() + 1
        ];
        for at in (0..classes.len()).rev() {
            rest[at] = rest[at + 1];
            rest[at].value += ranked[at][0].1;
            rest[at].memory += classes[at]
                .iter()
                .map(|choice| choice.memory)
                .fold(f64::INFINITY, f64::min);
            rest[at].time += classes[at]
                .iter()
                .map(|choice| choice.time)
                .fold(f64::INFINITY, f64::min);
        }
        let base = prices.memory + prices.time;
        Self {
            classes,
            limits,
            ranked,
            rest,
            base,
            picks: vec![0; classes.len()],
            found,
            good_enough,
            branches: 0,
        }
    }

    /// `so_far` carries worth in `value`, as ranked by the prices.
    fn descend(&mut self, at: usize, so_far: Choice) {
        if at == self.classes.len() {
            self.found
                .offer(&self.picks, sum(self.classes, &self.picks), self.limits);
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
    let mut ranked: Vec<(usize, f64)> = class
        .iter()
        .enumerate()
        .map(|(position, choice)| (position, worth(choice, prices, limits)))
        .collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    ranked
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random_classes(random: &mut fastrand::Rng, models: usize, options: usize) -> Vec<Vec<Choice>> {
        (0..models)
            .map(|_| {
                (0..options)
                    .map(|variant| Choice {
                        value: random.f64(),
                        memory: 1.0 + random.f64() * 9.0,
                        time: 0.1 + random.f64(),
                        variant,
                        batch: 1,
                    })
                    .collect()
            })
            .collect()
    }

    fn by_brute_force(classes: &[Vec<Choice>], limits: Limits) -> Option<f64> {
        let mut best = None;
        let mut picks = vec![0; classes.len()];
        loop {
            let all = sum(classes, &picks);
            if all.memory <= limits.memory && all.time <= limits.time {
                best = Some(best.map_or(all.value, |value: f64| value.max(all.value)));
            }
            let Some(at) = (0..picks.len()).find(|&at| picks[at] + 1 < classes[at].len()) else {
                return best;
            };
            picks[..at].fill(0);
            picks[at] += 1;
        }
    }

    #[test]
    fn agrees_with_trying_everything() {
        let seed = 7;
        let mut random = fastrand::Rng::with_seed(seed);
        for case in 0..300 {
            let classes = random_classes(&mut random, 4, 5);
            let limits = Limits {
                memory: 4.0 + random.f64() * 30.0,
                time: 0.5 + random.f64() * 3.0,
            };
            let expected = by_brute_force(&classes, limits);
            let found = best(&classes, limits).map(|picks| sum(&classes, &picks).value);
            assert_eq!(found.is_some(), expected.is_some(), "seed {seed} case {case}");
            assert_eq!(
                fits(&classes, limits),
                expected.is_some(),
                "fits, seed {seed} case {case}"
            );
            let gap = expected.unwrap_or(0.0) - found.unwrap_or(0.0);
            assert!(
                gap <= 1e-3 * expected.unwrap_or(0.0) + 1e-9,
                "seed {seed} case {case}: {found:?}, not {expected:?}"
            );
        }
    }

    #[test]
    fn pruning_keeps_the_best_value() {
        let mut random = fastrand::Rng::with_seed(11);
        for _ in 0..100 {
            let mut classes = random_classes(&mut random, 3, 8);
            let limits = Limits {
                memory: 15.0,
                time: 1.5,
            };
            let before = by_brute_force(&classes, limits);
            classes.iter_mut().for_each(prune);
            assert_eq!(before, by_brute_force(&classes, limits));
        }
    }
}
