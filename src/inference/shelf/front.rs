//! What everybody else calls: orders to the shelf, seats for workers, and what is loaded. Orders are only passed on here;
//! [`loader`](super::loader) carries them out.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use super::lease::{Seat, Slot};
use super::loader::Loader;
use super::order::{Command, Order, ShelfError, ShelfEvent, Step};
use super::pool::{Loaded, Resident};
use super::voice::Voice;
use crate::inference::{Backend, manifest::Catalogue};

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
pub(super) struct Core {
    slots: Mutex<BTreeMap<String, Arc<Slot>>>,
    orders: Sender<Command>,
    pub(super) voice: Voice,
}

/// Ends the loader when dropped.
struct Thread {
    orders: Sender<Command>,
    handle: Option<JoinHandle<()>>,
}

impl Shelf {
    /// An empty shelf whose models come from `catalogue` and are opened by `backend`; and where its events come out.
    pub fn new(catalogue: Catalogue, backend: Arc<dyn Backend>) -> Result<(Self, Receiver<ShelfEvent>), ShelfError> {
        let (orders, incoming) = bounded(ORDERS);
        let (events, outgoing) = bounded(EVENTS);
        let core = Arc::new(Core { slots: Mutex::default(), orders: orders.clone(), voice: Voice::new(events) });
        let loader = Loader { core: Arc::clone(&core), backend, catalogue };
        let spawned = thread::Builder::new().name("shelf".into()).spawn(move || loader.work(&incoming));
        let handle = Some(spawned.map_err(|_| ShelfError::Gone)?);
        let shelf = Self { core, _thread: Arc::new(Thread { orders, handle }) };
        Ok((shelf, outgoing))
    }

    /// Where a worker of this model takes its sessions. May be asked for before the model is loaded.
    pub fn seat(&self, model: &str) -> Seat {
        Seat::new(self.core.slot(model))
    }

    /// Loads a variant with this many sessions (one a worker) and makes it current; returns when that is done.
    pub fn start(&self, model: &str, variant: &str, sessions: usize) -> Result<(), ShelfError> {
        self.start_for(usize::MAX, model, variant, sessions)
    }

    /// The same for batches of up to `batch`.
    pub fn start_for(&self, batch: usize, model: &str, variant: &str, sessions: usize) -> Result<(), ShelfError> {
        self.wait(Step::Load, model, variant, (sessions, batch))?;
        self.wait(Step::Switch, model, variant, (0, 0))
    }

    /// Orders a variant to be loaded beside what is there. [`ShelfEvent::Ready`] or `Failed` follows.
    pub fn load(&self, model: &str, variant: &str, sessions: usize) -> Result<(), ShelfError> {
        self.load_for(usize::MAX, model, variant, sessions)
    }

    /// The same for batches of up to `batch`.
    pub fn load_for(&self, batch: usize, model: &str, variant: &str, sessions: usize) -> Result<(), ShelfError> {
        self.order(Step::Load, model, variant, (sessions, batch))
    }

    /// Orders new batches onto a loaded variant.
    pub fn switch(&self, model: &str, variant: &str) -> Result<(), ShelfError> {
        self.order(Step::Switch, model, variant, (0, 0))
    }

    /// Orders a variant that is not current to be dropped. Batches still running on it finish first.
    pub fn retire(&self, model: &str, variant: &str) -> Result<(), ShelfError> {
        self.order(Step::Retire, model, variant, (0, 0))
    }

    /// Orders a variant to be dropped even if it is current. Whoever orders it has switched off the stages that ask the
    /// model, and switches to another variant before those stages run out of patience.
    pub fn withdraw(&self, model: &str, variant: &str) -> Result<(), ShelfError> {
        self.order(Step::Withdraw, model, variant, (0, 0))
    }

    /// Orders the model's current sessions to be fitted to batches of up to `batch`: at once, or when their batch is done.
    pub fn fit(&self, model: &str, batch: usize) -> Result<(), ShelfError> {
        self.order(Step::Fit, model, "", (0, batch))
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
        self.core.voice.lost()
    }

    fn order(&self, step: Step, model: &str, variant: &str, amounts: (usize, usize)) -> Result<(), ShelfError> {
        let order = Order::new(step, model, variant, amounts, None);
        self.core.orders.try_send(Command::Order(order)).map_err(|refused| match refused {
            TrySendError::Full(_) => ShelfError::Busy,
            TrySendError::Disconnected(_) => ShelfError::Gone,
        })
    }

    fn wait(&self, step: Step, model: &str, variant: &str, amounts: (usize, usize)) -> Result<(), ShelfError> {
        let (answer, answered) = bounded(1);
        let order = Order::new(step, model, variant, amounts, Some(answer));
        self.core.orders.send(Command::Order(order)).map_err(|_| ShelfError::Gone)?;
        answered.recv().map_err(|_| ShelfError::Gone)?
    }
}

impl Core {
    pub(super) fn slot(&self, model: &str) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = slots.entry(model.into());
        let new = || Arc::new(Slot::new(model.into(), self.orders.clone(), self.voice.clone()));
        Arc::clone(slot.or_insert_with(new))
    }

    pub(super) fn slots(&self) -> Vec<Arc<Slot>> {
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
