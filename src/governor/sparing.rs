//! Looks at followed faces as something to give up. Next: [`closest`](super::closest), where nothing fits.
//!
//! A look put off thins every model that looks at followed faces alike, in small steps and at once, so it fills whatever time
//! the rest leaves: where looks are put off anyway, a lane is worth what looks make of it, and everything else must be worth
//! more than that price to be run. The price is found as fractional programs are solved (Dinkelbach, Management Science 13,
//! 1967): guess it, choose, and take what the choice makes of a lane as the next guess.

use super::knapsack::{self, Choice, Limits};
use super::ladder::{Problem, Target};
use super::levels::Levels;
use super::sight::Sight;
use super::step::Governor;
use super::thrift::DEAREST;

/// What one setting comes to, apart from each other: looks at followed faces and everything else.
#[derive(Clone, Copy, Debug, Default)]
struct Shares {
    looks: (f64, f64),
    rest: (f64, f64),
    /// Looks must be put off this many times for the threads of one model.
    busiest: f64,
}

impl Shares {
    /// What a lane is worth when it is spent on looks.
    fn price(&self) -> f64 {
        self.looks.0 / self.looks.1.max(1e-9)
    }

    /// How many times later to look again, so that everything takes `time`.
    fn again(&self, time: f64) -> f64 {
        let room = time - self.rest.1;
        let again = if room > 0.0 { self.looks.1 / room } else { f64::INFINITY };
        again.max(self.busiest).max(1.0)
    }
}

impl Problem<'_> {
    /// Where everything asked for does not fit: the setting of most value with looks put off until it does. `None` where that
    /// does not help enough.
    pub(super) fn sparing(&self) -> Option<(f64, Target)> {
        let (mut price, mut best): (f64, Option<(f64, Target)>) = (self.first_price()?, None);
        for off in self.least.off..=self.most.off {
            for interval in self.least.interval..=self.most.interval {
                let levels = Levels { off, interval, rate: self.least.rate, ..self.most };
                let Some((value, target)) = self.sparing_at(levels, &mut price) else { continue };
                let value = value / self.dearer(off);
                if best.as_ref().is_none_or(|(most, _)| value > *most) {
                    best = Some((value, target));
                }
            }
        }
        best
    }

    /// The price where nothing else is looked at: the variants that make most of a lane. What is guessed for one setting is the
    /// first guess for the next, as the price hardly depends on anything but the models that look at faces.
    fn first_price(&self) -> Option<f64> {
        let (models, classes) = self.worthy(Levels { off: self.least.off, ..self.most });
        let best = |class: &Vec<Choice>| {
            let most = |choice: &&Choice| choice.value / choice.time.max(1e-9);
            class.iter().max_by(|a, b| most(a).total_cmp(&most(b))).map(|choice| (choice.value, choice.time))
        };
        let looks = models.iter().zip(&classes).filter(|(at, _)| self.profile.models[**at].looks_at_followed());
        let all = looks.filter_map(|(_, class)| best(class)).reduce(|a, b| (a.0 + b.0, a.1 + b.1))?;
        Some(all.0 / all.1.max(1e-9))
    }

    fn sparing_at(&self, levels: Levels, price: &mut f64) -> Option<(f64, Target)> {
        let (models, classes) = self.worthy(levels);
        let within_memory = Limits { memory: self.limits.memory, time: f64::INFINITY };
        let priced: Vec<Vec<Choice>> = classes.iter().map(|class| priced(class, *price)).collect();
        let picks = knapsack::best(&priced, within_memory)?;
        let shares = self.shares(&models, &classes, &picks);
        *price = shares.price();
        let again = shares.again(self.limits.time);
        let picks = self.spread(&models, &classes, &picks);
        let target = Target { levels: self.needed(levels, &picks), picks, within: false };
        (again > 1.0 && again <= DEAREST).then_some((shares.rest.0 + shares.looks.0 / again, target))
    }

    fn shares(&self, models: &[usize], classes: &[Vec<Choice>], picks: &[usize]) -> Shares {
        let mut shares = Shares::default();
        for ((&at, class), &pick) in models.iter().zip(classes).zip(picks) {
            let model = &self.profile.models[at];
            let part = if model.looks_at_followed() { &mut shares.looks } else { &mut shares.rest };
            (part.0, part.1) = (part.0 + class[pick].value, part.1 + class[pick].time);
            if model.looks_at_followed() && model.workers > 0 {
                shares.busiest = shares.busiest.max(class[pick].time / f64::from(model.workers));
            }
        }
        shares
    }
}

fn priced(class: &[Choice], price: f64) -> Vec<Choice> {
    class.iter().map(|choice| Choice { value: choice.value - price * choice.time, ..*choice }).collect()
}

impl Governor {
    /// What is asked for with looks put off `again` times.
    pub(super) fn spared(&self, mut asked: Vec<f64>, again: f64) -> Vec<f64> {
        for (asked, model) in asked.iter_mut().zip(&self.profile.models) {
            *asked /= if model.looks_at_followed() { again } else { 1.0 };
        }
        asked
    }

    /// How many times later to look again, so that what is asked for fits the variants in force.
    pub(super) fn again_needed(&self, sight: &Sight<'_>) -> f64 {
        let (asked, mut shares) = (self.demand.at_once_with(self.door.frames()), Shares::default());
        let most = sight.water.time_target;
        for (at, model) in self.profile.models.iter().enumerate() {
            let time = self.time_of(at, asked[at], self.levels);
            let looks = model.looks_at_followed();
            let part = if looks { &mut shares.looks } else { &mut shares.rest };
            part.1 += time;
            if looks && model.workers > 0 {
                shares.busiest = shares.busiest.max(time / (f64::from(model.workers) * most));
            }
        }
        shares.again(sight.lanes * most).min(DEAREST)
    }
}
