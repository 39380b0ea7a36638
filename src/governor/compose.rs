//! Writes the plan down. Next: [`plan`](super::plan), what its fields mean to those who apply it.

use super::fast;
use super::levels::of_those_taken;
use super::plan::{Admission, CameraRate, Plan, Rung};
use super::profile::{ModelProfile, VariantProfile};
use super::seat::Seat;
use super::sight::Sight;
use super::step::{Draft, Governor};

impl Governor {
    pub(super) fn compose(&self, sight: &Sight<'_>, draft: Draft, admissions: Vec<Admission>) -> Plan {
        let rate = self.levels.rate(&self.policy);
        let served = |camera: &super::reading::CameraReading| CameraRate {
            camera: camera.camera.clone(),
            fps: camera.offered_fps * rate,
        };
        let models = self.profile.models.iter().zip(&self.seats);
        Plan {
            decision: self.last_decision(),
            rungs: models.map(|(model, seat)| self.rung(sight, model, seat)).collect(),
            moves: draft.moves,
            detect_interval: of_those_taken(self.levels.interval(&self.policy), rate),
            in_flight: self.in_flight.frames(),
            again: self.thrift.again(),
            camera_rate: rate,
            cameras: sight.reading.cameras.iter().map(served).collect(),
            admissions,
            memory_planned: self.planned() as u64,
            decisions: draft.decisions,
        }
    }

    fn rung(&self, sight: &Sight<'_>, model: &ModelProfile, seat: &Seat) -> Rung {
        let variant = seat.using.filter(|_| !seat.off).map(|using| &model.variants[using]);
        let (batch, share_ms) = (seat.batch.size(seat.cap), model.share * self.policy.latency_p95_ms);
        let batch_ms = |variant: &VariantProfile, batch: u32| variant.batch_ms(f64::from(batch)) * self.pace.factor();
        Rung {
            model: model.name.clone(),
            variant: variant.map(|variant| variant.name.clone()),
            batch,
            linger_ms: variant.map_or(0.0, |v| fast::linger(batch, batch_ms(v, batch), share_ms, sight.load.time)),
            looks: variant.map_or(u32::MAX, |v| self.thrift.looks(share_ms, batch_ms(v, batch) / f64::from(batch))),
        }
    }

    /// Bytes held once everything asked for is there.
    pub(super) fn planned(&self) -> f64 {
        let loading = self.loading.iter().filter(|loading| !loading.there).map(|loading| {
            self.profile.models[loading.model].variants[loading.pick.variant].memory(loading.pick.batch)
        });
        self.ledger.held(&self.profile) + self.door.arriving_bytes() as f64 + loading.sum::<f64>()
    }
}
