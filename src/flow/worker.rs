//! The thread that runs a stage: gather a batch, process it, hand it on, until told to end.
//!
//! One of the few places that read a clock. Choosing a batch waits; applying it (`Stage::process`) does not.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    Arrival, Dial, Exit, FrameTraces, Inlet, Lanes, Outlet, ReaderGone, Shutdown, Sink, Stage, StageError,
    StageFigures, Swept,
    trace::{Traced, Turn},
};
use crate::memory::{InFlight, Permits, thread_cpu_time};
use crate::scene::{Frame, Packet};

/// How long a worker waits before it looks whether it should end, and lets time pass for its sink.
const TICK: Duration = Duration::from_millis(100);

/// Where a worker's packets come from.
#[derive(Debug)]
pub enum Feed {
    /// The first stage: it sweeps the lanes, one permit a frame.
    Lanes(Lanes, Permits),
    /// Every other stage.
    Edge(Inlet),
}

/// What a worker does with them.
pub enum Job {
    /// Enrich and hand on, to every outlet.
    Stage(Box<dyn Stage>, Vec<Outlet>),
    /// Consume.
    Sink(Box<dyn Sink>),
}

/// A stage with all it needs to run.
pub struct Worker {
    /// The stage's id; also the thread's name.
    pub name: String,
    /// Where packets come from.
    pub feed: Feed,
    /// What is done with them.
    pub job: Job,
    /// What can be turned while it runs.
    pub dial: Arc<Dial>,
    /// What it counts.
    pub figures: Arc<StageFigures>,
    /// When to end.
    pub shutdown: Shutdown,
    /// Where single frames' turns are written down; `None` writes none.
    pub traces: Option<FrameTraces>,
}

/// What gathering brought.
enum Gathered {
    Batch,
    Nothing,
    Ended,
}

impl Worker {
    /// Runs until the input ends or the end is asked for; a panic of the stage ends this worker only, by name.
    pub fn run(mut self) -> Exit {
        let exit = self.work();
        if let Feed::Lanes(lanes, _) = &self.feed {
            lanes.close();
        }
        exit
    }

    fn work(&mut self) -> Exit {
        let (mut batch, mut frames) = (Vec::new(), Vec::new());
        loop {
            if self.shutdown.is_now() {
                return Exit::Stopped;
            }
            let gathered = gather(&self.feed, &self.dial, &mut frames, &mut batch);
            let exit = match gathered {
                Gathered::Batch => self.apply(&mut batch),
                Gathered::Nothing => self.tick(),
                Gathered::Ended => Some(self.finish()),
            };
            if let Some(exit) = exit {
                return exit;
            }
        }
    }

    fn apply(&mut self, batch: &mut Vec<Packet>) -> Option<Exit> {
        let traced = self.traces.as_ref().map(|traces| traces.pick(batch)).unwrap_or_default();
        let (items, cpu, begun) = (batch.len(), thread_cpu_time(), now());
        let outcome = guarded(|| match &mut self.job {
            Job::Stage(stage, _) => stage.process(batch, begun),
            Job::Sink(sink) => sink.consume(batch, begun).and_then(|()| sink.tick(begun)),
        });
        let ended = now();
        self.figures.add(items, thread_cpu_time().saturating_sub(cpu), ended.duration_since(begun));
        self.trace(&traced, (items, begun, ended), batch);
        match outcome {
            Err(exit) => Some(exit),
            Ok(()) => self.hand_on(batch).err().map(|ReaderGone| Exit::DownstreamGone),
        }
    }

    /// A frame goes on where there is an outlet; elsewhere it ends.
    fn trace(&self, traced: &[Traced], (batch, begun, ended): (usize, Instant, Instant), left: &[Packet]) {
        let Some(traces) = self.traces.as_ref().filter(|_| !traced.is_empty()) else { return };
        let goes_on = matches!(&self.job, Job::Stage(_, outlets) if !outlets.is_empty());
        let is_first = matches!(self.feed, Feed::Lanes(..));
        let turn = Turn { stage: &self.name, is_first, batch, begun, ended };
        traces.write(traced, turn, if goes_on { left } else { &[] });
    }

