//! The sink that publishes. A thread of its own waits for slow networks, so that neither the journal nor the pipeline does.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{Builder, JoinHandle},
};

use ::zenoh::{
    Session, Wait,
    bytes::Encoding,
    pubsub::Publisher,
    qos::{CongestionControl, Priority},
};

use super::{ZenohBus, pages::Pages, session::refused};
use crate::events::{
    bus::{BusError, Encoding as Wire},
    keys::{Key, Origin, ROOT, Topic},
    sink::{EventSink, Head, Recorded},
};
use crate::memory::prompt;

/// Events that may wait for the network. What does not fit is not lost: subscribers see the gap and ask the journal.
const QUEUE: usize = 16_384;
/// Batches that are sent before the queue is looked at again.
const AT_ONCE: usize = 64;
/// Schema name behind the media type.
const SCHEMA: &str = "flyball.face.v1";
/// Name of the thread.
const THREAD: &str = "events-zenoh";

/// Publishes events over Zenoh.
pub struct ZenohSink {
    queue: Option<SyncSender<Outgoing>>,
    thread: Option<JoinHandle<()>>,
    figures: Arc<Counters>,
}

/// What went out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ZenohFigures {
    /// Handed to Zenoh.
    pub sent: u64,
    /// Did not fit into the queue; only the journal has them.
    pub skipped: u64,
    /// Refused by Zenoh, alone or in a page; only the journal has them.
    pub failed: u64,
}

#[derive(Debug, Default)]
struct Counters {
    sent: AtomicU64,
    skipped: AtomicU64,
    failed: AtomicU64,
    /// Events in the queue.
    waiting: AtomicUsize,
}

/// What runs on the sink's thread.
struct Sender {
    session: Session,
    wire: Wire,
    encoding: Encoding,
    /// Matched by whoever hears single events of cameras.
    alone: Publisher<'static>,
    counters: Arc<Counters>,
}

enum Outgoing {
    Events(Vec<Recorded>),
    Heads(Vec<Head>),
}

impl ZenohBus {
    /// A sink that publishes over this session.
    pub fn sink(&self) -> Result<ZenohSink, BusError> {
        let (queue, outgoing) = sync_channel(QUEUE);
        let figures = Arc::new(Counters::default());
        let alone = self.session.declare_publisher(format!("{ROOT}/*/*/**")).wait().map_err(refused)?;
        let (session, counters) = (self.session.clone(), Arc::clone(&figures));
        let sender = Sender { session, wire: self.encoding, encoding: encoding(self.encoding), alone, counters };
        let thread = Builder::new().name(THREAD.into()).spawn(move || {
            prompt();
            sender.send_all(&outgoing);
        });
        let thread = thread.map_err(|e| BusError::Thread(THREAD, e))?;
        Ok(ZenohSink { queue: Some(queue), thread: Some(thread), figures })
    }
}

impl ZenohSink {
    /// A function that reads the figures, also after the sink was handed to the outbox.
    pub fn figures(&self) -> impl Fn() -> ZenohFigures + Send + Sync + use<> {
        let counters = Arc::clone(&self.figures);
        move || ZenohFigures {
            sent: counters.sent.load(Ordering::Relaxed),
            skipped: counters.skipped.load(Ordering::Relaxed),
            failed: counters.failed.load(Ordering::Relaxed),
        }
    }

    fn queue(&self, outgoing: Outgoing) -> bool {
        self.queue.as_ref().is_some_and(|queue| queue.try_send(outgoing).is_ok())
    }

    /// Whether these many may wait with the others; then they are counted among them.
    fn has_room(&self, events: usize) -> bool {
        let room = |waiting| Some(waiting + events).filter(|all| *all <= QUEUE);
        self.figures.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room).is_ok()
    }
}

impl EventSink for ZenohSink {
    fn publish(&mut self, recorded: &Recorded) {
        self.publish_all(std::slice::from_ref(recorded));
    }

