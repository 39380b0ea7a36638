//! The way out: a bounded queue, one named thread that numbers, journals and hands on. Posting never waits.
//!
//! The order is the promise: an event is on disk before any subscriber can have it. What does not fit into the queue is
//! counted and announced as a `gap` event as soon as there is room again.

use std::{
    collections::BTreeMap,
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel},
    },
    thread::{Builder, JoinHandle},
    time::{Duration, SystemTime},
};

use uuid::Uuid;

use super::{
    journal::Journal,
    keeper::Keeper,
    keys::Origin,
    numbering::Numbering,
    sink::{EventSink, Recorded},
    wire::{Data, Draft, Gap, GapReason, UtcMicros},
};

/// Events that may wait. At a busy entrance's 10 events a second this is a quarter of an hour of a disk that hangs.
const QUEUE: usize = 8_192;
/// Events journaled in one commit, when so many wait: a commit costs about as much as a disk flush, and pages that many
/// events share are written once.
const BATCH: usize = 2_048;
/// How often sinks are told how far the numbering is.
const HEARTBEAT: Duration = Duration::from_secs(1);

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

/// The running thread. [`finish`](Outbox::finish) drains it; dropping it without that leaves the thread to end by itself
/// once every [`Postbox`] is gone.
#[derive(Debug)]
pub struct Outbox {
    thread: JoinHandle<()>,
    shared: Arc<Shared>,
}

/// Where stages post. Clones share the queue; the thread ends once all of them are dropped.
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

#[derive(Debug, Default)]
struct Shared {
    published: AtomicU64,
    overflowed: AtomicU64,
    unkept: AtomicU64,
    /// Overflow that no gap event has announced yet.
    unannounced: Mutex<BTreeMap<Origin, u64>>,
}

struct Worker {
    parts: OutboxParts,
    shared: Arc<Shared>,
    keeper: Keeper,
    last_heartbeat: SystemTime,
}

impl Outbox {
    /// Starts the thread.
    pub fn start(mut parts: OutboxParts) -> io::Result<(Self, Postbox)> {
        let (queue, inbox) = sync_channel(QUEUE);
        let shared = Arc::new(Shared::default());
        let worker = Worker {
            last_heartbeat: (parts.clock)(),
            keeper: Keeper::new(parts.journal.take()),
            parts,
            shared: Arc::clone(&shared),
        };
        let thread = Builder::new().name("events".into()).spawn(move || worker.run(&inbox))?;
        let postbox = Postbox { queue, shared: Arc::clone(&shared) };
        Ok((Self { thread, shared }, postbox))
    }

    /// Waits until everything posted is handed on. Every [`Postbox`] must be gone first, or this waits for it.
    pub fn finish(self) -> OutboxFigures {
        if self.thread.join().is_err() {
            tracing::error!("the events thread panicked; events after that moment were not published");
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
        *self.unannounced.lock().unwrap_or_else(PoisonError::into_inner).entry(origin).or_default() += 1;
    }

    fn figures(&self) -> OutboxFigures {
        OutboxFigures {
            published: self.published.load(Ordering::Relaxed),
            overflowed: self.overflowed.load(Ordering::Relaxed),
            unkept: self.unkept.load(Ordering::Relaxed),
        }
    }
}

impl Worker {
    fn run(mut self, inbox: &Receiver<Draft>) {
        loop {
            match inbox.recv_timeout(HEARTBEAT) {
                Ok(first) => self.batch(first, inbox),
                Err(RecvTimeoutError::Timeout) => {
                    self.hand_on(Vec::new());
                    self.announce_unkept();
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.heartbeat();
        }
        self.announce_overflow();
        self.hand_on(Vec::new());
        self.parts.sinks.iter_mut().for_each(|sink| sink.finish());
    }

    fn batch(&mut self, first: Draft, inbox: &Receiver<Draft>) {
        let drafts = std::iter::once(first).chain(inbox.try_iter().take(BATCH - 1));
        let drafts: Vec<_> = drafts.collect();
        self.hand_on(drafts);
        self.announce_overflow();
        self.announce_unkept();
    }

    /// Number, journal, publish: in this order.
    fn hand_on(&mut self, drafts: Vec<Draft>) {
        let publish = UtcMicros::from((self.parts.clock)());
        let mut recorded = Vec::with_capacity(drafts.len());
        for draft in drafts {
            match self.parts.numbering.number(draft, publish) {
                Ok(event) => recorded.push(event),
                Err(cause) => tracing::error!(%cause, "an event could not be written as JSON and was left out"),
            }
        }
        self.keep(&recorded, publish);
        for event in &recorded {
            self.parts.sinks.iter_mut().for_each(|sink| sink.publish(event));
        }
        self.shared.published.fetch_add(recorded.len() as u64, Ordering::Relaxed);
    }

    /// Writes to the journal what is new and what could not be written before, and says what can never be written.
    fn keep(&mut self, recorded: &[Recorded], now: UtcMicros) {
        let added = self.keeper.keep(recorded, now);
        self.shared.unkept.fetch_add(added, Ordering::Relaxed);
    }

    fn announce_overflow(&mut self) {
        let lost = std::mem::take(&mut *self.shared.unannounced.lock().unwrap_or_else(PoisonError::into_inner));
        if lost.is_empty() {
            return;
        }
        let now = UtcMicros::from((self.parts.clock)());
        let overflow = |lost| Gap {
            first: None,
            last: None,
            lost: Some(lost),
            reason: GapReason::Overflow,
            detail: Some("more events at once than could be written down".into()),
        };
        let gaps = lost.into_iter().map(|(origin, lost)| gap(origin, overflow(lost), (self.parts.fresh_id)(), now));
        let gaps = gaps.collect();
        self.hand_on(gaps);
    }

    /// Says which published events the journal had to let go of while it could not be written.
    fn announce_unkept(&mut self) {
        let now = UtcMicros::from((self.parts.clock)());
        let mut gaps = Vec::new();
        for (source, (first, last)) in self.keeper.take_dropped() {
            let Ok(origin) = Origin::from_source(&source) else { continue };
            let range = Gap {
                first: Some(first),
                last: Some(last),
                lost: None,
                reason: GapReason::NotKept,
                detail: Some("published, but the journal could not be written then".into()),
            };
            gaps.push(gap(origin, range, (self.parts.fresh_id)(), now));
        }
        if !gaps.is_empty() {
            self.hand_on(gaps);
        }
    }

    fn heartbeat(&mut self) {
        let now = (self.parts.clock)();
        let too_soon = now.duration_since(self.last_heartbeat).is_ok_and(|passed| passed < HEARTBEAT);
        if too_soon {
            return;
        }
        self.last_heartbeat = now;
        let heads = self.parts.numbering.heads(self.keeper.keeps());
        self.parts.sinks.iter_mut().for_each(|sink| sink.heartbeat(&heads));
    }
}

fn gap(origin: Origin, gap: Gap, id: Uuid, now: UtcMicros) -> Draft {
    Draft { id, subject: origin.partition(), origin, time: now, data: Data::Gap(gap) }
}
