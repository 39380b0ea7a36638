//! An exact multiple-choice knapsack with two limits: one option a model, most value, within memory and within time.
//!
//! Depth-first search under a Lagrangian bound (Fisher, Management Science 27, 1981): a price on memory and one on time
//! turn every option into a single number; the prices that make the bound tightest are found by subgradient steps, then
//! the search visits only branches that could still beat the best found. With eight models of 36 options it looks at a few
//! hundred branches, not at 36⁸. Next: [`bound`](super::bound) does the searching.

use super::bound::search;

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

/// The most valuable choice, as one position a class; `None` if nothing fits.
pub(crate) fn best(classes: &[Vec<Choice>], limits: Limits) -> Option<Vec<usize>> {
    best_above(classes, limits, f64::NEG_INFINITY)
}

/// The same, if it is worth more than `floor`: what cannot be is not searched for.
pub(super) fn best_above(classes: &[Vec<Choice>], limits: Limits, floor: f64) -> Option<Vec<usize>> {
    search(classes, limits, (floor, f64::INFINITY))
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
    let within_memory = Limits { memory: limits.memory, time: f64::INFINITY };
    search(&hurried, within_memory, (f64::NEG_INFINITY, -limits.time))
        .is_some_and(|picks| sum(&hurried, &picks).time <= limits.time)
}

/// The same choice, worth more the less time it takes.
fn hurry(choice: &Choice) -> Choice {
    Choice { value: -choice.time, ..*choice }
}

/// Memory, time and value of a set of picks.
pub(crate) fn sum(classes: &[Vec<Choice>], picks: &[usize]) -> Choice {
    let mut all = Choice { value: 0.0, memory: 0.0, time: 0.0, variant: 0, batch: 0 };
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
    keep_if_not_worse(class, |better, choice| better.time <= choice.time && better.value >= choice.value);
}

/// Without choices that cost at least as much as another, whatever they are worth.
pub(super) fn prune_worth(class: &mut Vec<Choice>) {
    keep_if_not_worse(class, |better, choice| better.time <= choice.time);
}

fn keep_if_not_worse(class: &mut Vec<Choice>, beats: impl Fn(&Choice, &Choice) -> bool) {
    class.sort_unstable_by(|a, b| {
        a.memory.total_cmp(&b.memory).then(a.time.total_cmp(&b.time)).then(b.value.total_cmp(&a.value))
    });
    let mut kept: Vec<Choice> = Vec::with_capacity(class.len());
    for choice in class.iter() {
        if !kept.iter().any(|better| beats(better, choice)) {
            kept.push(*choice);
        }
    }
    *class = kept;
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
            let limits = Limits { memory: 4.0 + random.f64() * 30.0, time: 0.5 + random.f64() * 3.0 };
            let expected = by_brute_force(&classes, limits);
            let found = best(&classes, limits).map(|picks| sum(&classes, &picks).value);
            assert_eq!(found.is_some(), expected.is_some(), "seed {seed} case {case}");
            assert_eq!(fits(&classes, limits), expected.is_some(), "fits, seed {seed} case {case}");
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
            let limits = Limits { memory: 15.0, time: 1.5 };
            let before = by_brute_force(&classes, limits);
            classes.iter_mut().for_each(prune);
            assert_eq!(before, by_brute_force(&classes, limits));
        }
    }
}
