//! What a step takes from a reading before and after it decides: costs and demand, and the fast loop. Next:
//! [`sight`](super::sight), what the reading comes to.

use super::names::Elapsed;
use super::reading::Reading;
use super::step::Governor;

impl Governor {
    /// Takes in what was measured: demand, pace, what frames cost beside the models, whether events are late.
    pub(super) fn learn(&mut self, now: Elapsed, reading: &Reading) {
        let rate = self.levels.rate(&self.policy);
        let spared = self.thrift.spared(now);
        self.demand.learn(now, reading, &self.profile, (rate, spared));
        self.door.learn(now, reading);
        let seats = &self.seats;
        let names: Vec<_> = self.profile.models.iter().map(|model| model.name.clone()).collect();
        let measured = names.iter().zip(seats).enumerate().filter_map(|(at, (name, seat))| {
            let measured = reading.model(name).filter(|m| m.batch_mean >= 1.0 && m.service_ms > 0.0)?;
            Some((at, seat.using?, measured))
        });
        if self.calm.latency_counts(now, 0.0) {
            self.pace.learn(&mut self.profile, measured);
            // What loading takes is not the cameras'.
            if self.loading.is_empty() {
                self.profile.learn_frame(reading.offered_fps(), reading.compute.for_cameras);
            }
        }
        self.ledger.give_up_waiting(now);
        self.calm.events(now, self.latency(reading) > 1.0);
    }

    /// The fast loop: batches, frames in flight, looks at faces.
    pub(super) fn tune_batches(&mut self, reading: &Reading) {
        if reading.end_to_end.count > 0 {
            let latency = self.latency(reading);
            self.in_flight.tune(latency, self.detectors_batch(), self.policy.most_in_flight);
            self.thrift.tune(latency);
        }
        for (model, seat) in self.profile.models.iter().zip(&mut self.seats) {
            if let Some(measured) = reading.model(&model.name) {
                seat.batch.tune(measured, model.share * self.policy.latency_p95_ms, seat.cap);
            }
        }
    }

    /// Frames now run together.
    fn detectors_batch(&self) -> u32 {
        let models = self.profile.models.iter().zip(&self.seats).filter(|(model, _)| model.follows_interval);
        models.map(|(_, seat)| seat.batch.size(seat.cap)).max().unwrap_or(1)
    }
}
