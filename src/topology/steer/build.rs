//! Puts a steersman together from what a deployment asks for and what runs.

use std::{collections::BTreeMap, fs::File, io::BufWriter, sync::Arc};

use super::{
    Hands, InForce, Instruments, Publish, Shown, Steered, Steering, Steersman, Subject, Teller, gpu_number,
    learned::{lessons_beside, recall},
    live::Chronicle,
    measured_beside, meter, policy, processor, profile,
    read::Past,
    steps_down,
};
use crate::config::{Admission, Deployment, Lever};
use crate::events::Postbox;
use crate::governor::{ModelProfile, Policy, Profile};
use crate::inference::RunLog;
use crate::inference::manifest::Role;
use crate::stages::StageConfig;
use crate::topology::{
    AssembleError, Graph, Running, StageHandle,
    delivery::place,
    gate::{Gate, is_live},
    models::ModelRoom,
};

/// What a steersman needs beside the graph that runs.
pub(in crate::topology) struct Equipment<'a> {
    pub(in crate::topology) deployment: &'a Deployment,
    pub(in crate::topology) graph: &'a Graph,
    pub(in crate::topology) room: &'a ModelRoom,
    pub(in crate::topology) runs: RunLog,
    pub(in crate::topology) postbox: Postbox,
    pub(in crate::topology) gate: Gate,
    pub(in crate::topology) in_force: Arc<InForce>,
    /// Tells subscribers how things stand.
    pub(in crate::topology) publish: Option<Publish>,
    /// Where readings and plans are written, if anywhere.
    pub(in crate::topology) record: Option<File>,
}

/// Starts steering; `None` when the governor is off, or when nothing is live: files played as fast as they go take as long
/// as they take, and their results must not depend on the machine.
pub(in crate::topology) fn start(with: Equipment<'_>, running: &Running) -> Result<Option<Steering>, AssembleError> {
    if !with.deployment.governor.enabled || !with.deployment.cameras.iter().any(|camera| is_live(&camera.source)) {
        return Ok(None);
    }
    let subjects = subjects(with.graph, with.room);
    let mut meter = meter(subjects.iter().map(|subject| subject.device.as_str()));
    let total = meter.read().map_or(0, |figures| figures.total);
    let (policy, mut profile) = charts(with.deployment, with.graph, &subjects, total);
    known(&policy, &subjects)?;
    let lessons = lessons_beside(&with.deployment.models.dir);
    if let Some(file) = &lessons {
        recall(&mut profile, file);
    }
    let shelf = with.room.shelf_and_events();
    if let Some((_, events)) = &shelf {
        events.try_iter().for_each(drop); // what was loaded before anybody steered
    }
    let (shelf, events) = shelf.unzip();
    let hands = Hands {
        shelf,
        models: steered(&subjects, &profile, running),
        permits: running.permits.clone(),
        thinning: running.thinning.clone(),
        gate: with.gate.clone(),
        interval: policy.intervals.first().copied().unwrap_or(1),
    };
    let instruments = Instruments {
        meter,
        processor: processor(),
        latency: Arc::clone(&running.recent),
        runs: with.runs,
        board: Arc::clone(&running.board),
        drops: running.drops.clone(),
        lanes: running.lanes.clone(),
        gate: with.gate,
        shelf: events,
        models: subjects.iter().map(|subject| (subject.model.clone(), subject.role == Role::Detect)).collect(),
        on_gpu: subjects.iter().any(|subject| gpu_number(&subject.device).is_some()),
        budget: None,
        past: Past::default(),
    };
    let shown = Arc::<Shown>::default();
    let (site, node) = (place(&with.deployment.site)?, place(&with.deployment.node)?);
    let teller = Teller {
        in_force: with.in_force,
        shown: Arc::clone(&shown),
        chronicle: Chronicle::new(&site, &node),
        publish: with.publish,
        outbox: Some((with.postbox, site, node)),
        record: with.record.map(BufWriter::new),
    };
    let mut steersman = Steersman::new(instruments, (policy, profile), hands, teller);
    steersman.lessons = lessons;
    Steering::start(steersman, shown).map(Some).map_err(AssembleError::failed)
}

/// Whether cameras are let in by the governor: it steers something, and refusing is among what it may do.
pub(in crate::topology) fn keeps_the_gate(deployment: &Deployment, room: &ModelRoom) -> bool {
    let governor = &deployment.governor;
    let may_refuse = governor.admission != Admission::Open && governor.levers.contains(&Lever::Admission);
    governor.enabled && may_refuse && room.shelf_and_events().is_some()
}

