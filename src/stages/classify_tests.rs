//! What `classify` answers over a track, on scripted looks.

use super::*;
use crate::flow::testing::{now, packet};
use crate::inference::{InferenceError, Look};
use crate::scene::{BBox, FaceObservation, TrackId, TrackPhase, TrackState};

/// Calls every face as many years old as the look's number times ten, and the detector's score its gender.
struct Counting(f32);

impl FaceClassifier for Counting {
    fn classify(&mut self, looks: &[Look<'_>]) -> Result<Vec<Attributes>, InferenceError> {
        self.0 += 10.0;
        let known = |value| Finding::Known { value, confidence: 0.5 };
        let one = |look: &Look<'_>| Attributes {
            age: known(self.0),
            female: known(look.face.score),
            pose: Finding::Known { value: HeadPose { yaw: self.0, ..HeadPose::default() }, confidence: 1.0 },
            ..Attributes::default()
        };
        Ok(looks.iter().map(one).collect())
    }
}

/// Plays frames at ten a second with one face; returns what is known of it after each.
fn play(frames: u64, score: f32, phase: TrackPhase) -> Vec<Attributes> {
    let dial = Arc::new(Dial::new(1, Duration::ZERO));
    let mut stage = Classify::new(Config { looks: 3, ..Config::default() }, Box::new(Counting(0.0)), dial);
    let (start, mut answers) = (now(), Vec::new());
    for n in 0..frames {
        let mut one = packet("gate", n);
        one.detected = true;
        one.frame.captured.at = start + Duration::from_millis(n * 100);
        let mut face = FaceObservation::detected(BBox::new(0.0, 0.0, 90.0, 90.0), None, score);
        face.track = Some(TrackState { id: TrackId(1), phase, hits: 3 });
        one.faces.push(face);
        let mut batch = vec![one];
        stage.process(&mut batch, start).unwrap();
        answers.push(batch[0].faces[0].attributes);
    }
    answers
}

#[test]
fn an_age_is_the_mean_of_enough_looks_and_a_pose_that_of_the_newest() {
    let answers = play(30, 0.9, TrackPhase::Confirmed);
    assert_eq!(answers[0].age, Finding::Unsure, "one look is not enough");
    assert_eq!(answers[4].age, Finding::Known { value: 20.0, confidence: 0.5 }, "10, 20 and 30");
    assert!((answers[0].pose.known().unwrap().yaw - 10.0).abs() < 1e-3);
    assert_eq!(
        answers[29].age,
        Finding::Known { value: 30.0, confidence: 0.5 },
        "20, 30 and 40: once more after two seconds"
    );
    assert!((answers[29].pose.known().unwrap().yaw - 40.0).abs() < 1e-3);
    assert_eq!(answers[29].synthetic, Finding::NotAsked);
}

#[test]
fn a_gender_near_one_half_stays_inconclusive() {
    assert_eq!(play(10, 0.55, TrackPhase::Confirmed)[9].female, Finding::Unsure);
    assert_eq!(play(10, 0.1, TrackPhase::Confirmed)[9].female.known(), Some(&0.1));
}

#[test]
fn a_face_not_yet_believed_is_not_asked_about() {
    assert!(play(10, 0.9, TrackPhase::Tentative).iter().all(|answer| !answer.asked()));
}
