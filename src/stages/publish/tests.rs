//! Visits as subscribers see them: a story of frames goes in, the list of events comes out.

use std::time::{Duration, Instant, SystemTime};

use super::{
    rules::Rules,
    visits::{Change, Ending, Look, Step, Visits},
};
use crate::scene::{
    BBox, CameraId, Capture, Embedding, FaceObservation, Finding, Identity, IdentityDecision, Liveness, PersonId,
    Score, ScoreKind, Size, TrackId, TrackPhase, TrackState,
};

const THRESHOLD: f32 = 0.5;

fn rules() -> Rules {
    super::Config::default().rules()
}

/// Frames of cameras at given milliseconds, and the changes they caused.
struct Story {
    visits: Visits,
    begin: Instant,
    frame: u64,
    changes: Vec<Change>,
}

impl Story {
    fn new() -> Self {
        Self {
            visits: Visits::new(rules()),
            #[allow(clippy::disallowed_methods, reason = "tests need some instant to count from")]
            begin: Instant::now(),
            frame: 0,
            changes: Vec::new(),
        }
    }

    fn capture(&self, ms: u64) -> Capture {
        let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000) + Duration::from_millis(ms);
        Capture::on_arrival(self.begin + Duration::from_millis(ms), wall, None)
    }

    fn on(&mut self, camera: &str, ms: u64, faces: &[FaceObservation]) -> &mut Self {
        let captured = self.capture(ms);
        self.frame += 1;
        let look = |face: &FaceObservation| Look {
            frame: self.frame,
            captured,
            size: Size { w: 640, h: 360 },
            face: face.clone(),
        };
        let looks = faces.iter().map(look).collect();
        let changes = self.visits.observe(&CameraId::new(camera).unwrap(), looks, &captured);
        self.changes.extend(changes);
        self
    }

    fn at(&mut self, ms: u64, faces: &[FaceObservation]) -> &mut Self {
        self.on("gate", ms, faces)
    }

    /// The same faces on every frame from `from` to `to`, 40 ms apart.
    fn during(&mut self, from: u64, to: u64, faces: &[FaceObservation]) -> &mut Self {
        for ms in (from..to).step_by(40) {
            self.at(ms, faces);
        }
        self
    }

    fn tick(&mut self, ms: u64) -> &mut Self {
        let changes = self.visits.tick(self.begin + Duration::from_millis(ms));
        self.changes.extend(changes);
        self
    }

    fn finish(&mut self) -> Vec<(u64, Step)> {
        let changes = self.visits.finish();
        self.changes.extend(changes);
        self.changes.iter().map(|c| (c.visit.number.0, c.step)).collect()
    }
}

fn face(track: u64) -> FaceObservation {
    let mut face = FaceObservation::detected(BBox::new(10.0, 10.0, 80.0, 80.0), None, 0.9);
    face.track = Some(TrackState { id: TrackId(track), phase: TrackPhase::Confirmed, hits: 3 });
    face
}

fn tentative(track: u64) -> FaceObservation {
    let mut face = face(track);
    face.track = face.track.map(|t| TrackState { phase: TrackPhase::Tentative, ..t });
    face
}

fn score(value: f32) -> Score {
    Score { value, kind: ScoreKind::Cosine, threshold: THRESHOLD }
}

fn identified(mut face: FaceObservation, decision: IdentityDecision) -> FaceObservation {
    let value = Identity { decision, score: score(0.7), margin: None, looks: 3 };
    face.identity = Finding::Known { value, confidence: 1.0 };
    face
}

fn known(track: u64, person: &str) -> FaceObservation {
    identified(face(track), IdentityDecision::Known(PersonId::new(person).unwrap()))
}

fn unknown(track: u64, direction: [f32; 2]) -> FaceObservation {
    let mut face = identified(face(track), IdentityDecision::Unknown);
    face.embedding = Some(Embedding { space: "test".into(), values: direction.into() });
    face
}

fn alive(mut face: FaceObservation, live: bool) -> FaceObservation {
    let value = Liveness { live, score: score(0.9), looks: 2 };
    face.liveness = Finding::Known { value, confidence: 1.0 };
    face
}

const LEFT: Step = Step::Closed(Ending::Left);
const SHUTDOWN: Step = Step::Closed(Ending::Shutdown);

#[test]
fn a_visit_opens_at_once_when_the_recogniser_has_answered() {
    let mut story = Story::new();
    story.at(0, &[known(1, "ann")]);
    assert_eq!(story.changes.len(), 1, "identity is answered on the first frame");
}

#[test]
fn a_visit_opens_after_a_while_without_an_answer_and_starts_at_its_first_frame() {
    let mut story = Story::new();
    story.during(0, 240, &[face(1)]);
    assert!(story.changes.is_empty(), "nobody could say yet who it is");
    story.at(260, &[face(1)]);
    let opened = &story.changes[0].visit;
    assert_eq!(opened.started, story.capture(0).wall);
    assert_eq!(opened.frames_seen, 7);
}

#[test]
fn tentative_tracks_and_faces_without_a_track_are_never_heard_of() {
    let mut story = Story::new();
    let mut loose = known(9, "ann");
    loose.track = None;
    story.during(0, 5_000, &[tentative(1), loose]);
    assert_eq!(story.finish(), []);
}

#[test]
fn a_face_that_comes_and_goes_is_one_pair() {
    let mut story = Story::new();
    story.during(0, 1_000, &[known(1, "ann")]).during(1_000, 4_000, &[]);
    assert_eq!(story.finish(), [(1, Step::Opened), (1, LEFT)]);
    let closed = &story.changes[1].visit;
    assert_eq!(closed.look.captured.wall, story.capture(960).wall, "it ended when it was last seen");
}

