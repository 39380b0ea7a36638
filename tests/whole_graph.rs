//! The whole graph on synthetic frames, with fake models and an in-memory sink: what a subscriber hears, without GStreamer,
//! ONNX Runtime or Zenoh.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    time::{Duration, Instant},
};

use flyball::{
    config::Environment,
    events::{
        EventSink, MemoryBus,
        wire::{CheckState, CloseReason, Data, Visit, VisitState},
    },
    topology::{Ended, assemble, open},
};

/// Far more than any of these runs takes; only a hang reaches it.
const PATIENCE: Duration = Duration::from_mins(1);

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
kind = "liveness"
model = "shapes"
[[stage]]
kind = "publish"
"#;

#[allow(clippy::disallowed_methods, reason = "the deadline against hangs counts from here")]
fn now() -> Instant {
    Instant::now()
}

/// Runs a deployment with these `[[camera]]` tables to its end; returns every visit event and how it ended.
fn run(cameras: &str) -> (Vec<Visit>, Ended) {
    let folder = tempfile::tempdir().unwrap();
    let file = written(folder.path(), cameras);
    let opened = open(&file, &Environment::of(&[]));
    let (Some(deployment), Some(graph)) = (opened.deployment, opened.graph) else {
        panic!("{:#?}", opened.problems);
    };
    let bus = MemoryBus::default();
    let taps: Vec<Box<dyn EventSink>> = vec![Box::new(bus.clone())];
    let mut assembly = assemble(&deployment, &graph, taps).unwrap();
    let deadline = now() + PATIENCE;
    while assembly.running.watch(Duration::from_millis(50)) {
        assert!(now() < deadline, "the graph hangs");
    }
    let ended = assembly.finish(deadline, now);
    let visit = |data: &Data| if let Data::Visit(visit) = data { Some(visit.as_ref().clone()) } else { None };
    (bus.events().iter().filter_map(|event| visit(&event.data)).collect(), ended)
}

fn written(folder: &Path, cameras: &str) -> std::path::PathBuf {
    fs::create_dir(folder.join("models")).unwrap();
    fs::write(folder.join("pipeline.toml"), PIPELINE).unwrap();
    let head = "[deployment]\nname = \"t\"\nsite = \"t\"\npipeline = \"pipeline.toml\"\n[models]\ndir = \"models\"\n";
    let file = folder.join("deployment.toml");
    fs::write(&file, format!("{head}{cameras}")).unwrap();
    file
}

fn camera(id: &str, faces: u32, frames: u32, seed: u32) -> String {
    format!(
        "[[camera]]\nid = \"{id}\"\nsource = {{ synthetic = {{ width = 640, height = 360, fps = 30, faces = {faces}, \
         frames = {frames}, seed = {seed}, pace = \"fast\" }} }}\n"
    )
}

/// Ids of visits in a state, by camera.
fn visits(events: &[Visit], state: &VisitState) -> BTreeMap<String, BTreeSet<String>> {
    let mut by_camera = BTreeMap::<String, BTreeSet<String>>::new();
    for visit in events.iter().filter(|visit| visit.visit.state == *state) {
        let first = by_camera.entry(visit.stream.id.clone()).or_default().insert(visit.visit.id.to_string());
        assert!(first, "{state:?} was said twice of one visit");
    }
    by_camera
}

#[test]
fn one_shape_is_one_visit_opened_once_and_closed_once() {
    let (events, ended) = run(&camera("gate", 1, 150, 7));
    assert_eq!(ended.outcome.failure, None);
    let opened = visits(&events, &VisitState::Opened);
    assert_eq!(opened["gate"].len(), 1, "{events:#?}");
    assert_eq!(opened, visits(&events, &VisitState::Closed));
    let last = events.last().unwrap();
    assert_eq!(last.visit.reason, Some(CloseReason::Shutdown), "it was still there when the input ended");
    assert_eq!(last.liveness.state, CheckState::Pass, "shape 0 is a live one");
    assert!(last.visit.frames_seen > 100);
}

#[test]
fn nothing_to_see_is_no_visit() {
    let (events, ended) = run(&camera("gate", 0, 60, 7));
    assert_eq!((events.len(), ended.outcome.failure), (0, None));
}

#[test]
fn visits_of_many_cameras_never_mix() {
    let cameras: String = (0..6).map(|n| camera(&format!("cam{n}"), n % 3, 120, n)).collect();
    let (events, ended) = run(&cameras);
    assert_eq!(ended.outcome.failure, None);
    let opened = visits(&events, &VisitState::Opened);
    for n in 0..6 {
        let found = opened.get(&format!("cam{n}")).map_or(0, BTreeSet::len);
        assert!(found >= (n % 3) as usize, "cam{n}: {found} visits for {} shapes", n % 3);
    }
    let all: Vec<_> = opened.values().flatten().collect();
    assert_eq!(all.len(), all.iter().collect::<BTreeSet<_>>().len(), "one visit id on two cameras");
    assert_eq!(opened, visits(&events, &VisitState::Closed));
}
