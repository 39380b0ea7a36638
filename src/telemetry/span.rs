//! One step of one frame, as tracing tools show it, and the bounded queue to whoever sends it away.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

/// Spans that can wait to be sent: a second of a busy machine. When it is full, spans are lost and counted, frames are not.
const WAITING: usize = 4096;

/// One step of one frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// The frame it belongs to: the same on all its steps.
    pub trace: u128,
    /// This step.
    pub id: u64,
    /// The step it is part of; `None` for the frame as a whole.
    pub parent: Option<u64>,
    /// What was done.
    pub name: String,
    /// When it began.
    pub begun: SystemTime,
    /// When it ended.
    pub ended: SystemTime,
    /// What else is known about it.
    pub facts: Vec<(&'static str, Fact)>,
}

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// Words.
    Text(String),
    /// A number.
    Number(u64),
}

/// What became of spans so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpanCounts {
    /// The receiver has them.
    pub sent: u64,
    /// Nobody has them: the queue was full, or the receiver did not take them.
    pub lost: u64,
}

/// The way to the sender. Clones lead to the same one.
#[derive(Clone, Debug)]
pub struct SpanQueue {
    spans: Sender<Span>,
    sent: Arc<AtomicU64>,
    lost: Arc<AtomicU64>,
}

impl SpanQueue {
    /// A queue and its far end.
    pub fn new() -> (Self, Receiver<Span>) {
        let (spans, far_end) = bounded(WAITING);
        (Self { spans, sent: Arc::default(), lost: Arc::default() }, far_end)
    }

    /// Puts a span in, or counts it as lost; never waits.
    pub fn put(&self, span: Span) {
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) = self.spans.try_send(span) {
            self.count(0, 1);
        }
    }

    /// What became of them.
    pub fn counts(&self) -> SpanCounts {
        SpanCounts { sent: self.sent.load(Ordering::Relaxed), lost: self.lost.load(Ordering::Relaxed) }
    }

    pub(super) fn count(&self, sent: u64, lost: u64) {
        self.sent.fetch_add(sent, Ordering::Relaxed);
        self.lost.fetch_add(lost, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_loses_spans_and_counts_them() {
        let (queue, far_end) = SpanQueue::new();
        let time = SystemTime::UNIX_EPOCH;
        let span =
            Span { trace: 1, id: 2, parent: None, name: "x".into(), begun: time, ended: time, facts: Vec::new() };
        (0..WAITING + 3).for_each(|_| queue.put(span.clone()));
        assert_eq!((far_end.len(), queue.counts()), (WAITING, SpanCounts { sent: 0, lost: 3 }));
        drop(far_end);
        queue.put(span);
        assert_eq!(queue.counts().lost, 4, "nobody sends any more");
    }
}
