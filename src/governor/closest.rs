//! The edges of a problem: whether anything fits, what the least would take, and where to go when nothing fits. Next:
//! [`options`](super::options), what there is to choose from.

use super::knapsack::{self, Choice, Limits};
use super::ladder::{Problem, Target};
use super::levels::Levels;

/// Frames left out that save less than this, as a factor on the time everything takes, are not.
const SAVES_LITTLE: f64 = 1.15;

impl Problem<'_> {
    /// Whether any setting within the bounds keeps within the limits.
    pub(super) fn possible(&self) -> bool {
        self.can(self.most)
    }

    /// What the cheapest setting within the bounds would take.
    pub(super) fn least_room(&self) -> Choice {
        self.sum_of(|choice| choice.time)
    }

    /// Bytes the smallest setting within the bounds would hold.
    pub(super) fn least_memory(&self) -> f64 {
        self.sum_of(|choice| choice.memory).memory
    }

    /// All models at the choice where `key` is least.
    fn sum_of(&self, key: impl Fn(&Choice) -> f64) -> Choice {
        let (_, mut classes) = self.quick(self.most);
        classes.retain(|class| !class.is_empty());
        let least = |class: &Vec<Choice>| {
            (0..class.len()).min_by(|&a, &b| key(&class[a]).total_cmp(&key(&class[b]))).unwrap_or(0)
        };
        let picks: Vec<usize> = classes.iter().map(least).collect();
        knapsack::sum(&classes, &picks)
    }

    /// Everything given up but the frames that would save little: where followed faces are what takes the time, or detections
    /// are spaced already, most of what is left out of a camera's frames buys nothing.
    fn furthest(&self) -> Levels {
        let (models, classes) = self.quick(self.most);
        let times = classes.iter().map(|class| class.iter().map(|choice| choice.time).fold(f64::INFINITY, f64::min));
        let quickest: Vec<(usize, f64)> = models.into_iter().zip(times).filter(|(_, time)| time.is_finite()).collect();
        let thinned = |at: usize, levels: Levels| self.scales(at, levels).0;
        let takes = |levels: Levels| {
            let of = |&(at, time): &(usize, f64)| time * thinned(at, levels) / thinned(at, self.most).max(1e-9);
            quickest.iter().map(of).sum::<f64>()
        };
        let most = SAVES_LITTLE * takes(self.most);
        let mut all = (self.least.rate..self.most.rate).map(|rate| Levels { rate, ..self.most });
        all.find(|levels| takes(*levels) <= most).unwrap_or(self.most)
    }

    /// Where nothing keeps within the limits: if time is short, everything that helps is given up and the quickest variants
    /// taken; if memory is, the last model goes without and the rest is solved again.
    pub(super) fn closest(&mut self) -> Target {
        self.unhurried = true;
        let furthest = self.furthest();
        let (models, mut classes) = self.worthy(furthest);
        if models.is_empty() {
            return Target { levels: self.least, picks: vec![None; self.demand.len()], within: false };
        }
        for choice in classes.iter_mut().flatten() {
            choice.value = -choice.time;
        }
        let within_memory = Limits { memory: self.limits.memory, time: f64::INFINITY };
        if let Some(picks) = knapsack::best(&classes, within_memory) {
            return Target { levels: furthest, picks: self.spread(&models, &classes, &picks), within: false };
        }
        self.without += 1;
        Target { within: false, ..self.solve() }
    }
}
