//! The way out: a bounded queue and two named threads. The [`scribe`](super::scribe) numbers events and writes them as JSON;
//! the [`clerk`](super::clerk) journals them and hands them on, so that the next ones are written while the disk is waited for.
//! Posting never waits.
//!
//! The order is the promise: an event is on disk before any subscriber can have it. What does not fit into the queue is
//! counted and announced as a `gap` event as soon as there is room again.

use std::{
    collections::BTreeMap,
    io,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{SyncSender, TrySendError, sync_channel},
    },
    thread::{Builder, JoinHandle},
    time::{Duration, SystemTime},
};

use uuid::Uuid;

use super::{
    clerk::Clerk,
    journal::Journal,
    keys::Origin,
    numbering::Numbering,
    scribe::Scribe,
    sink::EventSink,
    wire::{Draft, Gap},
};

/// Events that may wait. At a busy entrance's 10 events a second this is a quarter of an hour of a disk that hangs.
const QUEUE: usize = 8_192;
/// Batches that may wait for the one before to be on disk.
const AHEAD: usize = 1;

/// Reads the wall clock: publish times and the journal's ages.
pub type WallClock = Arc<dyn Fn() -> SystemTime + Send + Sync>;
/// Makes event ids: UUID v7 in a real run.
pub type FreshId = Box<dyn FnMut() -> Uuid + Send>;

/// What an outbox is made of.
pub struct OutboxParts {
    /// Counts; from the journal where there is one.
    pub numbering: Numbering,
    /// Where events are kept; without one they are only handed on.
    pub journal: Option<Journal>,
    /// Where events go, in this order.
    pub sinks: Vec<Box<dyn EventSink>>,
    /// Reads the wall clock.
    pub clock: WallClock,
    /// Makes ids for gap events.
    pub fresh_id: FreshId,
}

/// The running threads. [`finish`](Outbox::finish) drains them; dropping it without that leaves them to end by themselves
/// once every [`Postbox`] is gone.
#[derive(Debug)]
pub struct Outbox {
    threads: [JoinHandle<()>; 2],
    shared: Arc<Shared>,
}

/// Where stages post. Clones share the queue; the threads end once all of them are dropped.
#[derive(Clone, Debug)]
pub struct Postbox {
    queue: SyncSender<Draft>,
    shared: Arc<Shared>,
}

/// What went through, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutboxFigures {
    /// Numbered and handed to the sinks.
    pub published: u64,
    /// Did not fit into the queue; announced as gaps.
    pub overflowed: u64,
    /// Handed on without having been journaled, because the journal could not be written.
    pub unkept: u64,
}

/// What both threads and everybody who posts know.
#[derive(Debug, Default)]
pub(super) struct Shared {
    published: AtomicU64,
    overflowed: AtomicU64,
    unkept: AtomicU64,
    /// Overflow that no gap event has announced yet.
    overflow: Mutex<BTreeMap<Origin, u64>>,
    /// Other losses that no gap event has announced yet.
    losses: Mutex<Vec<(Origin, Gap)>>,
    /// Batches the clerk has not handed on yet.
    on_the_way: Mutex<usize>,
    handed_on: Condvar,
}

/// A batch on its way: over when it is dropped, whatever became of it.
pub(super) struct OnTheWay(Arc<Shared>);

impl Drop for OnTheWay {
    fn drop(&mut self) {
        *lock(&self.0.on_the_way) -= 1;
        self.0.handed_on.notify_one();
    }
}

impl Outbox {
    /// Starts the threads.
    pub fn start(parts: OutboxParts) -> io::Result<(Self, Postbox)> {
        let OutboxParts { numbering, journal, sinks, clock, fresh_id } = parts;
        let shared = Arc::new(Shared::default());
        let (queue, inbox) = sync_channel(QUEUE);
        let (out, batches) = sync_channel(AHEAD);
        let clerk = Clerk::new(&numbering, journal, sinks, Arc::clone(&clock), Arc::clone(&shared));
        let scribe = Scribe { numbering, clock, fresh_id, out, shared: Arc::clone(&shared) };
        let threads = [
            Builder::new().name("events".into()).spawn(move || scribe.run(&inbox))?,
            Builder::new().name("events-journal".into()).spawn(move || clerk.run(&batches))?,
        ];
        let postbox = Postbox { queue, shared: Arc::clone(&shared) };
        Ok((Self { threads, shared }, postbox))
    }

    /// Waits until everything posted is handed on. Every [`Postbox`] must be gone first, or this waits for it.
    pub fn finish(self) -> OutboxFigures {
        for thread in self.threads {
            let name = thread.thread().name().unwrap_or_default().to_owned();
            if thread.join().is_err() {
                tracing::error!("the thread `{name}` panicked; events after that moment were not published");
            }
        }
        self.shared.figures()
    }

    /// What went through so far.
    pub fn figures(&self) -> OutboxFigures {
        self.shared.figures()
    }
}

impl Postbox {
    /// Posts an event; false when the queue is full (counted, and announced later).
    pub fn post(&self, draft: Draft) -> bool {
        match self.queue.try_send(draft) {
            Ok(()) => true,
            Err(TrySendError::Full(draft) | TrySendError::Disconnected(draft)) => {
                self.shared.overflow(draft.origin);
                false
            }
        }
    }

    /// What went through so far.
    pub fn figures(&self) -> OutboxFigures {
        self.shared.figures()
    }
}

impl Shared {
    fn overflow(&self, origin: Origin) {
        self.overflowed.fetch_add(1, Ordering::Relaxed);
        *lock(&self.overflow).entry(origin).or_default() += 1;
    }

    /// Takes the overflow that is to be announced.
    pub(super) fn take_overflow(&self) -> BTreeMap<Origin, u64> {
        std::mem::take(&mut *lock(&self.overflow))
    }

    /// These are to be announced.
    pub(super) fn lose(&self, losses: impl Iterator<Item = (Origin, Gap)>) {
        lock(&self.losses).extend(losses);
    }

    /// Takes the losses that are to be announced.
    pub(super) fn take_losses(&self) -> Vec<(Origin, Gap)> {
        std::mem::take(&mut *lock(&self.losses))
    }

    /// A batch goes to the clerk.
    pub(super) fn send_off(self: &Arc<Self>) -> OnTheWay {
        *lock(&self.on_the_way) += 1;
        OnTheWay(Arc::clone(self))
    }

    /// Waits for the clerk to have nothing to do; whether that came about in time.
    pub(super) fn is_idle_within(&self, patience: Duration) -> bool {
        let waited = self.handed_on.wait_timeout_while(lock(&self.on_the_way), patience, |batches| *batches > 0);
        let (batches, _) = waited.unwrap_or_else(PoisonError::into_inner);
        *batches == 0
    }

    /// So many were handed on, so many of them without having been journaled.
    pub(super) fn count(&self, published: u64, unkept: u64) {
        self.published.fetch_add(published, Ordering::Relaxed);
        self.unkept.fetch_add(unkept, Ordering::Relaxed);
    }

    fn figures(&self) -> OutboxFigures {
        OutboxFigures {
            published: self.published.load(Ordering::Relaxed),
            overflowed: self.overflowed.load(Ordering::Relaxed),
            unkept: self.unkept.load(Ordering::Relaxed),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
