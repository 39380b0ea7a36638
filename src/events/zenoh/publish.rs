//! The sink that publishes. A thread of its own waits for slow networks, so that neither the journal nor the pipeline does.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{Builder, JoinHandle},
};

use ::zenoh::{
    Session, Wait,
    bytes::Encoding,
    qos::{CongestionControl, Priority},
};

use super::ZenohBus;
use crate::events::{
    bus::{BusError, Encoding as Wire},
    keys::{Key, Origin, Topic},
    sink::{EventSink, Head, Recorded},
};

/// Events that may wait for the network. What does not fit is not lost: subscribers see the gap and ask the journal.
const QUEUE: usize = 16_384;
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
    /// Refused by Zenoh; only the journal has them.
    pub failed: u64,
}

#[derive(Debug, Default)]
struct Counters {
    sent: AtomicU64,
    skipped: AtomicU64,
    failed: AtomicU64,
}

enum Outgoing {
    Event(Recorded),
    Heads(Vec<Head>),
}

impl ZenohBus {
    /// A sink that publishes over this session.
    pub fn sink(&self) -> Result<ZenohSink, BusError> {
        let (queue, outgoing) = sync_channel(QUEUE);
        let figures = Arc::new(Counters::default());
        let (session, counted, wire) = (self.session.clone(), Arc::clone(&figures), self.encoding);
        let thread = Builder::new()
            .name(THREAD.into())
            .spawn(move || send_all(&session, wire, &outgoing, &counted))
            .map_err(|e| BusError::Thread(THREAD, e))?;
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
}

impl EventSink for ZenohSink {
    fn publish(&mut self, recorded: &Recorded) {
        if !self.queue(Outgoing::Event(recorded.clone())) {
            self.figures.skipped.fetch_add(1, Ordering::Relaxed);
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

fn send_all(session: &Session, wire: Wire, outgoing: &Receiver<Outgoing>, counters: &Counters) {
    let encoding = match wire {
        Wire::Json => Encoding::APPLICATION_JSON,
        Wire::Cbor => Encoding::APPLICATION_CBOR,
    };
    let encoding = encoding.with_schema(SCHEMA);
    for next in outgoing {
        match next {
            Outgoing::Event(recorded) => match send(session, wire, &encoding, &recorded) {
                Ok(()) => drop(counters.sent.fetch_add(1, Ordering::Relaxed)),
                Err(cause) => {
                    counters.failed.fetch_add(1, Ordering::Relaxed);
                    tracing::warn!(id = %recorded.event.id, %cause, "an event was not published; the journal has it");
                }
            },
            Outgoing::Heads(heads) => heads.iter().for_each(|head| send_head(session, head)),
        }
    }
}

fn send(session: &Session, wire: Wire, encoding: &Encoding, recorded: &Recorded) -> Result<(), String> {
    let key = Key::of(&recorded.event).map_err(|e| e.to_string())?;
    let payload = match wire {
        Wire::Json => recorded.json.as_bytes().to_vec(),
        Wire::Cbor => recorded.event.to_cbor().map_err(|e| e.to_string())?,
    };
    session
        .put(key.to_string(), payload)
        .encoding(encoding.clone())
        .congestion_control(CongestionControl::Block)
        .priority(Priority::DataHigh)
        .wait()
        .map_err(|e| e.to_string())
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
