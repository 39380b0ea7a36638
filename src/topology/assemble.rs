//! Opens what a deployment needs (models, gallery, events), builds its stages, and starts the graph with its cameras.

use std::{fs::File, sync::Arc, time::Instant};

use super::{
    Board, Couriers, Graph, Outcome, Running,
    delivery::{self, Delivery},
    gate::{Gate, is_live},
    herald::Herald,
    inputs::camera_input,
    models::ModelRoom,
    steer::{self, Equipment, InForce, Steering},
    store::open_in_its_folder,
    tracing::{self as frames, Tracing},
    workshop::Workshop,
};
use crate::config::Deployment;
use crate::events::{EventSink, OutboxFigures, journal::JournalReader};
use crate::gallery::Gallery;
use crate::inference::RunLog;

/// Why a deployment could not be started.
#[derive(Debug, thiserror::Error)]
pub enum AssembleError {
    /// Something it needs is missing or not right; the message says how to get it.
    #[error("{0}")]
    Missing(String),
    /// What is written does not work.
    #[error("{0}")]
    Bad(String),
    /// The machine refused.
    #[error("{0}")]
    Failed(String),
}

impl AssembleError {
    #[allow(clippy::needless_pass_by_value, reason = "so that it can be given to map_err")]
    pub(super) fn missing(cause: impl ToString) -> Self {
        Self::Missing(cause.to_string())
    }

    #[allow(clippy::needless_pass_by_value, reason = "so that it can be given to map_err")]
    pub(super) fn bad(cause: impl ToString) -> Self {
        Self::Bad(cause.to_string())
    }

    #[allow(clippy::needless_pass_by_value, reason = "so that it can be given to map_err")]
    pub(super) fn failed(cause: impl ToString) -> Self {
        Self::Failed(cause.to_string())
    }
}

/// A deployment that runs.
pub struct Assembly {
    /// The graph's threads.
    pub running: Running,
    /// The people known, for display names.
    pub gallery: Option<Arc<Gallery>>,
    /// What the networks ran.
    pub runs: RunLog,
    /// Events of the past, for as far as the journal reaches; `None` without one.
    pub history: Option<JournalReader>,
    /// What carries events to webhooks and brokers.
    pub couriers: Couriers,
    /// Keeps it within its budget; `None` when the governor is off.
    pub steering: Option<Steering>,
    gate: Gate,
    delivery: Delivery,
    tracing: Tracing,
}

/// How an assembly ended.
#[derive(Debug)]
pub struct Ended {
    /// How the graph ended.
    pub outcome: Outcome,
    /// What became of its events.
    pub events: OutboxFigures,
}

/// Opens and starts everything. `taps` get every event beside the sinks that the deployment names.
pub fn assemble(
    deployment: &Deployment,
    graph: &Graph,
    taps: Vec<Box<dyn EventSink>>,
) -> Result<Assembly, AssembleError> {
    assemble_recorded(deployment, graph, taps, None)
}

/// The same; what the governor reads and plans is written to `record`.
pub fn assemble_recorded(
    deployment: &Deployment,
    graph: &Graph,
    taps: Vec<Box<dyn EventSink>>,
    record: Option<File>,
) -> Result<Assembly, AssembleError> {
    let gallery = open_gallery(deployment)?;
    let (delivery, postbox) = delivery::open(deployment, taps)?;
    let runs = RunLog::default();
    let room = ModelRoom::open(deployment, runs.clone());
    let in_force = Arc::new(InForce::default());
    let mut shop = Workshop { deployment, gallery: gallery.clone(), room, postbox, in_force: Arc::clone(&in_force) };
    let stations = shop.stations(graph)?;
    let Workshop { room, postbox, .. } = shop;
    let in_flight = deployment.flow.in_flight as usize;
    let tracing = frames::open(deployment, &in_force)?;
    let running = Running::start(stations, in_flight, Arc::new(Board::default()), tracing.frames.clone())
        .map_err(AssembleError::failed)?;
    let site = delivery::place(&deployment.site)?;
    let presence = delivery.presence(&site, &delivery::place(&deployment.node)?);
    running.cameras().tell_subscribers(Herald { postbox: postbox.clone(), site }, presence);
    let gate = Gate::new(running.cameras(), &running.lanes, &running.board, deployment.governor.admission);
    let kept = steer::keeps_the_gate(deployment, &room);
    for camera in &deployment.cameras {
        let input = camera_input(camera, running.cameras().doors()).map_err(AssembleError::bad)?;
        if kept && is_live(&camera.source) {
            gate.wait(camera, input);
        } else {
            running.add_camera(input).map_err(AssembleError::failed)?;
        }
    }
    gate.seal_if_empty();
    let publish = delivery.state_publisher(deployment)?;
    let with = Equipment {
        deployment,
        graph,
        room: &room,
        runs: runs.clone(),
        postbox,
        gate: gate.clone(),
        in_force,
        publish,
        record,
    };
    let steering = steer::start(with, &running)?;
    if kept && steering.is_some() {
        running.cameras().wait_at(&gate);
    }
    let history = delivery.history.clone();
    let couriers = delivery.couriers.clone();
    Ok(Assembly { running, gallery, runs, history, couriers, steering, gate, delivery, tracing })
}

impl Assembly {
    /// Drains the graph until `deadline`, then the outbox.
    pub fn finish(self, deadline: Instant, clock: impl Fn() -> Instant) -> Ended {
        let refused = self.gate.all_refused();
        let mut outcome = self.running.finish(deadline, clock);
        outcome.failure = outcome.failure.or(refused);
        if let Some(steering) = self.steering {
            steering.stop();
        }
        self.tracing.finish();
        // Threads left behind hold a postbox, and the outbox waits for all of them: then its figures have to do.
        let outbox = self.delivery.outbox;
        let events = if outcome.left_behind.is_empty() { outbox.finish() } else { outbox.figures() };
        Ended { outcome, events }
    }
}

fn open_gallery(deployment: &Deployment) -> Result<Option<Arc<Gallery>>, AssembleError> {
    let Some(path) = &deployment.gallery.path else { return Ok(None) };
    open_in_its_folder(path).map(|gallery| Some(Arc::new(gallery)))
}
