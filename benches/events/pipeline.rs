//! A real pipeline beside: two cameras at their own pace, detected, followed, recognised, checked; its events join those of
//! the node. Without models or footage, shapes on made-up pictures.

use std::{
    fmt::Write as _,
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::{Builder, JoinHandle},
    time::Duration,
};

use flyball::{
    config::Environment,
    events::{CallSink, EventSink, Postbox, Recorded, keys::Origin, wire::Draft},
    flow::StageFigures,
    topology::{Assembly, assemble, open},
};
use tempfile::TempDir;

use crate::world::{PATIENCE, now};

const CLIPS: [&str; 2] = ["franck.mp4", "WolfgangLanger_Pexels.mp4"];
const SHAPES: &str = "[pipeline]\nname = \"shapes\"\n[[stage]]\nkind = \"detect\"\nmodel = \"shapes\"\n[[stage]]\nkind = \"track\"\n\
                      [[stage]]\nkind = \"recognize\"\nmodel = \"shapes\"\n[[stage]]\nkind = \"publish\"\n";

/// A running pipeline.
pub(crate) struct Pipeline {
    what: &'static str,
    detected: Arc<StageFigures>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
    _folder: TempDir,
}

impl Pipeline {
    /// Starts it, and waits until it is at its pace.
    pub(crate) fn start(postbox: Postbox) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (what, text) = written(folder.path());
        let file = folder.path().join("deployment.toml");
        fs::write(&file, text).expect("a deployment");
        let opened = open(&file, &Environment::of(&[]));
        let (Some(deployment), Some(graph)) = (opened.deployment, opened.graph) else {
            panic!("{:#?}", opened.problems)
        };
        let taps: Vec<Box<dyn EventSink>> = vec![forward(postbox)];
        let assembly = assemble(&deployment, &graph, taps).expect("a pipeline");
        let detect = assembly.running.stages.iter().find(|stage| stage.id == "detect").expect("a detector");
        let (detected, stop) = (Arc::clone(&detect.figures), Arc::<AtomicBool>::default());
        let stopped = Arc::clone(&stop);
        let watching = move || watch(assembly, &stopped);
        let thread = Builder::new().name("pipeline".into()).spawn(watching).expect("a thread");
        std::thread::park_timeout(Duration::from_secs(3));
        Self { what, detected, stop, thread, _folder: folder }
    }

    /// Frames a second that were detected while `work` went on, and what it answered.
    pub(crate) fn rate<T>(&self, work: impl FnOnce() -> T) -> (f64, T) {
        let (before, begun) = (self.detected.totals().items, now());
        let answer = work();
        let frames = self.detected.totals().items - before;
        (frames as f64 / begun.elapsed().as_secs_f64(), answer)
    }

    /// Ends it; answers with what it was.
    pub(crate) fn stop(self) -> &'static str {
        self.stop.store(true, Relaxed);
        self.thread.join().expect("no panic");
        self.what
    }
}

fn watch(mut assembly: Assembly, stop: &AtomicBool) {
    while !stop.load(Relaxed) && assembly.running.watch(Duration::from_millis(50)) {}
    assembly.running.stop();
    let ended = assembly.finish(now() + PATIENCE, now);
    assert_eq!(ended.outcome.failure, None);
}

/// Its events go out under the node's numbers.
fn forward(postbox: Postbox) -> Box<dyn EventSink> {
    Box::new(CallSink(move |recorded: &Recorded| {
        let event = recorded.event.as_ref().clone();
        let Ok(origin) = Origin::from_source(&event.source) else { return };
        let draft = Draft { id: event.id, origin, subject: event.subject, time: event.time, data: event.data };
        // What does not fit is counted and announced.
        let _accepted = postbox.post(draft);
    }))
}

/// A deployment with real models where there are any, and what it is in words.
fn written(folder: &Path) -> (&'static str, String) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let clips = CLIPS.map(|clip| root.join("samples/footage").join(clip));
    let is_real = clips.iter().all(|clip| clip.exists()) && root.join("models/yunet/yunet.onnx").exists();
    let pipeline = if is_real { root.join("pipelines/face-gate.toml") } else { folder.join("shapes.toml") };
    let models = if is_real { root.join("models") } else { folder.to_path_buf() };
    fs::write(folder.join("shapes.toml"), SHAPES).expect("a pipeline");
    let mut text = format!(
        "[deployment]\nname = \"bench\"\nsite = \"hq\"\npipeline = \"{}\"\n[models]\ndir = \"{}\"\ndevice = \"cpu\"\n\
         [governor]\nenabled = false\n",
        pipeline.display(),
        models.display()
    );
    for (n, clip) in clips.iter().enumerate() {
        let synthetic = format!("synthetic = {{ width = 640, height = 360, fps = 24, faces = 2, seed = {n} }}");
        let file = format!("file = \"{}\", pace = \"realtime\", repeat = true", clip.display());
        let source = if is_real { file } else { synthetic };
        writeln!(text, "[[camera]]\nid = \"cam{n}\"\nsource = {{ {source} }}").expect("text");
    }
    let what = if is_real { "two real cameras" } else { "two made-up cameras (no models or footage here)" };
    (what, text)
}
