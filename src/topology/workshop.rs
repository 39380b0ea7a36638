//! Builds the stages of a pipeline, with the models and the people they ask for. Next: [`assemble`](super::assemble), which
//! starts them.

use std::{sync::Arc, time::Duration};

use uuid::Uuid;

use super::{
    AssembleError, Graph, Node, Queue, Station, Stations, Work, delivery, models::ModelRoom, people::FromGallery,
    steer::InForce,
};
use crate::config::Deployment;
use crate::events::{Postbox, wire::PipelineRef};
use crate::flow::Dial;
use crate::gallery::Gallery;
use crate::inference::SHAPES;
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

/// Builds stages.
pub(super) struct Workshop<'a> {
    pub(super) deployment: &'a Deployment,
    pub(super) gallery: Option<Arc<Gallery>>,
    pub(super) room: ModelRoom,
    pub(super) postbox: Postbox,
    pub(super) in_force: Arc<InForce>,
}

impl Workshop<'_> {
    /// One station a node. Sinks come last, since what they say of the models is known once those are loaded.
    pub(super) fn stations(&mut self, graph: &Graph) -> Result<Stations, AssembleError> {
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
