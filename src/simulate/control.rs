//! What a plan does to the plant, and what the plant answers. Next: [`meter`](super::meter), the reading.

use crate::governor::{Admission, Event, Move, Plan, Rung, Verdict};

use super::plant::{Happening, Plant};
use super::store::Life;

impl Plant<'_> {
    /// Applies a plan at once, moves in their order.
    pub(super) fn apply(&mut self, plan: &Plan) {
        for step in &plan.moves {
            self.make(step);
        }
        for rung in &plan.rungs {
            self.set_dial(rung);
        }
        self.interval = plan.detect_interval.max(1);
        self.rate = plan.camera_rate;
        self.again = plan.again.max(1.0);
        self.in_flight = plan.in_flight;
        for admission in &plan.admissions {
            self.admit(admission);
        }
    }

    fn set_dial(&mut self, rung: &Rung) {
        let Some(model) = self.device.models.iter().position(|model| model.name == rung.model) else {
            return;
        };
        let variant = rung.variant.as_ref().and_then(|name| self.device.models[model].variant(name));
        let ready =
            variant.filter(|&v| self.store.find(model, v).is_some_and(|at| self.store.held[at].life == Life::Ready));
        let stage = &mut self.stages[model];
        if ready.is_some() && stage.variant != ready {
            self.score.switched(self.now_ms);
        }
        (stage.variant, stage.batch, stage.linger_ms) = (ready, rung.batch, rung.linger_ms);
        stage.looks = rung.looks.max(1);
    }

    fn make(&mut self, step: &Move) {
        match step {
            Move::Load { model, variant, batch } => {
                let Some((model, variant)) = self.find(model, variant) else {
                    return;
                };
                self.load(model, variant, *batch);
            }
            Move::Retire { model, variant } => {
                let Some((model, variant)) = self.find(model, variant) else {
                    return;
                };
                if self.stages[model].variant == Some(variant) {
                    self.stages[model].variant = None;
                }
                if let Some(at) = self.store.find(model, variant) {
                    self.store.held[at].life = Life::Retiring;
                }
                // Dropping a session takes a few milliseconds once no batch is on it.
                self.later(10.0, Happening::Gone { model, variant });
            }
            Move::Shrink { model, batch } => {
                if let Some(at) = self.device.models.iter().position(|other| &other.name == model) {
                    self.store.shrink(at, *batch);
                    self.stages[at].batch = self.stages[at].batch.min(*batch);
                }
            }
            Move::Use { .. } | Move::Grow { .. } => {}
        }
    }

    fn load(&mut self, model: usize, variant: usize, batch: u32) {
        let name = &self.device.models[model];
        let (model_name, variant_name) = (name.name.clone(), name.variants[variant].name.clone());
        if self.store.find(model, variant).is_some_and(|at| self.store.held[at].life == Life::Ready) {
            self.events.push(Event::Ready { model: model_name, variant: variant_name, bytes: None });
            return;
        }
        if !self.store.load(self.device, model, variant, batch) {
            self.events.push(Event::Failed { model: model_name, variant: variant_name, out_of_memory: true });
            return;
        }
        let usual = name.variants[variant].load_ms * self.scenario.load_slowness;
        let took = usual * (0.9 + 0.3 * self.random.f64());
        self.later(took, Happening::Loaded { model, variant });
    }

    pub(super) fn loaded(&mut self, model: usize, variant: usize) {
        let Some(at) = self.store.find(model, variant) else {
            return;
        };
        if self.store.held[at].life != Life::Loading {
            return;
        }
        let names = &self.device.models[model];
        let (model_name, variant_name) = (names.name.clone(), names.variants[variant].name.clone());
        let failures = self.scenario.failures.iter().zip(&mut self.failures);
        for (failure, left) in failures {
            if failure.model == model_name && failure.variant == variant_name && *left > 0 {
                *left -= 1;
                self.store.held.remove(at);
                self.events.push(Event::Failed { model: model_name, variant: variant_name, out_of_memory: false });
                return;
            }
        }
        self.store.held[at].life = Life::Ready;
        let held = self.store.held[at];
        let bytes = super::store::size(self.device, model, variant, held.batch) as u64;
        self.events.push(Event::Ready { model: model_name, variant: variant_name, bytes: Some(bytes) });
    }

    /// Drops a retired variant once no batch is on it.
    pub(super) fn gone_if_idle(&mut self, model: usize, variant: usize) {
        let Some(at) = self.store.find(model, variant) else {
            return;
        };
        if self.store.held[at].life != Life::Retiring || self.stages[model].running[variant] > 0 {
            return;
        }
        self.store.drop_variant(self.device, self.scenario, model, variant);
        let names = &self.device.models[model];
        let variant = names.variants[variant].name.clone();
        self.events.push(Event::Retired { model: names.name.clone(), variant });
    }

    /// Cameras that want to be served and are not.
    fn admit(&mut self, admission: &Admission) {
        match admission.verdict {
            Verdict::Admit if self.store.add_camera(self.device) => {
                let Some(at) = self.asking.iter().position(|asking| asking.camera == admission.camera) else {
                    return;
                };
                let asking = self.asking.remove(at);
                self.add_camera(asking.camera, asking.fps);
            }
            Verdict::Refuse { .. } => {
                self.refused.insert(admission.camera.clone());
            }
            _ => {}
        }
    }

    fn find(
        &self,
        model: &crate::governor::ModelName,
        variant: &crate::governor::VariantName,
    ) -> Option<(usize, usize)> {
        let at = self.device.models.iter().position(|other| &other.name == model)?;
        Some((at, self.device.models[at].variant(variant)?))
    }
}
