//! A graph of running threads: how it starts, how it is watched, how it ends.
//!
//! One named thread a stage and a camera. Cameras may come and go; the graph of stages is fixed for a run. When a stage
//! ends for a bad reason the whole graph ends, named; a camera that ends takes nobody with it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread::{Builder, JoinHandle},
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::{
    Board, CameraError, Cameras,
    cameras::Thinning,
    wiring::{Ends, Stations, wire},
};
use crate::flow::{Dial, Drops, Exit, FrameTraces, Lanes, Latency, ShutdownSwitch, StageFigures, Worker, shutdown};
use crate::media::CameraInput;
use crate::memory::Permits;

/// Stages end in some order; this many endings can wait to be heard.
const ENDINGS: usize = 256;

/// A stage ended: its id, and how.
type Ending = (String, Exit);

/// One stage as seen from outside.
#[derive(Clone, Debug)]
pub struct StageHandle {
    /// The stage's id in the pipeline file.
    pub id: String,
    /// What can be turned.
    pub dial: Arc<Dial>,
    /// What it counted.
    pub figures: Arc<StageFigures>,
}

/// A running graph.
pub struct Running {
    /// Stages in graph order.
    pub stages: Vec<StageHandle>,
    /// Who is where, how cameras fare.
    pub board: Arc<Board>,
    /// What was thrown away.
    pub drops: Drops,
    /// Capture to the end of the graph.
    pub latency: Arc<Latency>,
    /// The lanes in front of the first stage.
    pub lanes: Lanes,
    /// How many frames may be in flight.
    pub permits: Permits,
    /// The same latency as in `latency`, for the steering thread alone, which takes it away window by window.
    pub(super) recent: Arc<Latency>,
    /// Capture to the end of the graph since an onlooker last took it.
    pub shown: Arc<Latency>,
    /// Traces of single frames, if they are asked for.
    pub traces: Option<FrameTraces>,
    /// How many of the cameras' frames are taken.
    pub(super) thinning: Thinning,
    faces: Arc<AtomicU64>,
    switch: ShutdownSwitch,
    endings: (Sender<Ending>, Receiver<Ending>),
    workers: Vec<(String, JoinHandle<()>)>,
    cameras: Cameras,
    failure: Option<String>,
}

/// How a run ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Why it failed; `None` when it ended because it was asked to, or because its input was over.
    pub failure: Option<String>,
    /// Every camera was given up without one picture: what they were given is wrong, not what was done with it.
    pub no_picture: bool,
    /// Threads that did not end in time and were left behind.
    pub left_behind: Vec<String>,
}

/// Why a graph could not be started.
#[derive(Debug, thiserror::Error)]
#[error("cannot start a thread for {what}: {cause}; raise the limit on processes (ulimit -u)")]
pub struct StartError {
    what: String,
    cause: std::io::Error,
}

impl Running {
    /// Starts the stages; cameras are added afterwards.
    pub fn start(
        stations: Stations,
        in_flight: usize,
        board: Arc<Board>,
        traces: Option<FrameTraces>,
    ) -> Result<Self, StartError> {
        let (switch, shutdown) = shutdown();
        let drops = Drops::default();
        let (lanes, permits) = (Lanes::new(&drops), Permits::new(in_flight));
        let ends = Ends::default();
        let stages = stations.handles();
        let workers = wire(stations, &lanes, &permits, &drops, &ends, (&shutdown, traces.as_ref()));
        let thinning = Thinning::default();
        let mut running = Self {
            cameras: Cameras::new(&lanes, &drops, &thinning, &board),
            stages,
            board,
            drops,
            latency: ends.latency,
            recent: ends.recent,
            shown: ends.shown,
            traces,
            thinning,
            faces: ends.faces,
            lanes,
            permits,
            switch,
            endings: bounded(ENDINGS),
            workers: Vec::new(),
            failure: None,
        };
        workers.into_iter().try_for_each(|worker| running.start_worker(worker))?;
        Ok(running)
    }

    fn start_worker(&mut self, worker: Worker) -> Result<(), StartError> {
        let (name, endings) = (worker.name.clone(), self.endings.0.clone());
        let told = name.clone();
        let thread = Builder::new().name(name.clone()).spawn(move || {
            let exit = worker.run();
            // The receiver lives as long as `Running`; when that is gone nobody cares how this thread ended.
            let _unheard = endings.send((told, exit));
        });
        let thread = thread.map_err(|cause| StartError { what: format!("stage {name}"), cause })?;
        self.workers.push((name, thread));
        Ok(())
    }

    /// Adds a camera to the running graph.
    pub fn add_camera(&self, input: CameraInput) -> Result<(), CameraError> {
        self.cameras.add_input(input)
    }

    /// A handle on the cameras, to add and remove some from any thread while the graph runs.
    pub fn cameras(&self) -> Cameras {
        self.cameras.clone()
    }

    /// Faces seen so far, over all frames.
    pub fn faces(&self) -> u64 {
        self.faces.load(Ordering::Relaxed)
    }

    /// No camera will be added any more: when all have ended, so does the graph.
    pub fn seal(&self) {
        self.lanes.seal();
    }

    /// Asks for the end: first call drains, second call abandons what is in flight.
    pub fn stop(&self) {
        self.cameras.close();
        if self.switch.draining() {
            self.switch.now();
        } else {
            self.switch.drain();
            self.lanes.seal();
        }
    }

    /// Waits up to `patience` for a stage to end, and draws the consequences. False once everything has ended.
    pub fn watch(&mut self, patience: Duration) -> bool {
        if let Ok((id, exit)) = self.endings.1.recv_timeout(patience) {
            self.stage_ended(&id, exit);
        }
        let stages = self.workers.iter().any(|(_, thread)| !thread.is_finished());
        stages || self.cameras.any_running() || !self.endings.1.is_empty()
    }

    /// The table of consequences: a stage that failed or panicked takes the graph down. A camera takes nobody with it; but
    /// a run all of whose cameras were given up has failed, in whatever order they ended.
    fn stage_ended(&mut self, id: &str, exit: Exit) {
        let why = match exit {
            Exit::Finished | Exit::Stopped | Exit::DownstreamGone => return,
            Exit::Failed(cause) => format!("stage {id} failed: {cause}"),
            Exit::Panicked(text) => format!("stage {id} panicked: {text}"),
        };
        tracing::error!("{why}");
        self.failure.get_or_insert(why);
        self.abandon();
        self.lanes.close();
    }

    fn abandon(&self) {
        self.switch.now();
        self.cameras.close();
    }

    /// Waits for every thread until `deadline`, then leaves behind whoever has not ended.
    pub fn finish(mut self, deadline: Instant, clock: impl Fn() -> Instant) -> Outcome {
        while self.watch(Duration::from_millis(20)) {
            if clock() >= deadline {
                self.abandon();
                break;
            }
        }
        self.cameras.close();
        let given_up = self.cameras.all_given_up();
        let no_picture = given_up.is_some() && self.board.frames() == 0;
        let (ended, late): (Vec<_>, Vec<_>) = self.workers.drain(..).partition(|(_, thread)| thread.is_finished());
        for (_, thread) in ended {
            // A worker's panic was caught and told as its exit; there is nothing more to learn here.
            let _told = thread.join();
        }
        let late = late.into_iter().map(|(name, _)| name);
        Outcome {
            failure: self.failure.take().or(given_up),
            no_picture,
            left_behind: late.chain(self.cameras.finish()).collect(),
        }
    }
}

impl Drop for Running {
    /// Handles on the cameras may live longer than the graph; the cameras must not.
    fn drop(&mut self) {
        self.cameras.close();
    }
}
