//! One reading and what follows from it: how much memory and time there is, and how much of both is asked for. Next:
//! [`target`](super::target), what a step aims at.

use super::ladder::Pick;
use super::levels::{self, Levels};
use super::names::Elapsed;
use super::policy::Water;
use super::pressure::{self, Load};
use super::reading::{Compute, Reading};
use super::step::Governor;

/// One reading and what follows from it.
#[derive(Clone, Copy)]
pub(super) struct Sight<'a> {
    pub(super) now: Elapsed,
    pub(super) reading: &'a Reading,
    /// Bytes we may hold.
    pub(super) ceiling: f64,
    /// Lanes left to the models: what other work and the frames of cameras at the door take is not.
    pub(super) lanes: f64,
    /// Where pressure begins and ends with so many bytes.
    pub(super) water: Water,
    pub(super) load: Load,
}

/// However busy the lanes are elsewhere, the scheduler leaves us a part of them.
const LEAST_LANES: f64 = 0.1;

impl Governor {
    /// Looks at a reading.
    pub(super) fn look<'a>(&mut self, now: Elapsed, reading: &'a Reading) -> Sight<'a> {
        self.ledger.balance(reading.memory.ours, &self.profile, !self.loading.is_empty());
        let ceiling = pressure::ceiling(reading, &self.policy);
        let (lanes, water) = (self.lanes(reading, 0.0), self.policy.water.of(ceiling));
        let counts = self.calm.latency_counts(now, reading.end_to_end.p95_ms);
        let load = Load {
            memory: (reading.memory.ours as f64 + self.door.bytes()) / ceiling.max(1.0) + self.door.reserve(&water),
            time: self.time_share(&self.asked(), self.levels, lanes),
            latency: if counts { self.latency(reading) } else { 0.0 },
            allocation_failed: pressure::allocation_failed(reading),
        };
        Sight { now, reading, ceiling, lanes, water, load }
    }

    /// Lanes left to the models. What our frames take beside them is reckoned, not read: a reading counts what opening cameras
    /// and loading models takes as well, and nothing yet of cameras at the door, nor of `further` frames a second.
    pub(super) fn lanes(&self, reading: &Reading, further: f64) -> f64 {
        let Compute { lanes, elsewhere, for_cameras } = reading.compute;
        let frames = self.demand.frames + self.door.frames() + further;
        (lanes - (elsewhere - for_cameras) - self.profile.lanes_beside_models(frames)).max(LEAST_LANES)
    }

    /// Measured p95 as a share of the objective; 0 of nothing.
    pub(super) fn latency(&self, reading: &Reading) -> f64 {
        let measured = if reading.end_to_end.count > 0 { reading.end_to_end.p95_ms } else { 0.0 };
        measured / self.policy.latency_p95_ms.max(1.0)
    }

    /// Items a second each model is asked for, cameras at the door included.
    pub(super) fn asked(&self) -> Vec<f64> {
        self.demand.with(self.door.frames())
    }

    /// Share of `lanes` that the variants in force need for `asked` at these levels, or of one model's own threads where
    /// that is more: a thread that is full is full, however idle the device.
    pub(super) fn time_share(&self, asked: &[f64], levels: Levels, lanes: f64) -> f64 {
        let (mut all, mut fullest) = (0.0, 0.0_f64);
        for (at, &asked) in asked.iter().enumerate() {
            let (needed, workers) = (self.time_of(at, asked, levels), self.profile.models[at].workers);
            all += needed;
            fullest = if workers == 0 { fullest } else { fullest.max(needed / f64::from(workers)) };
        }
        fullest.max(all / lanes)
    }

    /// Lanes the variant in force needs for `asked` items a second at these levels.
    pub(super) fn time_of(&self, at: usize, asked: f64, levels: Levels) -> f64 {
        let seat = &self.seats[at];
        let variant = seat.variant().filter(|_| !seat.off);
        variant.map_or(0.0, |variant| self.time_as(at, Pick { variant, batch: seat.largest_batch() }, asked, levels))
    }

    /// The same as `pick`.
    pub(super) fn time_as(&self, at: usize, pick: Pick, asked: f64, levels: Levels) -> f64 {
        let model = &self.profile.models[at];
        let cost = model.variants[pick.variant].item_cost_ms(f64::from(pick.batch));
        asked * levels::thinning(&self.policy, model, levels) * cost / 1000.0 * self.pace.factor()
    }
}