/// Models and variants that `[governor]` names must be there.
fn known(policy: &Policy, subjects: &[Subject]) -> Result<(), AssembleError> {
    for (model, variants) in &policy.allowed {
        let Some(subject) = subjects.iter().find(|subject| subject.model == model.as_str()) else {
            return Err(unknown(&format!("model {model}"), subjects.iter().map(|subject| subject.model.as_str())));
        };
        let has = |name: &str| subject.variants.iter().any(|variant| variant.id == name);
        if let Some(missing) = variants.iter().find(|variant| !has(variant.as_str())) {
            let ids = subject.variants.iter().map(|variant| variant.id.as_str());
            return Err(unknown(&format!("variant {missing} of model {model}"), ids));
        }
    }
    Ok(())
}

fn unknown<'a>(what: &str, known: impl Iterator<Item = &'a str>) -> AssembleError {
    let known: Vec<_> = known.collect();
    AssembleError::bad(format!("[governor] names {what}, which cannot run here; it may be {}", known.join(", ")))
}

/// What is asked, and what it costs.
fn charts(deployment: &Deployment, graph: &Graph, subjects: &[Subject], total: u64) -> (Policy, Profile) {
    let intervals = graph.nodes().iter().filter_map(|node| match &node.config {
        StageConfig::Detect(config) => Some(config.interval),
        _ => None,
    });
    let interval = intervals.min().unwrap_or(1);
    let measured = measured_beside(&deployment.models.dir);
    (policy(&deployment.governor, interval, deployment.flow.in_flight, total), profile(subjects, measured.as_ref()))
}

/// The models of the graph, in graph order, each once.
fn subjects(graph: &Graph, room: &ModelRoom) -> Vec<Subject> {
    let (mut order, mut found) = (Vec::new(), BTreeMap::<String, Subject>::new());
    for (node, loaded) in graph.nodes().iter().flat_map(|n| room.loaded_for(&n.id).into_iter().map(move |l| (n, l))) {
        let (name, most) = (&loaded.model.manifest.name, max_batch(&node.config));
        let subject = found.entry(name.clone()).or_insert_with(|| {
            order.push(name.clone());
            let is_there = |variant: &_| loaded.model.is_fetched(variant);
            Subject {
                model: name.clone(),
                role: loaded.model.manifest.role,
                device: loaded.device.clone(),
                variants: steps_down(&loaded.model, &loaded.variant, is_there),
                stages: Vec::new(),
                max_batch: most,
            }
        });
        subject.max_batch = subject.max_batch.min(most);
        subject.stages.push(node.id.clone());
    }
    order.iter().filter_map(|name| found.remove(name)).collect()
}

/// Most items a stage gives its model at once.
fn max_batch(config: &StageConfig) -> usize {
    match config {
        StageConfig::Detect(config) => config.max_batch,
        StageConfig::Recognize(config) => config.max_batch,
        StageConfig::Blink(config) => config.max_batch,
        StageConfig::Liveness(config) => config.max_batch,
        StageConfig::Classify(config) => config.max_batch,
        StageConfig::Moderate(config) => config.max_batch,
        StageConfig::Deepfake(_) | StageConfig::Track(_) | StageConfig::Publish(_) => 1,
    }
}

/// What the variant that the pipeline names holds for single items.
pub(super) fn begun_bytes(subject: &Subject, model: &ModelProfile) -> u64 {
    let begun = subject.variants.first().and_then(|begun| model.variant(&begun.id.as_str().into()));
    begun.map_or(0, |begun| model.variants[begun].memory(1) as u64)
}

fn steered(subjects: &[Subject], profile: &Profile, running: &Running) -> Vec<Steered> {
    let handle = |id: &String| running.stages.iter().find(|stage| &stage.id == id).cloned();
    let one = |(subject, model): (&Subject, &ModelProfile)| Steered {
        model: subject.model.clone(),
        stages: subject.stages.iter().filter_map(handle).collect::<Vec<StageHandle>>(),
        detects: subject.role == Role::Detect,
        begun_with: subject.variants.first().map(|variant| variant.id.clone()),
        begun_bytes: begun_bytes(subject, model),
        best: model.variants.first().map_or_else(|| "".into(), |best| best.name.clone()),
    };
    subjects.iter().zip(&profile.models).map(one).collect()
}