    /// Every outlet but the last gets a copy without a permit (its queue bounds it); the last one gets the packet itself.
    fn hand_on(&self, batch: &mut Vec<Packet>) -> Result<(), ReaderGone> {
        let Job::Stage(_, outlets) = &self.job else {
            batch.clear();
            return Ok(());
        };
        let Some((trunk, branches)) = outlets.split_last() else {
            batch.clear();
            return Ok(());
        };
        for packet in batch.drain(..) {
            for branch in branches {
                // A side branch whose reader has gone says so itself; the trunk goes on.
                let _gone = branch.send(packet.branched());
            }
            trunk.send(packet)?;
        }
        Ok(())
    }

    fn tick(&mut self) -> Option<Exit> {
        let Job::Sink(sink) = &mut self.job else { return None };
        guarded(|| sink.tick(now())).err()
    }

    fn finish(&mut self) -> Exit {
        let outcome = guarded(|| match &mut self.job {
            Job::Stage(stage, _) => stage.finish(),
            Job::Sink(sink) => sink.finish(),
        });
        outcome.err().unwrap_or(Exit::Finished)
    }
}

/// Waits for a first packet, then lingers for more while the batch is not full.
fn gather(feed: &Feed, dial: &Dial, frames: &mut Vec<Frame>, batch: &mut Vec<Packet>) -> Gathered {
    let most = dial.max_batch();
    let first = more(feed, most, now() + TICK, frames, batch);
    if !matches!(first, Gathered::Batch) {
        return first;
    }
    let patience = now() + dial.linger();
    while batch.len() < most {
        match more(feed, most - batch.len(), patience, frames, batch) {
            Gathered::Batch => {}
            Gathered::Nothing | Gathered::Ended => break,
        }
    }
    Gathered::Batch
}

/// Adds up to `most` packets to the batch, waiting until `deadline` for the first.
fn more(feed: &Feed, most: usize, deadline: Instant, frames: &mut Vec<Frame>, batch: &mut Vec<Packet>) -> Gathered {
    match feed {
        Feed::Lanes(lanes, permits) => sweep(lanes, permits, most, deadline, frames, batch),
        Feed::Edge(inlet) => match inlet.receive(deadline) {
            Arrival::Packet(packet) => {
                batch.push(packet);
                Gathered::Batch
            }
            Arrival::Nothing => Gathered::Nothing,
            Arrival::Ended => Gathered::Ended,
        },
    }
}

/// Permits first, frames second: the frame taken is then the newest there is at the moment it can be worked on.
fn sweep(
    lanes: &Lanes,
    permits: &Permits,
    most: usize,
    deadline: Instant,
    frames: &mut Vec<Frame>,
    batch: &mut Vec<Packet>,
) -> Gathered {
    let Some(first) = permits.take_within(deadline.saturating_duration_since(now())) else {
        return Gathered::Nothing;
    };
    let mut held: Vec<InFlight> =
        std::iter::once(first).chain(std::iter::from_fn(|| permits.try_take())).take(most).collect();
    let swept = lanes.sweep(held.len(), deadline, now, frames);
    for frame in frames.drain(..) {
        if let Some(permit) = held.pop() {
            batch.push(Packet::new(frame, permit));
        }
    }
    match swept {
        Swept::Frames => Gathered::Batch,
        Swept::Nothing => Gathered::Nothing,
        Swept::Ended => Gathered::Ended,
    }
}

/// Runs a stage's own code; its panic becomes an exit with the panic's message.
fn guarded(code: impl FnOnce() -> Result<(), StageError>) -> Result<(), Exit> {
    match catch_unwind(AssertUnwindSafe(code)) {
        Ok(outcome) => outcome.map_err(Exit::Failed),
        Err(panic) => Err(Exit::Panicked(panic_message(panic.as_ref()))),
    }
}

/// The text of a panic, as far as it has one.
pub fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic without a message".to_owned())
}

#[allow(clippy::disallowed_methods, reason = "the worker is one of the rooms that read a clock")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
#[path = "worker_tests.rs"]
mod tests;