    fn publish_all(&mut self, batch: &[Recorded]) {
        if batch.is_empty() {
            return;
        }
        if !self.has_room(batch.len()) {
            self.figures.skipped.fetch_add(batch.len() as u64, Ordering::Relaxed);
        } else if !self.queue(Outgoing::Events(batch.to_vec())) {
            self.figures.waiting.fetch_sub(batch.len(), Ordering::Relaxed);
            self.figures.skipped.fetch_add(batch.len() as u64, Ordering::Relaxed);
        }
    }

    fn heartbeat(&mut self, heads: &[Head]) {
        self.queue(Outgoing::Heads(heads.to_vec()));
    }

    fn finish(&mut self) {
        self.queue = None;
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread `{THREAD}` panicked; later events are only in the journal");
        }
    }
}

impl Drop for ZenohSink {
    fn drop(&mut self) {
        self.finish();
    }
}

impl Sender {
    fn send_all(&self, outgoing: &Receiver<Outgoing>) {
        while let Ok(first) = outgoing.recv() {
            let waiting = std::iter::once(first).chain(outgoing.try_iter().take(AT_ONCE - 1));
            let (mut events, mut heads) = (Vec::new(), Vec::new());
            for next in waiting {
                match next {
                    Outgoing::Events(batch) => events.extend(batch),
                    Outgoing::Heads(newest) => heads = newest,
                }
            }
            self.counters.waiting.fetch_sub(events.len(), Ordering::Relaxed);
            self.send_events(&events);
            for head in &heads {
                send_head(&self.session, head);
            }
        }
    }

    /// Pages go first, because single events take longer.
    fn send_events(&self, events: &[Recorded]) {
        let mut pages = Pages::default();
        for recorded in events {
            pages.add(&recorded.event.source, &recorded.json);
        }
        self.counters.failed.fetch_add(pages.send(&self.session), Ordering::Relaxed);
        let alone = self.alone.matching_status().wait().is_ok_and(|status| status.matching());
        for recorded in events {
            self.count(recorded, self.send(recorded, alone));
        }
    }

    /// A camera's event is only sent `alone` if somebody wants that: to find out once a batch costs less than to have each one
    /// find nobody. A node's are few.
    fn send(&self, recorded: &Recorded, alone: bool) -> Result<(), String> {
        let key = Key::of(&recorded.event).map_err(|e| e.to_string())?;
        if !alone && matches!(key.origin, Origin::Camera(..)) {
            return Ok(());
        }
        let payload = match self.wire {
            Wire::Json => recorded.json.as_bytes().to_vec(),
            Wire::Cbor => recorded.event.to_cbor().map_err(|e| e.to_string())?,
        };
        let put = self.session.put(key.to_string(), payload).encoding(self.encoding.clone());
        put.congestion_control(CongestionControl::Block).priority(Priority::DataHigh).wait().map_err(|e| e.to_string())
    }

    fn count(&self, recorded: &Recorded, sent: Result<(), String>) {
        match sent {
            Ok(()) => drop(self.counters.sent.fetch_add(1, Ordering::Relaxed)),
            Err(cause) => {
                self.counters.failed.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(id = %recorded.event.id, %cause, "an event was not published; the journal has it");
            }
        }
    }
}

fn encoding(wire: Wire) -> Encoding {
    let encoding = match wire {
        Wire::Json => Encoding::APPLICATION_JSON,
        Wire::Cbor => Encoding::APPLICATION_CBOR,
    };
    encoding.with_schema(SCHEMA)
}

/// The next heartbeat repeats what this one says, and so it may be dropped.
fn send_head(session: &Session, head: &Head) {
    let Ok(origin) = Origin::from_source(&head.source) else {
        return;
    };
    let text = serde_json::to_vec(head).unwrap_or_default();
    let sent = session
        .put(origin.key(Topic::Head).to_string(), text)
        .encoding(Encoding::APPLICATION_JSON)
        .congestion_control(CongestionControl::Drop)
        .wait();
    if let Err(cause) = sent {
        tracing::debug!(source = head.source, %cause, "a heartbeat was not published");
    }
}
