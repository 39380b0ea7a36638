//! Where numbered events go: memory, lines of text, Zenoh. All alike, so that they combine.

use std::{
    io::Write,
    sync::{Arc, Mutex, PoisonError},
};

use serde::{Deserialize, Serialize, ser::Error as _};

use super::wire::Event;

/// Bytes that hold nearly every event's JSON without growing.
const USUAL: usize = 2_048;

/// A numbered event with its JSON text, made once and shared by every sink.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The event.
    pub event: Arc<Event>,
    /// The same as JSON, in one line.
    pub json: Arc<str>,
}

/// How far a camera's or node's events have come; told to sinks about once a second.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The CloudEvents `source` of its events.
    pub source: String,
    /// Newest sequence number.
    pub sequence: u64,
    /// The journal that counts.
    pub epoch: uuid::Uuid,
    /// Whether there is a journal to ask for what was missed.
    #[serde(default = "yes")]
    pub kept: bool,
}

fn yes() -> bool {
    true
}

/// Takes numbered events. Called from one thread, in order; must not wait for anybody.
pub trait EventSink: Send {
    /// Hands one event on. What cannot be handed on is counted by the sink; the journal still has it.
    fn publish(&mut self, recorded: &Recorded);

    /// Hands on what came together.
    fn publish_all(&mut self, batch: &[Recorded]) {
        for recorded in batch {
            self.publish(recorded);
        }
    }

    /// Time passes: a sink may say how far the numbering is.
    fn heartbeat(&mut self, _heads: &[Head]) {}

    /// Called once at the end, before the sink is dropped: hand over what still waits.
    fn finish(&mut self) {}
}

/// Keeps every event in memory: for tests and for the terminal view. Clones share the events.
#[derive(Clone, Debug, Default)]
pub struct MemoryBus {
    events: Arc<Mutex<Vec<Recorded>>>,
}

/// One JSON event a line, to any writer: `--events -`.
pub struct LineSink<W: Write + Send> {
    out: W,
    failed: bool,
}

/// Hands every event to a function: for a live view or a metric.
pub struct CallSink<F: FnMut(&Recorded) + Send>(pub F);

impl Recorded {
    /// Writes the event down.
    pub fn new(event: Event) -> Result<Self, serde_json::Error> {
        Self::written_in(&mut Vec::with_capacity(USUAL), event)
    }

    /// The same, in a buffer that is only lent: not every event needs one of its own.
    pub(super) fn written_in(buffer: &mut Vec<u8>, event: Event) -> Result<Self, serde_json::Error> {
        buffer.clear();
        serde_json::to_writer(&mut *buffer, &event)?;
        let json = std::str::from_utf8(buffer).map_err(serde_json::Error::custom)?;
        Ok(Self { json: Arc::from(json), event: Arc::new(event) })
    }
}

impl MemoryBus {
    /// Everything published so far, in order.
    pub fn events(&self) -> Vec<Arc<Event>> {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.iter().map(|r| Arc::clone(&r.event)).collect()
    }

    /// Takes everything published since the last call.
    pub fn take(&self) -> Vec<Recorded> {
        std::mem::take(&mut *self.events.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl EventSink for MemoryBus {
    fn publish(&mut self, recorded: &Recorded) {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).push(recorded.clone());
    }
}

impl<W: Write + Send> LineSink<W> {
    /// Writes to `out`, one event a line, flushed after each.
    pub fn new(out: W) -> Self {
        Self { out, failed: false }
    }
}

impl<W: Write + Send> EventSink for LineSink<W> {
    /// A reader that went away (a closed pipe) is said once and then left alone; analysis goes on.
    fn publish(&mut self, recorded: &Recorded) {
        if self.failed {
            return;
        }
        let written = writeln!(self.out, "{}", recorded.json).and_then(|()| self.out.flush());
        if let Err(cause) = written {
            self.failed = true;
            tracing::warn!(%cause, "event lines are not read any more; no further ones are written");
        }
    }
}

impl<F: FnMut(&Recorded) + Send> EventSink for CallSink<F> {
    fn publish(&mut self, recorded: &Recorded) {
        (self.0)(recorded);
    }
}
