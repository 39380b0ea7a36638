//! Edges between stages: who reads from whom, through which queue. The first station reads the lanes.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use super::run::StageHandle;
use crate::flow::{
    Dial, Drops, Facts, Feed, FrameTraces, Inlet, Job, Lanes, Latency, Outlet, Shutdown, Sink, Stage, StageError,
    StageFigures, WhenFull, Worker, edge,
};
use crate::memory::Permits;
use crate::scene::Packet;

/// What stands at a station.
pub enum Work {
    /// A stage, which hands on.
    Stage(Box<dyn Stage>),
    /// A sink, where packets end.
    Sink(Box<dyn Sink>),
}

/// The queue in front of a station.
#[derive(Clone, Copy, Debug)]
pub struct Queue {
    /// Packets it holds.
    pub capacity: usize,
    /// What happens when it is full.
    pub when_full: WhenFull,
}

/// One stage of the graph, ready to run.
pub struct Station {
    /// Its id in the pipeline file.
    pub id: String,
    /// Indices of the stations it reads from, each smaller than its own; none means it reads the lanes.
    pub after: Vec<usize>,
    /// The queue between the two.
    pub queue: Queue,
    /// What can be turned while it runs.
    pub dial: Arc<Dial>,
    /// What it does.
    pub work: Work,
}

/// All stations in graph order.
pub struct Stations(Vec<(Station, Arc<StageFigures>)>);

impl Stations {
    /// Stations in graph order: each one's `after` comes before it.
    pub fn new(stations: Vec<Station>) -> Self {
        Self(stations.into_iter().map(|station| (station, Arc::default())).collect())
    }

    pub(super) fn handles(&self) -> Vec<StageHandle> {
        let handle = |(station, figures): &(Station, Arc<StageFigures>)| StageHandle {
            id: station.id.clone(),
            dial: Arc::clone(&station.dial),
            figures: Arc::clone(figures),
        };
        self.0.iter().map(handle).collect()
    }
}

/// What is counted where packets end.
#[derive(Clone, Debug, Default)]
pub(super) struct Ends {
    /// From a packet's arrival until the sink was done with it.
    pub(super) latency: Arc<Latency>,
    /// The same, for whoever looks at the last moments only.
    pub(super) recent: Arc<Latency>,
    /// The same for onlookers, who read it less often.
    pub(super) shown: Arc<Latency>,
    /// Faces on all packets.
    pub(super) faces: Arc<AtomicU64>,
}

/// Connects the stations; what comes out is ready to run, one worker a thread.
pub(super) fn wire(
    stations: Stations,
    lanes: &Lanes,
    permits: &Permits,
    drops: &Drops,
    ends: &Ends,
    (shutdown, traces): (&Shutdown, Option<&FrameTraces>),
) -> Vec<Worker> {
    let (mut outlets, mut feeds) = (vec![Vec::new(); stations.0.len()], Vec::new());
    for (station, _) in &stations.0 {
        feeds.push(if station.after.is_empty() {
            Feed::Lanes(lanes.clone(), permits.clone())
        } else {
            Feed::Edge(connect(station, &mut outlets, drops))
        });
    }
    let ready = stations.0.into_iter().zip(feeds).zip(outlets);
    ready
        .map(|(((station, figures), feed), outlets)| Worker {
            name: station.id,
            feed,
            job: job(station.work, outlets, ends),
            dial: station.dial,
            figures,
            shutdown: shutdown.clone(),
            traces: traces.cloned(),
        })
        .collect()
}

/// A blocking edge goes last among its writer's outlets: it is the trunk, which gets the packet itself and its permit.
fn connect(station: &Station, outlets: &mut [Vec<Outlet>], drops: &Drops) -> Inlet {
    let (outlet, inlet) = edge(&station.id, station.queue.capacity, station.queue.when_full, drops);
    for &before in &station.after {
        let at = if station.queue.when_full == WhenFull::Block { outlets[before].len() } else { 0 };
        outlets[before].insert(at, outlet.clone());
    }
    inlet
}

fn job(work: Work, outlets: Vec<Outlet>, ends: &Ends) -> Job {
    match work {
        Work::Stage(stage) => Job::Stage(stage, outlets),
        Work::Sink(sink) => Job::Sink(Box::new(Timed { sink, ends: ends.clone() })),
    }
}

/// Records how long each packet took from its arrival until the sink was done with it.
struct Timed {
    sink: Box<dyn Sink>,
    ends: Ends,
}

impl Sink for Timed {
    fn needs(&self) -> Facts {
        self.sink.needs()
    }

    fn consume(&mut self, batch: &mut Vec<Packet>, now: Instant) -> Result<(), StageError> {
        for packet in batch.iter() {
            self.ends.faces.fetch_add(packet.faces.len() as u64, Ordering::Relaxed);
            let latency = now.saturating_duration_since(packet.frame.captured.arrived);
            self.ends.latency.record(latency);
            self.ends.recent.record(latency);
            self.ends.shown.record(latency);
        }
        self.sink.consume(batch, now)
    }

    fn tick(&mut self, now: Instant) -> Result<(), StageError> {
        self.sink.tick(now)
    }

    fn finish(&mut self) -> Result<(), StageError> {
        self.sink.finish()
    }
}
