//! The one thread that loads, switches and retires. It takes its orders one after the other, so that `load b, switch to b,
//! retire a` means what it says; loading never holds a lock that a worker needs.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use super::lease::{Seat, Slot};
use super::order::{Command, Order, ShelfError, ShelfEvent, Step};
use super::pool::{Loaded, Resident};
use crate::inference::{
    Backend, InferenceError, Session,
    manifest::{Catalogue, Model, Variant},
};
use crate::memory::{MemoryMeter, ProcessMeter, return_freed_memory};

/// Orders that may wait. The governor gives three a change; a full queue means the loader is deep in a load.
const ORDERS: usize = 64;

/// Events that may wait to be read. More are counted by [`Shelf::events_lost`], and [`Shelf::residents`] stays true.
const EVENTS: usize = 1024;

/// The models that are loaded. Clones share it; when the last is dropped, the loader ends its order and its thread.
#[derive(Clone)]
pub struct Shelf {
    core: Arc<Core>,
    _thread: Arc<Thread>,
}

/// What shelf and loader share.
struct Core {
    slots: Mutex<BTreeMap<String, Arc<Slot>>>,
    orders: Sender<Command>,
    events_lost: AtomicU64,
}

/// Ends the loader when dropped.
struct Thread {
    orders: Sender<Command>,
    handle: Option<JoinHandle<()>>,
}

/// The loader's own belongings.
struct Loader {
    core: Arc<Core>,
    backend: Arc<dyn Backend>,
    catalogue: Catalogue,
    events: Sender<ShelfEvent>,
}

impl Shelf {
    /// An empty shelf whose models come from `catalogue` and are opened by `backend`; and where its events come out.
    pub fn new(catalogue: Catalogue, backend: Arc<dyn Backend>) -> Result<(Self, Receiver<ShelfEvent>), ShelfError> {
        let (orders, incoming) = bounded(ORDERS);
        let (events, outgoing) = bounded(EVENTS);
        let core = Arc::new(Core {
            slots: Mutex::default(),
            orders: orders.clone(),
            events_lost: AtomicU64::new(0),
        });
        let loader = Loader {
            core: Arc::clone(&core),
            backend,
            catalogue,
            events,
        };
        let spawned = thread::Builder::new()
            .name("shelf".into())
            .spawn(move || loader.work(&incoming));
        let handle = Some(spawned.map_err(|_| ShelfError::Gone)?);
        let shelf = Self {
            core,
            _thread: Arc::new(Thread { orders, handle }),
        };
        Ok((shelf, outgoing))
    }

    /// Where a worker of this model takes its sessions. May be asked for before the model is loaded.
    pub fn seat(&self, model: &str) -> Seat {
        Seat::new(self.core.slot(model))
    }

    /// Loads a variant with this many sessions (one a worker) and makes it current; returns when that is done.
    pub fn start(&self, model: &str, variant: &str, sessions: usize) -> Result<(), ShelfError> {
        self.wait(Step::Load, model, variant, sessions)?;
        self.wait(Step::Switch, model, variant, 0)
    }

    /// Orders a variant to be loaded beside what is there. [`ShelfEvent::Ready`] or `Failed` follows.
    pub fn load(&self, model: &str, variant: &str, sessions: usize) -> Result<(), ShelfError> {
        self.order(Step::Load, model, variant, sessions)
    }

    /// Orders new batches onto a loaded variant.
    pub fn switch(&self, model: &str, variant: &str) -> Result<(), ShelfError> {
        self.order(Step::Switch, model, variant, 0)
    }

    /// Orders a variant that is not current to be dropped. Batches still running on it finish first.
    pub fn retire(&self, model: &str, variant: &str) -> Result<(), ShelfError> {
        self.order(Step::Retire, model, variant, 0)
    }

    /// Orders a variant to be dropped even if it is current. Whoever orders it has switched off the stages that ask the
    /// model, and switches to another variant before those stages run out of patience.
    pub fn withdraw(&self, model: &str, variant: &str) -> Result<(), ShelfError> {
        self.order(Step::Withdraw, model, variant, 0)
    }

