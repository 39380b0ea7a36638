//! Opens what a deployment needs (models, gallery, events), builds its stages, and starts the graph with its cameras.

use std::{
    fs::File,
    sync::Arc,
    time::{Duration, Instant},
};

use uuid::Uuid;

use super::{
    Board, Couriers, Graph, Node, Outcome, Queue, Running, Station, Stations, Work,
    delivery::{self, Delivery},
    gate::{Gate, is_live},
    herald::Herald,
    inputs::camera_input,
    models::ModelRoom,
    people::FromGallery,
    steer::{self, Equipment, InForce, Steering},
    store::open_in_its_folder,
    tracing::{self as frames, Tracing},
};
use crate::config::Deployment;
use crate::events::{EventSink, OutboxFigures, Postbox, journal::JournalReader, wire::PipelineRef};
use crate::flow::Dial;
use crate::gallery::Gallery;
use crate::inference::{RunLog, SHAPES};
use crate::stages::{
    StageConfig,
    blink::Blink,
    classify::{self, Classify},
    deepfake::Deepfake,
    detect::Detect,
    liveness::Liveness,
    moderate::Moderate,
    publish::{Provenance, Publish, Surroundings},
    recognize::{self, Recognize},
    track::Track,
};

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
    let room = ModelRoom::open(&deployment.models, runs.clone());
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

/// Builds stages.
struct Workshop<'a> {
    deployment: &'a Deployment,
    gallery: Option<Arc<Gallery>>,
    room: ModelRoom,
    postbox: Postbox,
    in_force: Arc<InForce>,
}

impl Workshop<'_> {
    /// One station a node. Sinks come last, since what they say of the models is known once those are loaded.
    fn stations(&mut self, graph: &Graph) -> Result<Stations, AssembleError> {
        let mut built: Vec<_> = graph.nodes().iter().map(|_| None).collect();
        for sinks in [false, true] {
            for (index, node) in graph.nodes().iter().enumerate().filter(|(_, node)| node.is_sink == sinks) {
                built[index] = Some(self.station(node)?);
            }
        }
        Ok(Stations::new(built.into_iter().flatten().collect()))
    }

    fn station(&mut self, node: &Node) -> Result<Station, AssembleError> {
        let (max_batch, linger) = batching(&node.config);
        let dial = Arc::new(Dial::new(max_batch, linger));
        let work = self.work(node, &dial)?;
        let queue = Queue { capacity: node.edge.capacity as usize, when_full: node.edge.when_full };
        Ok(Station { id: node.id.clone(), after: node.inputs.clone(), queue, dial, work })
    }

    /// The one place where a kind of stage becomes a stage.
    fn work(&mut self, node: &Node, dial: &Arc<Dial>) -> Result<Work, AssembleError> {
        let dial = Arc::clone(dial);
        Ok(match &node.config {
            StageConfig::Detect(c) => {
                let detector = self.room.detector(&node.id, &c.model, c.variant.as_deref(), c.score_threshold)?;
                Work::Stage(Box::new(Detect::new(c, detector, dial)))
            }
            StageConfig::Track(c) => Work::Stage(Box::new(Track::new(c.clone()))),
            StageConfig::Recognize(c) => Work::Stage(Box::new(self.recognize(node, c, dial)?)),
            StageConfig::Liveness(c) => {
                let judge = self.room.judge(&node.id, &c.model, c.variant.as_deref())?;
                Work::Stage(Box::new(Liveness::new(c.clone(), judge, dial)))
            }
            StageConfig::Blink(c) => {
                let eyes = self.room.eyes(&node.id, &c.landmarks, &c.eyes)?;
                Work::Stage(Box::new(Blink::new(c.clone(), eyes, dial)))
            }
            StageConfig::Classify(c) => Work::Stage(Box::new(self.classify(node, c, dial)?)),
            StageConfig::Deepfake(c) => {
                let judge = self.room.judge(&node.id, &c.model, c.variant.as_deref())?;
                Work::Stage(Box::new(Deepfake::new(c.clone(), judge, dial)))
            }
            StageConfig::Moderate(c) => {
                let content = self.room.content(&node.id, &c.model, c.variant.as_deref())?;
                Work::Stage(Box::new(Moderate::new(c.clone(), content, dial).map_err(AssembleError::bad)?))
            }
            StageConfig::Publish(c) => Work::Sink(Box::new(Publish::new(c, self.surroundings()?))),
        })
    }

    fn recognize(
        &mut self,
        node: &Node,
        config: &recognize::Config,
        dial: Arc<Dial>,
    ) -> Result<Recognize, AssembleError> {
        let embedder = self.room.embedder(&node.id, &config.model, config.variant.as_deref())?;
        let spaces = self.room.spaces(&config.model);
        if let Some(gallery) = &self.gallery {
            warn_of_missing(gallery, &spaces, &config.model);
        }
        let people = FromGallery::new(self.gallery.clone(), spaces);
        Ok(Recognize::new(config, embedder, Box::new(people), dial))
    }

    fn classify(&mut self, node: &Node, c: &classify::Config, dial: Arc<Dial>) -> Result<Classify, AssembleError> {
        let models = [c.age.as_deref(), c.gender.as_deref(), c.pose.as_deref()];
        if models.iter().all(Option::is_none) {
            let hint = "name a model: age = \"age\", gender = \"gender\" or pose = \"head_pose\"";
            return Err(AssembleError::bad(format!("stage `{}` asks nothing: {hint}", node.id)));
        }
        Ok(Classify::new(c.clone(), self.room.describers(&node.id, models)?, dial))
    }

    fn surroundings(&self) -> Result<Surroundings, AssembleError> {
        let pipeline = &self.deployment.pipeline;
        let pipeline = PipelineRef { name: pipeline.name.clone(), revision: pipeline.version.clone() };
        let (models, in_force) = (self.room.provenance(), Arc::clone(&self.in_force));
        Ok(Surroundings {
            site: delivery::place(&self.deployment.site)?,
            postbox: self.postbox.clone(),
            fresh_id: Box::new(Uuid::now_v7),
            provenance: Arc::new(move || Provenance {
                pipeline: pipeline.clone(),
                models: models(),
                governor: in_force.stamp(),
            }),
            observer: None,
        })
    }
}

/// How a stage's worker gathers: detect batches across cameras, the others take what has queued up.
fn batching(config: &StageConfig) -> (usize, Duration) {
    match config {
        StageConfig::Detect(c) => (c.max_batch, c.linger),
        StageConfig::Recognize(c) => (c.max_batch, Duration::ZERO),
        StageConfig::Blink(c) => (c.max_batch, Duration::ZERO),
        StageConfig::Liveness(c) => (c.max_batch, Duration::ZERO),
        StageConfig::Classify(c) => (c.max_batch, Duration::ZERO),
        StageConfig::Moderate(c) => (c.max_batch, Duration::ZERO),
        StageConfig::Deepfake(_) | StageConfig::Track(_) | StageConfig::Publish(_) => (1, Duration::ZERO),
    }
}

fn warn_of_missing(gallery: &Gallery, spaces: &[crate::vision::SpaceInfo], model: &str) {
    for space in spaces {
        let missing = gallery.missing(&space.name);
        if !missing.is_empty() && model != SHAPES {
            let people: Vec<_> = missing.iter().map(|person| person.id.to_string()).collect();
            tracing::warn!(space = %space.name, ?people, "enrolled with another model: unknown to this one until enrolled again");
        }
    }
}
