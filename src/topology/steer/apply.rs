//! Plan → dials and shelf: turns what the governor decided into orders. Nothing here waits, and applying a plan twice is
//! the same as applying it once, its moves aside.

use std::time::Duration;

use crate::flow::Dial;
use crate::governor::{Move, Plan, Rung, VariantName};
use crate::inference::{Shelf, ShelfError};
use crate::memory::Permits;
use crate::topology::{StageHandle, cameras::Thinning, gate::Gate};

/// Sessions of each variant: one worker a stage asks for one at a time.
const SESSIONS: usize = 1;

/// One model in the governor's hands.
pub(in crate::topology) struct Steered {
    /// The model's name.
    pub(in crate::topology) model: String,
    /// The stages that ask it.
    pub(in crate::topology) stages: Vec<StageHandle>,
    /// Whether it finds faces: its stages have an interval, and may wait for fuller batches. Stages further down take what
    /// has queued up, since most packets ask them nothing.
    pub(in crate::topology) detects: bool,
    /// The variant loaded when the run began, until the governor has put its own in its place.
    pub(in crate::topology) begun_with: Option<String>,
    /// What that is believed to hold. It is in this process's memory, but not yet in the governor's book.
    pub(in crate::topology) begun_bytes: u64,
    /// The best variant, first among the profile's.
    pub(in crate::topology) best: VariantName,
}

/// All that can be turned.
pub(in crate::topology) struct Hands {
    /// Where models are; `None` when none is on a shelf.
    pub(in crate::topology) shelf: Option<Shelf>,
    /// The models, in graph order.
    pub(in crate::topology) models: Vec<Steered>,
    /// Frames that may be under way.
    pub(in crate::topology) permits: Permits,
    /// The share of each camera's frames that is taken.
    pub(in crate::topology) thinning: Thinning,
    /// Cameras that wait to be let in.
    pub(in crate::topology) gate: Gate,
    /// The detect interval that the pipeline asks for.
    pub(in crate::topology) interval: u32,
}

impl Hands {
    /// Does what the plan says. True when something is given up under it.
    pub(in crate::topology) fn apply(&mut self, plan: &Plan) -> bool {
        self.permits.set_limit(plan.in_flight as usize);
        self.thinning.set(plan.camera_rate);
        self.gate.answer(&plan.admissions);
        plan.moves.iter().for_each(|step| self.order(step));
        let mut degraded = plan.camera_rate < 1.0 || plan.detect_interval > self.interval;
        for rung in &plan.rungs {
            let Some(steered) = self.models.iter().find(|steered| steered.model == rung.model.as_str()) else {
                continue;
            };
            let adopted = steered.begun_with.is_none();
            degraded |= adopted && rung.variant.as_ref() != Some(&steered.best);
            steered.stages.iter().for_each(|stage| turn(&stage.dial, rung, plan, steered.detects));
            // Until the governor has a variant of its own in place, the stage runs the one it began with.
            steered.stages.iter().for_each(|stage| stage.dial.set_enabled(!adopted || rung.variant.is_some()));
        }
        degraded
    }

    /// Bytes of what the run began with and the governor has not taken over yet: to it they are free, since taking a variant
    /// over that is loaded already costs nothing.
    pub(in crate::topology) fn not_taken_over(&self) -> u64 {
        let begun = self.models.iter().filter(|steered| steered.begun_with.is_some());
        begun.map(|steered| steered.begun_bytes).sum()
    }

    /// A refused order is logged; the governor hears of it by the event that does not come.
    fn order(&mut self, step: &Move) {
        let Some(shelf) = self.shelf.clone() else { return };
        let done = match step {
            Move::Load { model, variant, batch } => {
                shelf.load_for(*batch as usize, model.as_str(), variant.as_str(), SESSIONS)
            }
            Move::Use { model, variant } => self.take_up(&shelf, model.as_str(), variant.as_str()),
            Move::Retire { model, variant } => shelf.withdraw(model.as_str(), variant.as_str()),
            Move::Shrink { model, batch } | Move::Grow { model, batch } => shelf.fit(model.as_str(), *batch as usize),
        };
        if let Err(cause) = done {
            tracing::warn!(%cause, ?step, "the shelf did not take an order");
        }
    }

    /// Switches; the first time, what the run began with is dropped if it is another.
    fn take_up(&mut self, shelf: &Shelf, model: &str, variant: &str) -> Result<(), ShelfError> {
        shelf.switch(model, variant)?;
        let steered = self.models.iter_mut().find(|steered| steered.model == model);
        match steered.and_then(|steered| steered.begun_with.take()).filter(|begun_with| begun_with != variant) {
            Some(old) => shelf.retire(model, &old),
            None => Ok(()),
        }
    }
}

fn turn(dial: &Dial, rung: &Rung, plan: &Plan, detects: bool) {
    let linger = if detects { Duration::from_secs_f64(rung.linger_ms.max(0.0) / 1e3) } else { Duration::ZERO };
    dial.set_batching(rung.batch as usize, linger);
    if detects {
        dial.set_interval(plan.detect_interval);
    } else {
        dial.set_looks(rung.looks as usize, plan.again);
    }
}
