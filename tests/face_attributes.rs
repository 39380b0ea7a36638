//! The optional stages on real footage with real models: what subscribers hear of age, gender, pose, blinks and content.
//! Needs what `make setup` fetches; says so aloud and passes when it is not there.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking and says aloud what it skips")]
#![cfg(all(feature = "media", feature = "ort"))]

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use flyball::{
    config::Environment,
    events::{
        EventSink, MemoryBus,
        wire::{CheckState, Data, Visit},
    },
    topology::{assemble, open},
};

/// Far more than the run takes; only a hang reaches it.
const PATIENCE: Duration = Duration::from_mins(5);
/// 72 frames of a man who looks into the camera and blinks once.
const CLIP: &str = "samples/footage/single_face.mp4";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn is_set_up() -> bool {
    let models = ["yunet/yunet", "age/age", "landmarks68/landmarks68", "nudenet320/nudenet320"];
    let mut needed = models.map(|model| format!("models/{model}.onnx")).to_vec();
    needed.extend([CLIP, "vendor/onnxruntime"].map(str::to_owned));
    let missing = needed.iter().find(|path| !root().join(path).exists());
    if let Some(missing) = missing {
        eprintln!("SKIPPED: {missing} is missing; run `make setup`");
    }
    missing.is_none()
}

#[allow(clippy::disallowed_methods, reason = "the deadline against hangs counts from here")]
fn now() -> Instant {
    Instant::now()
}

/// Runs a pipeline on one clip, as fast as it goes; every visit event.
fn run(pipeline: &Path, clip: &str) -> Vec<Visit> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("deployment.toml");
    let text = format!(
        "[deployment]\nname = \"t\"\nsite = \"t\"\npipeline = \"{}\"\n[models]\ndir = \"{}\"\ndevice = \"cpu\"\n\
         [governor]\nenabled = false\n[[camera]]\nid = \"gate\"\nsource = {{ file = \"{}\", pace = \"fast\" }}\n",
        pipeline.display(),
        root().join("models").display(),
        root().join(clip).display()
    );
    fs::write(&file, text).unwrap();
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
    assert_eq!(assembly.finish(deadline, now).outcome.failure, None);
    let visit = |data: &Data| if let Data::Visit(visit) = data { Some(visit.as_ref().clone()) } else { None };
    bus.events().iter().filter_map(|event| visit(&event.data)).collect()
}

#[test]
fn a_man_who_blinks_is_told_with_age_gender_pose_and_what_else_is_on_the_picture() {
    if !is_set_up() {
        return;
    }
    let visits = run(&root().join("pipelines/face-attributes.toml"), CLIP);
    // On a very slow machine the camera may count as lost for a while, so this asks for what was ever told, not when.
    let told =
        |visit: &&Visit| visit.attributes.as_ref().is_some_and(|a| a.age.as_ref().is_some_and(|a| a.value.is_some()));
    let visit = visits.iter().rev().find(told).unwrap_or_else(|| panic!("no age was told: {visits:#?}"));
    let found = visit.attributes.as_ref().unwrap();
    eprintln!("{found:?}\n{:?}\n{:?}", visit.content, visit.liveness);
    let years = found.age.as_ref().unwrap().value.unwrap();
    assert!((15.0..60.0).contains(&years), "he is a grown man, not {years} years old");
    assert!(found.female.as_ref().unwrap().value.unwrap() < 0.4, "a man: {:?}", found.female);
    let pose = found.pose.as_ref().unwrap();
    assert!(
        pose.yaw.abs() < 45.0 && pose.pitch.abs() < 45.0 && pose.roll.abs() < 45.0,
        "he looks about here: {pose:?}"
    );
    let content = visit.content.as_ref().unwrap();
    assert!(content.state == CheckState::Fail && content.flags[0].label.starts_with("face_"), "{content:?}");
    assert_eq!(found.synthetic, None, "nobody asked");
    let stages: Vec<_> = visit.models.iter().map(|model| (model.stage.as_str(), model.id.as_str())).collect();
    for used in [("classify", "age"), ("classify", "gender"), ("classify", "head_pose"), ("moderate", "nudenet320")] {
        assert!(stages.contains(&used), "{used:?} is not among {stages:?}");
    }
    assert!(visit.models.iter().all(|model| !model.unlicensed));
    let states: Vec<_> = visits.iter().map(|visit| (&visit.liveness.state, visit.liveness.blinks)).collect();
    let passed = |(state, blinks): &(&CheckState, Option<u32>)| **state == CheckState::Pass && *blinks >= Some(1);
    assert!(states.iter().any(passed), "he blinked and is alive: {states:?}");
    let too_soon =
        |(state, blinks): &(&CheckState, Option<u32>)| **state == CheckState::Pass && blinks.unwrap_or(0) == 0;
    assert!(!states.iter().any(too_soon), "passed without a blink: {states:?}");
}
