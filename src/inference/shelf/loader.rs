//! The one thread that loads, switches and retires. It takes its orders one after the other, so that `load b, switch to b,
//! retire a` means what it says; loading never holds a lock that a worker needs.

use std::sync::Arc;

use crossbeam_channel::Receiver;

use super::front::Core;
use super::order::{Command, Order, ShelfError, ShelfEvent, Step};
use super::pool::Loaded;
use crate::inference::{
    Backend, InferenceError, Session,
    manifest::{Catalogue, Model, Variant},
};
use crate::memory::{MemoryMeter, ProcessMeter, return_freed_memory};

/// The largest sessions measured hold six times their file, and work in 40 MiB beside it.
const MOST_FILES: u64 = 6;
const MOST_BESIDE: u64 = 40 << 20;

/// The loader's own belongings.
pub(super) struct Loader {
    pub(super) core: Arc<Core>,
    pub(super) backend: Arc<dyn Backend>,
    pub(super) catalogue: Catalogue,
}

impl Loader {
    /// Until told to stop.
    pub(super) fn work(self, orders: &Receiver<Command>) {
        for command in orders {
            match command {
                Command::Stop => return,
                Command::Sweep => {}
                Command::Order(order) => self.carry_out(&order),
            }
            self.sweep();
        }
    }

    fn carry_out(&self, order: &Order) {
        let done = match order.step {
            Step::Load => self.load(order),
            Step::Switch => self.switch(order),
            Step::Retire => self.retire(order),
            Step::Withdraw => self.withdraw(order),
            Step::Fit => self.fit(order),
        };
        if let Err(error) = &done {
            tracing::warn!(model = order.model, variant = order.variant, %error, "model order failed");
            self.tell(ShelfEvent::failed(order, error));
        }
        if let Some(answer) = &order.answer {
            let _ = answer.try_send(done); // whoever asked may have given up
        }
    }

    fn load(&self, order: &Order) -> Result<(), ShelfError> {
        let slot = self.core.slot(&order.model);
        let grew = if slot.pool().has(&order.variant) {
            self.fit_all(order)?;
            0
        } else {
            let model = self.catalogue.model(&order.model)?;
            let variant = model.variant(&order.variant)?;
            let (loaded, sessions) = self.open(model, variant, order.sessions.max(1), order.batch)?;
            let grew = plausible(loaded.grew, variant.bytes * order.sessions.max(1) as u64);
            slot.pool().add(Arc::new(loaded), sessions);
            grew
        };
        let (model, variant) = order.names();
        self.tell(ShelfEvent::Ready { model, variant, grew });
        Ok(())
    }

    /// Opens all sessions of a variant. When one cannot be opened, the others are dropped and their memory returned.
    fn open(
        &self,
        model: &Model,
        variant: &Variant,
        count: usize,
        batch: usize,
    ) -> Result<(Loaded, Vec<Box<dyn Session>>), InferenceError> {
        let before = occupied();
        let open = |_| self.backend.open(model, variant).and_then(|session| fitted(session, batch));
        let opened: Result<Vec<_>, _> = (0..count).map(open).collect();
        let sessions = opened.inspect_err(|_| return_freed_memory())?;
        let loaded = Loaded {
            space: model.manifest.space(variant).map(Into::into),
            device: sessions.first().map(|s| s.device()).unwrap_or_default(),
            grew: occupied().saturating_sub(before),
            model: model.clone(),
            variant: variant.clone(),
        };
        Ok((loaded, sessions))
    }

    fn switch(&self, order: &Order) -> Result<(), ShelfError> {
        let slot = self.core.slot(&order.model);
        if !slot.pool().switch(&order.variant) {
            return Err(order.refused("it is not loaded; load it and wait until it is ready"));
        }
        slot.wake();
        let (model, variant) = order.names();
        self.tell(ShelfEvent::Switched { model, variant });
        Ok(())
    }

    fn withdraw(&self, order: &Order) -> Result<(), ShelfError> {
        self.core.slot(&order.model).pool().leave(&order.variant);
        self.retire(order)
    }

    fn retire(&self, order: &Order) -> Result<(), ShelfError> {
        let slot = self.core.slot(&order.model);
        let begun = slot.pool().retire(&order.variant);
        if begun {
            return Ok(()); // the sweep that follows says when it is gone
        }
        Err(order.refused("it is in use or not loaded; switch to another variant first"))
    }

    fn fit(&self, order: &Order) -> Result<(), ShelfError> {
        self.fit_all(order)?;
        return_freed_memory();
        let model = order.model.clone();
        self.tell(ShelfEvent::Fitted { model });
        Ok(())
    }

    fn fit_all(&self, order: &Order) -> Result<(), ShelfError> {
        let slot = self.core.slot(&order.model);
        let free = slot.pool().fit(&order.variant, order.batch);
        let mut done = Ok(());
        for mut held in free {
            done = done.and(held.session.fit(order.batch));
            slot.give_back(held);
        }
        Ok(done?)
    }

    /// Drops every free session of every retiring variant; says so when its last is gone.
    fn sweep(&self) {
        for slot in self.core.slots() {
            let (sessions, gone) = slot.pool().retired();
            drop(sessions); // after the lock: this can take tens of milliseconds
            for variant in gone {
                let model = slot.name.clone();
                self.tell(ShelfEvent::Retired { model, variant });
            }
        }
    }

    fn tell(&self, event: ShelfEvent) {
        self.core.voice.tell(event);
    }
}

fn fitted(mut session: Box<dyn Session>, batch: usize) -> Result<Box<dyn Session>, InferenceError> {
    session.fit(batch).map(|()| session)
}

/// What a load seems to have taken, or 0 for "cannot be told": when cameras start meanwhile, they grow too.
fn plausible(grew: u64, file: u64) -> u64 {
    if grew <= file * MOST_FILES + MOST_BESIDE { grew } else { 0 }
}

/// Bytes this process occupies; 0 where that cannot be read.
fn occupied() -> u64 {
    ProcessMeter.read().map_or(0, |figures| figures.ours)
}
