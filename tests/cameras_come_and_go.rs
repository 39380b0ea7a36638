//! Cameras added and removed while the graph runs: the stages stay up, the others notice nothing, and whoever leaves gives
//! everything back.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod small_graph;

use std::{fs, time::Duration};

use flyball::{
    events::wire::{CameraCondition, Data, VisitState},
    media::{CameraInput, Pace, SourceSpec, SyntheticSpec},
    memory::Size,
    scene::CameraId,
    topology::{CameraError, FromFile, REMOVAL},
};
use small_graph::{PATIENCE, SmallGraph, live, now};

/// A small live camera with one shape in front of it.
fn shape(id: &str, seed: u64) -> CameraInput {
    let spec = SyntheticSpec {
        size: Size::new(320, 192),
        fps: 30,
        shapes: 1,
        seed,
        pace: Pace::Realtime,
        ..Default::default()
    };
    CameraInput::new(CameraId::new(id).unwrap(), SourceSpec::Synthetic(spec))
}

fn id(text: &str) -> CameraId {
    CameraId::new(text).unwrap()
}

/// Threads of this process whose name begins so.
fn threads(prefix: &str) -> usize {
    let names = fs::read_dir("/proc/self/task").unwrap().flatten();
    names.filter_map(|task| fs::read_to_string(task.path().join("comm")).ok()).filter(|n| n.starts_with(prefix)).count()
}

#[test]
fn a_camera_added_later_opens_its_visit_and_one_removed_closes_it() {
    let mut graph = SmallGraph::start(&live("first", 1));
    let cameras = graph.assembly.running.cameras();
    cameras.add_input(shape("second", 9)).unwrap();
    graph.wait_for("a visit on the new camera", |data| is_visit(data, "second", &VisitState::Opened));
    cameras.remove(&id("second"), REMOVAL).unwrap();
    graph.wait_for("its visit to close", |data| is_visit(data, "second", &VisitState::Closed));
    assert_eq!(cameras.ids(), [id("first")]);
    assert!(!graph.assembly.running.board.snapshot(|_| 0).cameras.contains_key(&id("second")), "its line is gone");
    assert_eq!(graph.end().outcome.failure, None);
}

#[test]
fn taking_the_last_camera_away_leaves_the_stages_up_for_the_next() {
    let mut graph = SmallGraph::start(&live("first", 1));
    let cameras = graph.assembly.running.cameras();
    graph.wait_for("a visit", |data| is_visit(data, "first", &VisitState::Opened));
    cameras.remove(&id("first"), REMOVAL).unwrap();
    graph.wait_for("its visit to close", |data| is_visit(data, "first", &VisitState::Closed));
    cameras.add_input(shape("first", 5)).unwrap();
    graph.wait_for("a visit under the same name", |data| is_visit(data, "first", &VisitState::Opened));
    assert_eq!(graph.end().outcome.failure, None);
}

#[test]
fn what_cannot_be_done_is_said_by_name() {
    let graph = SmallGraph::start(&live("first", 1));
    let cameras = graph.assembly.running.cameras();
    assert!(
        matches!(cameras.add_input(shape("first", 2)), Err(CameraError::AlreadyThere(camera)) if camera == id("first"))
    );
    assert!(matches!(cameras.remove(&id("nobody"), REMOVAL), Err(CameraError::NoSuchCamera(_))));
    graph.end();
    assert!(matches!(cameras.add_input(shape("late", 2)), Err(CameraError::TooLate(_))));
}

/// A thousand cameras come and go under a hundred names, while one stays and misses nothing of its own. The other tests
/// here share this process, hence names that are nobody else's.
#[test]
fn a_thousand_cameras_leave_no_thread_and_no_line_behind() {
    let mut graph = SmallGraph::start(&live("stayer", 1));
    let cameras = graph.assembly.running.cameras();
    let begun = now();
    for cycle in 0..1000 {
        let name = format!("guest{}", cycle % 100);
        cameras.add_input(shape(&name, cycle)).unwrap();
        cameras.remove(&id(&name), REMOVAL).unwrap();
        graph.assembly.running.watch(Duration::ZERO);
        assert!(begun.elapsed() < PATIENCE, "only {cycle} cycles");
    }
    graph.wait_until("the guests' threads to be gone", |_| (threads("cam-guest"), threads("cam-stayer")) == (0, 1));
    let board = graph.assembly.running.board.snapshot(|_| 0);
    assert_eq!(board.cameras.keys().collect::<Vec<_>>(), [&id("stayer")]);
    graph.wait_until("the one that stayed goes on", |graph| shown(graph, "stayer") > 30);
    assert_eq!(graph.end().outcome.left_behind, Vec::<String>::new());
}

fn is_visit(data: &Data, camera: &str, state: &VisitState) -> bool {
    matches!(data, Data::Visit(visit) if visit.stream.id == camera && visit.visit.state == *state)
}

/// The deployment file was edited: one camera is new, one is gone, one is written differently, one stays as it is.
#[test]
fn an_edited_deployment_adds_removes_and_replaces_its_cameras() {
    let mut graph = SmallGraph::start(&[live("stays", 1), live("goes", 2), live("changes", 3)].concat());
    let cameras = graph.assembly.running.cameras();
    let mut from_file = FromFile::of(&graph.written());
    for camera in ["stays", "goes", "changes"] {
        graph.wait_until("every camera to show something", |graph| shown(graph, camera) > 0);
    }
    let before = shown(&graph, "stays");
    graph.rewrite(&[live("new", 4), live("stays", 1), live("changes", 5)].concat());
    assert!(from_file.renew(&cameras, &graph.written()).is_empty());
    assert_eq!(cameras.ids(), [id("changes"), id("new"), id("stays")]);
    graph.wait_until("the new one to show something", |graph| shown(graph, "new") > 0);
    assert!(shown(&graph, "stays") >= before, "the one that stays was not started anew");
    assert!(from_file.renew(&cameras, &graph.written()).is_empty(), "nothing changed");
    assert_eq!(graph.end().outcome.failure, None);
}

fn shown(graph: &SmallGraph, camera: &str) -> u64 {
    graph.assembly.running.board.snapshot(|_| 0).cameras.get(&id(camera)).map_or(0, |line| line.frames)
}

/// Subscribers hear of each camera that it came, that it is live, and that it went.
#[test]
fn the_conditions_of_a_camera_are_told() {
    let mut graph = SmallGraph::start(&live("first", 1));
    let cameras = graph.assembly.running.cameras();
    let is =
        |data: &Data, wanted: &CameraCondition| matches!(data, Data::CameraState(state) if state.condition == *wanted);
    graph.wait_for("connecting", |data| is(data, &CameraCondition::Connecting));
    graph.wait_for("live", |data| is(data, &CameraCondition::Live));
    cameras.remove(&id("first"), REMOVAL).unwrap();
    graph.wait_for("ended", |data| is(data, &CameraCondition::Ended));
    graph.end();
}