    /// Orders the memory pools of the model's free sessions to be shrunk.
    pub fn shrink(&self, model: &str) -> Result<(), ShelfError> {
        self.order(Step::Shrink, model, "", 0)
    }

    /// What is loaded of a model.
    pub fn residents(&self, model: &str) -> Vec<Resident> {
        self.core.slot(model).pool().residents()
    }

    /// The variant that new batches of a model use.
    pub fn current(&self, model: &str) -> Option<Arc<Loaded>> {
        self.core.slot(model).pool().current()
    }

    /// Events that nobody read in time.
    pub fn events_lost(&self) -> u64 {
        self.core.events_lost.load(Ordering::Relaxed)
    }

    fn order(&self, step: Step, model: &str, variant: &str, sessions: usize) -> Result<(), ShelfError> {
        let order = Order::new(step, model, variant, sessions, None);
        self.core
            .orders
            .try_send(Command::Order(order))
            .map_err(|refused| match refused {
                TrySendError::Full(_) => ShelfError::Busy,
                TrySendError::Disconnected(_) => ShelfError::Gone,
            })
    }

    fn wait(&self, step: Step, model: &str, variant: &str, sessions: usize) -> Result<(), ShelfError> {
        let (answer, answered) = bounded(1);
        let order = Order::new(step, model, variant, sessions, Some(answer));
        self.core
            .orders
            .send(Command::Order(order))
            .map_err(|_| ShelfError::Gone)?;
        answered.recv().map_err(|_| ShelfError::Gone)?
    }
}

impl Core {
    fn slot(&self, model: &str) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = slots.entry(model.into());
        Arc::clone(slot.or_insert_with(|| Arc::new(Slot::new(model.into(), self.orders.clone()))))
    }

    fn slots(&self) -> Vec<Arc<Slot>> {
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.values().cloned().collect()
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        let _ = self.orders.send(Command::Stop); // refused only when the loader has ended already
        if let Some(handle) = self.handle.take() {
            let _ = handle.join(); // a panic in there has been reported by its own hook
        }
    }
}

impl Loader {
    fn work(self, orders: &Receiver<Command>) {
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
            Step::Shrink => self.shrink(order),
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
            0
        } else {
            let model = self.catalogue.model(&order.model)?;
            let variant = model.variant(&order.variant)?;
            let (loaded, sessions) = self.open(model, variant, order.sessions.max(1))?;
            let grew = loaded.grew;
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
    ) -> Result<(Loaded, Vec<Box<dyn Session>>), InferenceError> {
        let before = occupied();
        let opened: Result<Vec<_>, _> = (0..count).map(|_| self.backend.open(model, variant)).collect();
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

    fn retire(&self, order: &Order) -> Result<(), ShelfError> {
        let slot = self.core.slot(&order.model);
        let begun = slot.pool().retire(&order.variant);
        if begun {
            return Ok(()); // the sweep that follows says when it is gone
        }
        Err(order.refused("it is in use or not loaded; switch to another variant first"))
    }

    fn withdraw(&self, order: &Order) -> Result<(), ShelfError> {
        self.core.slot(&order.model).pool().leave(&order.variant);
        self.retire(order)
    }

    fn shrink(&self, order: &Order) -> Result<(), ShelfError> {
        let seat = Seat::new(self.core.slot(&order.model));
        let free = seat.free_sessions();
        let leases: Vec<_> = (0..free).map_while(|_| seat.lease(Duration::ZERO).ok()).collect();
        for mut lease in leases {
            lease.shrink()?;
        }
        return_freed_memory();
        let model = order.model.clone();
        self.tell(ShelfEvent::Shrunk { model });
        Ok(())
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
        tracing::debug!(?event, "shelf");
        if self.events.try_send(event).is_err() {
            self.core.events_lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Bytes this process occupies; 0 where that cannot be read.
fn occupied() -> u64 {
    ProcessMeter.read().map_or(0, |figures| figures.ours)
}
