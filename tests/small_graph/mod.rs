//! The whole graph with fake models and an in-memory sink, started from a deployment made on the spot, and watched.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::missing_panics_doc, clippy::must_use_candidate, reason = "test support: read it where it is used")]
#![allow(dead_code, unreachable_pub, missing_docs, reason = "shared by several tests, each of which uses a part")]

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use flyball::{
    config::{Camera, Environment},
    events::{EventSink, MemoryBus, wire::Data},
    topology::{Assembly, Ended, assemble, open},
};
use tempfile::TempDir;

/// Far more than anything here takes; only a hang reaches it.
pub const PATIENCE: Duration = Duration::from_mins(1);

const PIPELINE: &str = r#"
[pipeline]
name = "shapes"
[[stage]]
kind = "detect"
model = "shapes"
max_batch = 4
[[stage]]
kind = "track"
[[stage]]
kind = "recognize"
model = "shapes"
[[stage]]
kind = "publish"
silent_after_ms = 500
"#;

const HEAD: &str =
    "[deployment]\nname = \"t\"\nsite = \"t\"\npipeline = \"pipeline.toml\"\n[models]\ndir = \"models\"\n";

/// A graph that runs.
pub struct SmallGraph {
    pub assembly: Assembly,
    pub bus: MemoryBus,
    pub file: PathBuf,
    heard: usize,
    _folder: TempDir,
}

impl SmallGraph {
    /// Starts a deployment with these `[[camera]]` tables.
    pub fn start(cameras: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = write(folder.path(), cameras);
        let opened = open(&file, &Environment::of(&[]));
        let (Some(deployment), Some(graph)) = (opened.deployment, opened.graph) else {
            panic!("{:#?}", opened.problems);
        };
        let bus = MemoryBus::default();
        let taps: Vec<Box<dyn EventSink>> = vec![Box::new(bus.clone())];
        let assembly = assemble(&deployment, &graph, taps).unwrap();
        Self { assembly, bus, file, heard: 0, _folder: folder }
    }

    /// Writes the deployment anew, with other cameras.
    pub fn rewrite(&self, cameras: &str) {
        fs::write(&self.file, format!("{HEAD}{cameras}")).unwrap();
    }

    /// The cameras the file asks for now.
    pub fn written(&self) -> Vec<Camera> {
        open(&self.file, &Environment::of(&[])).deployment.unwrap().cameras
    }

    /// Waits for an event after the last one waited for.
    pub fn wait_for(&mut self, what: &str, wanted: impl Fn(&Data) -> bool) {
        let from = self.heard;
        let at = self.wait(what, |graph| {
            let events = graph.bus.events();
            events.iter().skip(from).position(|event| wanted(&event.data))
        });
        self.heard = from + at + 1;
    }

    pub fn wait_until(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        self.wait(what, |graph| done(graph).then_some(()));
    }

    fn wait<T>(&mut self, what: &str, found: impl Fn(&Self) -> Option<T>) -> T {
        let deadline = now() + PATIENCE;
        loop {
            assert!(self.assembly.running.watch(Duration::from_millis(20)), "the graph ended while waiting for {what}");
            if let Some(found) = found(self) {
                return found;
            }
            assert!(now() < deadline, "waited in vain for {what}");
        }
    }

    /// Asks for the end and waits for it.
    pub fn end(self) -> Ended {
        self.assembly.running.stop();
        self.assembly.finish(now() + PATIENCE, now)
    }
}

fn write(folder: &Path, cameras: &str) -> PathBuf {
    fs::create_dir(folder.join("models")).unwrap();
    fs::write(folder.join("pipeline.toml"), PIPELINE).unwrap();
    let file = folder.join("deployment.toml");
    fs::write(&file, format!("{HEAD}{cameras}")).unwrap();
    file
}

/// A live camera without end, with one shape in front of it.
pub fn live(id: &str, seed: u32) -> String {
    format!(
        "[[camera]]\nid = \"{id}\"\nsource = {{ synthetic = {{ width = 320, height = 192, fps = 30, faces = 1, \
         seed = {seed} }} }}\n"
    )
}

#[allow(clippy::disallowed_methods, reason = "waiting with a deadline needs the clock")]
pub fn now() -> Instant {
    Instant::now()
}
