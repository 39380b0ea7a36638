//! From written to resolved, section by section: paths made absolute, secrets read, what the schema cannot say checked. A
//! section whose shape is wrong is left out here, and the others are still looked at, so that all problems come at once.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use serde::de::DeserializeOwned;

use super::{
    camera,
    deployment::{Deployment, Events, Gallery, Governor, Journal, Models},
    format,
    pipeline::Pipeline,
    problem::{Problem, any_error},
    tree::Node,
    written,
};

/// The deployment at hand and the problems found in it so far.
pub(crate) struct Resolver<'a> {
    pub(crate) tree: &'a Node,
    pub(crate) dir: PathBuf,
    pub(crate) problems: &'a mut Vec<Problem>,
}

impl Resolver<'_> {
    /// Everything; `None` when a problem keeps it from running.
    pub(crate) fn deployment(&mut self, file: &Path, pipeline: Option<Pipeline>) -> Option<Deployment> {
        let head = self.section::<written::Head>("deployment");
        let cameras = self.cameras();
        let models = self.models(pipeline.as_ref());
        let gallery = self.gallery();
        let events = self.events();
        let governor = self.governor();
        let server = self.server();
        self.refuse_unheard_whip(&cameras);
        let telemetry = self.telemetry();
        let flow = self.section_or_default("flow");
        if any_error(self.problems) {
            return None;
        }
        let head = head?;
        Some(Deployment {
            file: file.to_owned(),
            node: head.node.unwrap_or_else(|| head.site.clone()),
            name: head.name,
            site: head.site,
            pipeline: pipeline?,
            cameras,
            models: models?,
            gallery: gallery?,
            events: events?,
            governor: governor?,
            server,
            telemetry,
            flow: flow?,
        })
    }

    /// A node read into its written type; `None` when its shape is wrong, which has been reported.
    pub(crate) fn read<T: DeserializeOwned>(&mut self, node: &Node, key: &str) -> Option<T> {
        if self.problems.iter().any(|problem| problem.is_error() && is_within(&problem.key, key)) {
            return None;
        }
        serde_json::from_value(node.to_json())
            .map_err(|error| {
                let hint = "see `flyball schema deployment` for what can be written here";
                self.problems.push(Problem::error(&node.place, key, error.to_string(), hint));
            })
            .ok()
    }

    pub(super) fn section<T: DeserializeOwned>(&mut self, key: &str) -> Option<T> {
        let node = self.tree.at(key)?;
        self.read(node, key)
    }

    fn section_or_default<T: DeserializeOwned + Default>(&mut self, key: &str) -> Option<T> {
        if self.tree.at(key).is_none() { Some(T::default()) } else { self.section(key) }
    }

    fn cameras(&mut self) -> Vec<super::Camera> {
        let tree = self.tree;
        let items = tree.at("camera").map(Node::items).unwrap_or_default();
        let mut first = HashMap::new();
        let mut cameras = Vec::new();
        for (at, node) in items.iter().enumerate() {
            let key = format!("camera[{at}]");
            let id = node.at("id").and_then(Node::text);
            if let Some(earlier) = id.and_then(|id| first.insert(id, node)) {
                self.duplicate_camera(id.unwrap_or_default(), node, earlier, &key);
            }
            cameras.extend(camera::resolve(self, node, &key));
        }
        cameras
    }

    fn duplicate_camera(&mut self, id: &str, node: &Node, earlier: &Node, key: &str) {
        let line = earlier.value_place("id").spot().map(|spot| spot.line).unwrap_or_default();
        let message = format!("two cameras are called `{id}`; the first is on line {line}");
        let hint = "give each camera an id of its own: events are told apart by it";
        self.problems.push(Problem::error(node.value_place("id"), &format!("{key}.id"), message, hint));
    }

    fn models(&mut self, pipeline: Option<&Pipeline>) -> Option<Models> {
        let written: written::Models = self.section_or_default("models")?;
        let dir = self.absolute(&written.dir);
        let node = self.tree.at("models").unwrap_or(self.tree);
        if !dir.is_dir() {
            let message = format!("the models directory {} does not exist", dir.display());
            let hint = "set `dir` in `[models]` to the directory with one folder a model, relative to this file";
            self.problems.push(Problem::error(node.value_place("dir"), "models.dir", message, hint));
        } else if let Some(pipeline) = pipeline {
            self.problems.extend(super::model_folders::missing(pipeline, &dir));
        }
        let device = format::device(&written.device).ok()?;
        Some(Models { dir, device, allow_unlicensed: written.allow_unlicensed })
    }

    fn gallery(&mut self) -> Option<Gallery> {
        let written: written::Gallery = self.section_or_default("gallery")?;
        Some(Gallery { path: written.path.map(|path| self.absolute(&path)) })
    }

    fn governor(&mut self) -> Option<Governor> {
        let written: written::Governor = self.section_or_default("governor")?;
        let tree = self.tree;
        let levers = tree.at("governor").and_then(|node| node.at("levers")).map(Node::items).unwrap_or_default();
        for (at, node) in levers.iter().enumerate() {
            if levers[..at].iter().any(|earlier| earlier.text() == node.text()) {
                let message = format!("{} is named twice", node.place.quoted());
                let hint = "name each lever once, in the order to give them up";
                self.problems.push(Problem::error(&node.place, &format!("governor.levers[{at}]"), message, hint));
            }
        }
        Some(Governor {
            enabled: written.enabled,
            memory_budget: format::budget(&written.memory_budget).ok()?,
            latency_p95: written.latency_p95,
            levers: written.levers,
            dwell: written.dwell,
            admission: written.admission,
            variants: written.variants,
            optional: written.optional,
        })
    }

    fn events(&mut self) -> Option<Events> {
        let written: written::Events = self.section_or_default("events")?;
        let zenoh = written.zenoh.map(|zenoh| self.zenoh(zenoh));
        let journal = written.journal.map(|journal| {
            let max_size = format::bytes(&journal.max_size).unwrap_or_default();
            Journal { path: self.absolute(&journal.path), max_age: journal.max_age, max_size }
        });
        self.refuse_namesakes();
        let (webhooks, brokers) = (self.webhooks(written.webhook), self.brokers(written.mqtt));
        Some(Events { zenoh, journal, webhooks, brokers, onvif: written.onvif })
    }

    /// A path as written, which is relative to the file it is written in.
    pub(crate) fn absolute(&self, written: &str) -> PathBuf {
        absolute(&self.dir, written)
    }
}

/// Joins and removes `.` and `..` by their letters alone: the path need not exist yet.
pub(crate) fn absolute(dir: &Path, written: &str) -> PathBuf {
    let mut out = PathBuf::new();
    for part in dir.join(written).components() {
        match part {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir => {
                out.pop();
            }
            _ => out.push(part),
        }
    }
    out
}

/// Whether `key` is `section` or lies below it.
fn is_within(key: &str, section: &str) -> bool {
    key.strip_prefix(section).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}