#[test]
fn two_seconds_out_of_sight_stay_one_visit_under_the_same_track() {
    let mut story = Story::new();
    story.during(0, 1_000, &[known(1, "ann")]).during(1_000, 2_900, &[]).during(2_900, 4_000, &[known(1, "ann")]);
    assert_eq!(story.finish(), [(1, Step::Opened), (1, SHUTDOWN)]);
}

#[test]
fn two_seconds_out_of_sight_stay_one_visit_under_a_new_track_of_the_same_person() {
    let mut story = Story::new();
    story.during(0, 1_000, &[known(1, "ann")]).during(1_000, 2_920, &[]);
    // Back just in time: the tracker needs three frames, the recogniser a while longer.
    story.during(2_920, 3_040, &[tentative(2)]).during(3_040, 3_400, &[face(2)]);
    story.during(3_400, 4_000, &[known(2, "ann")]);
    assert_eq!(story.finish(), [(1, Step::Opened), (1, SHUTDOWN)]);
}

#[test]
fn a_stranger_comes_back_by_the_likeness_of_the_face() {
    let mut story = Story::new();
    story.during(0, 1_000, &[unknown(1, [1.0, 0.0])]).during(1_000, 2_000, &[]);
    story.during(2_000, 3_000, &[unknown(2, [0.8, 0.6])]);
    assert_eq!(story.finish(), [(1, Step::Opened), (1, SHUTDOWN)]);
}

#[test]
fn another_stranger_is_another_visit() {
    let mut story = Story::new();
    story.during(0, 1_000, &[unknown(1, [1.0, 0.0])]).during(1_000, 2_000, &[]);
    story.during(2_000, 4_000, &[unknown(2, [0.0, 1.0])]);
    assert_eq!(story.finish(), [(1, Step::Opened), (2, Step::Opened), (1, LEFT), (2, SHUTDOWN)]);
}

#[test]
fn two_known_people_are_never_one_visit_however_alike() {
    let twin =
        |track, person| FaceObservation { embedding: unknown(track, [1.0, 0.0]).embedding, ..known(track, person) };
    let mut story = Story::new();
    story.during(0, 1_000, &[twin(1, "ann")]).during(1_040, 4_000, &[twin(2, "bea")]);
    assert_eq!(story.finish(), [(1, Step::Opened), (2, Step::Opened), (1, LEFT), (2, SHUTDOWN)]);
}

#[test]
fn the_same_person_on_two_cameras_is_two_visits() {
    let mut story = Story::new();
    story.on("gate", 0, &[known(1, "ann")]).on("yard", 40, &[known(1, "ann")]).on("gate", 80, &[]);
    story.on("yard", 120, &[known(2, "ann")]);
    assert_eq!(story.finish().len(), 4);
    let cameras: Vec<_> = story.changes.iter().map(|c| (c.visit.number.0, c.camera.to_string())).collect();
    assert!(cameras.contains(&(1, "gate".into())) && cameras.contains(&(2, "yard".into())));
}

#[test]
fn only_what_subscribers_act_on_is_an_update_and_not_too_often() {
    let mut story = Story::new();
    story.at(0, &[identified(face(1), IdentityDecision::Ambiguous)]);
    story.during(40, 2_000, &[identified(face(1), IdentityDecision::Ambiguous)]);
    assert_eq!(story.changes.len(), 1, "the same answer again is no news");
    story.at(2_000, &[known(1, "ann")]).at(2_040, &[alive(known(1, "ann"), true)]);
    assert_eq!(story.changes.len(), 2, "the second change within a second waits");
    story.during(2_080, 3_200, &[alive(known(1, "ann"), true)]);
    let steps = story.finish();
    assert_eq!(steps, [(1, Step::Opened), (1, Step::Updated), (1, Step::Updated), (1, SHUTDOWN)]);
}

#[test]
fn a_face_without_an_answer_does_not_take_an_earlier_answer_back() {
    let mut story = Story::new();
    story.at(0, &[alive(known(1, "ann"), true)]).during(40, 3_000, &[face(1)]);
    assert_eq!(story.finish(), [(1, Step::Opened), (1, SHUTDOWN)]);
    assert_eq!(story.changes[1].visit.person().unwrap().as_str(), "ann");
}

#[test]
fn a_silent_camera_loses_its_visits_but_a_stall_does_not() {
    let mut story = Story::new();
    story.at(0, &[known(1, "ann")]).tick(9_000);
    assert_eq!(story.changes.len(), 1, "nobody looked, so nobody left");
    story.tick(10_000).tick(10_100);
    assert_eq!(story.finish(), [(1, Step::Opened), (1, Step::Closed(Ending::CameraLost))]);
}

#[test]
fn a_file_played_faster_than_life_has_the_same_visits() {
    let mut story = Story::new();
    for frame in 0..200_u64 {
        let mut captured = story.capture(frame);
        captured.source = crate::scene::TimeSource::FilePosition;
        captured.pts = Some(Duration::from_millis(frame * 40));
        let seen = !(50..150).contains(&frame);
        let looks = seen.then(|| Look {
            frame,
            captured,
            size: Size { w: 640, h: 360 },
            face: known(if frame < 50 { 1 } else { 2 }, "ann"),
        });
        let camera = CameraId::new("clip").unwrap();
        let changes = story.visits.observe(&camera, looks.into_iter().collect(), &captured);
        story.changes.extend(changes);
    }
    let steps = story.finish();
    assert_eq!(
        steps,
        [(1, Step::Opened), (1, LEFT), (2, Step::Opened), (2, SHUTDOWN)],
        "four seconds apart in the clip"
    );
}

#[cfg(feature = "checks")]
mod any_sequence;
