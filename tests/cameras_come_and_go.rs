//! Cameras added and removed while the graph runs: the stages stay up, the others notice nothing, and whoever leaves gives
//! everything back.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod small_graph;

use std::{fs, time::Duration};

use flyball::{
    events::wire::{Data, VisitState},
    media::{CameraInput, Pace, SourceSpec, SyntheticSpec},
    memory::Size,
    scene::CameraId,
    topology::{CameraError, REMOVAL},
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

/// A thousand cameras come and go under a hundred names, while one stays and misses nothing of its own.
#[test]
fn a_thousand_cameras_leave_no_thread_and_no_line_behind() {
    let mut graph = SmallGraph::start(&live("first", 1));
    let cameras = graph.assembly.running.cameras();
    let begun = now();
    for cycle in 0..1000 {
        let name = format!("guest{}", cycle % 100);
        cameras.add_input(shape(&name, cycle)).unwrap();
        cameras.remove(&id(&name), REMOVAL).unwrap();
        graph.assembly.running.watch(Duration::ZERO);
        assert!(begun.elapsed() < PATIENCE, "only {cycle} cycles");
    }
    assert_eq!((threads("cam-guest"), threads("cam-first")), (0, 1));
    let board = graph.assembly.running.board.snapshot(|_| 0);
    assert_eq!(board.cameras.keys().collect::<Vec<_>>(), [&id("first")]);
    graph.wait_until("the one that stayed goes on", |graph| frames(graph) > 30);
    assert_eq!(graph.end().outcome.left_behind, Vec::<String>::new());
}

fn frames(graph: &SmallGraph) -> u64 {
    graph.assembly.running.board.snapshot(|_| 0).cameras[&id("first")].frames
}

fn is_visit(data: &Data, camera: &str, state: &VisitState) -> bool {
    matches!(data, Data::Visit(visit) if visit.stream.id == camera && visit.visit.state == *state)
}
