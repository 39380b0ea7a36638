//! Cameras at the gate: one too many is refused with what it would need, those already there do not notice, and it comes in
//! when room appears, if the deployment says so.

use super::tests::World;
use crate::config::{self, Admission};
use crate::flow::LaneKind;
use crate::media::{CameraEnd, CameraInput, SourceSpec, SyntheticSpec};
use crate::scene::CameraId;
use crate::topology::{CameraError, REMOVAL, Seat};

fn live_camera(id: &str, fps: u32) -> config::Camera {
    let made_up = config::Synthetic { fps: fps as f32, pace: config::Pace::Realtime, ..config::Synthetic::default() };
    config::Camera {
        id: CameraId::new(id).unwrap(),
        source: config::Source::Synthetic(made_up),
        limits: config::Limits::default(),
        decoder: config::Decoder::Auto,
        health: config::Health::default(),
        wait: config::Wait::default(),
        place: config::Place::default(),
    }
}

impl World {
    /// A camera of so many frames a second asks to be served.
    pub(super) fn wait(&self, id: &str, fps: u32) {
        let camera = live_camera(id, fps);
        let source = SourceSpec::Synthetic(SyntheticSpec { frames: Some(1), ..SyntheticSpec::default() });
        self.gate.wait(&camera, CameraInput::new(camera.id.clone(), source));
    }

    /// A camera that runs beside those the test counts by hand.
    pub(super) fn somebody_else_serves(&self) {
        let id = CameraId::new("other").unwrap();
        let until_told = |seat: Seat| {
            let _stopped = seat.stop.recv();
            CameraEnd::Stopped
        };
        self.cameras.add_source(&id, LaneKind::NewestWins, until_told).unwrap();
    }

    pub(super) fn cameras(&self) -> Vec<String> {
        self.cameras.ids().iter().map(ToString::to_string).collect()
    }

    pub(super) fn state_of(&self, camera: &str) -> String {
        self.board.snapshot(|_| 0).cameras[&CameraId::new(camera).unwrap()].state.clone()
    }

    pub(super) fn decisions(&self) -> Vec<String> {
        let state = self.shown.state.lock().unwrap().clone().unwrap();
        state.decisions.into_iter().map(|decision| decision.change).collect()
    }
}

#[test]
fn a_camera_that_fits_is_let_in_and_asks_no_more() {
    let mut world = World::asked(Admission::Later);
    world.seconds(2, 30.0);
    world.wait("second", 30);
    world.seconds(1, 30.0);
    assert_eq!(world.cameras(), ["second"]);
    assert!(world.gate.asking().is_empty());
}

#[test]
fn one_too_many_is_refused_with_what_it_needs_and_comes_in_when_there_is_room() {
    let mut world = World::asked(Admission::Later);
    world.seconds(2, 30.0);
    world.somebody_else_serves();
    world.wait("crowd", 240_000);
    world.seconds(8, 30.0);
    let state = world.state_of("crowd");
    assert!(state.starts_with("refused: needs ") && state.contains(" free are "), "{state}");
    assert_eq!(world.cameras(), ["other"], "and nobody else was touched");
    let told = world.decisions();
    assert!(told.iter().any(|change| change.contains("crowd") && change.contains("needs")), "{told:?}");
    assert_eq!(world.gate.asking().len(), 1, "it goes on asking");
    assert!(world.gate.withdraw(&CameraId::new("crowd").unwrap()));
    world.wait("crowd", 30);
    world.seconds(12, 30.0);
    assert_eq!(world.cameras(), ["crowd", "other"]);
}

#[test]
fn who_is_refused_for_good_asks_no_more_and_the_run_says_why() {
    let mut world = World::asked(Admission::Refuse);
    world.seconds(2, 30.0);
    world.wait("crowd", 240_000);
    world.seconds(8, 30.0);
    assert!(world.gate.asking().is_empty());
    assert!(world.gate.all_refused().is_some_and(|why| why.contains("camera crowd refused: needs")));
}

#[test]
fn a_camera_that_comes_while_it_runs_waits_like_any_other() {
    let mut world = World::asked(Admission::Later);
    world.seconds(2, 30.0);
    world.somebody_else_serves();
    world.cameras.wait_at(&world.gate);
    let crowd = live_camera("crowd", 240_000);
    world.cameras.add(&crowd).unwrap();
    assert!(matches!(world.cameras.add(&crowd), Err(CameraError::AlreadyThere(_))));
    world.seconds(8, 30.0);
    assert!(world.state_of("crowd").starts_with("refused: needs "), "{}", world.state_of("crowd"));
    assert_eq!(world.cameras(), ["other"]);
    world.cameras.remove(&crowd.id, REMOVAL).unwrap();
    assert!(world.gate.asking().is_empty(), "who is removed asks no more");
    world.cameras.add(&live_camera("late", 30)).unwrap();
    world.seconds(12, 30.0);
    assert_eq!(world.cameras(), ["late", "other"]);
}
