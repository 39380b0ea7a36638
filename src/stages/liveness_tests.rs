use super::*;
use crate::flow::testing::{now, packet};
use crate::inference::InferenceError;
use crate::scene::{BBox, TrackId, TrackPhase, TrackState};

/// Answers with the face's own detector score, and counts.
struct Mirror(Arc<std::sync::atomic::AtomicUsize>);

impl LivenessJudge for Mirror {
    fn judge(&mut self, looks: &[Look<'_>]) -> Result<Vec<Option<f32>>, InferenceError> {
        self.0.fetch_add(looks.len(), std::sync::atomic::Ordering::Relaxed);
        Ok(looks.iter().map(|look| Some(look.face.score)).collect())
    }
}

/// Plays `frames` frames at 30 a second with one face of the given width and score; returns the answers and looks taken.
fn play(config: &Config, frames: u64, width: f32, score: f32) -> (Vec<Finding<Answer>>, usize) {
    let (looks, dial) = (Arc::default(), Arc::new(Dial::new(1, Duration::ZERO)));
    let mut stage = Liveness::new(config.clone(), Box::new(Mirror(Arc::clone(&looks))), dial);
    let (start, mut answers) = (now(), Vec::new());
    for n in 0..frames {
        let mut one = packet("gate", n);
        one.detected = true;
        one.frame.captured.at = start + Duration::from_millis(n * 33);
        let mut face = FaceObservation::detected(BBox::new(0.0, 0.0, width, width), None, score);
        face.track = Some(TrackState { id: TrackId(1), phase: TrackPhase::Confirmed, hits: 3 });
        one.faces.push(face);
        let mut batch = vec![one];
        stage.process(&mut batch, start).unwrap();
        answers.push(batch[0].faces[0].liveness);
    }
    (answers, looks.load(std::sync::atomic::Ordering::Relaxed))
}

fn live(answer: &Finding<Answer>) -> Option<bool> {
    answer.known().map(|a| a.live)
}

#[test]
fn inconclusive_until_enough_looks_then_an_answer() {
    let (answers, looks) = play(&Config::default(), 30, 100.0, 0.97);
    assert_eq!(answers[0], Finding::Unsure);
    assert_eq!(live(&answers[29]), Some(true));
    assert_eq!(looks, 5, "five looks at birth and none more within the second");
}

#[test]
fn a_frame_the_recogniser_asked_about_is_left_alone_once() {
    let mut face = FaceObservation::default();
    let mut memory = Memory::default();
    assert!(!memory.puts_off(&face), "nobody else asks");
    face.embedding = Some(crate::scene::Embedding { space: "s".into(), values: [1.0].into() });
    assert_eq!([0; 4].map(|_| memory.puts_off(&face)), [true, false, true, false], "never two frames in a row");
}

#[test]
fn a_picture_fails_and_a_doubtful_face_stays_inconclusive() {
    assert_eq!(live(play(&Config::default(), 30, 100.0, 0.02).0.last().unwrap()), Some(false));
    assert_eq!(*play(&Config::default(), 30, 100.0, 0.55).0.last().unwrap(), Finding::Unsure);
}

#[test]
fn a_face_too_small_is_not_asked_about() {
    let (answers, looks) = play(&Config::default(), 30, 20.0, 0.9);
    assert!(answers.iter().all(|a| *a == Finding::NotAsked));
    assert_eq!(looks, 0);
}

#[test]
fn a_face_that_must_blink_waits_for_it_and_a_failed_one_does_not() {
    let answer =
        |live| Answer { live, score: Score { value: 0.9, kind: ScoreKind::Probability, threshold: 0.5 }, looks: 5 };
    let known = |live| Finding::Known { value: answer(live), confidence: 1.0 };
    let held = |live, blinks, needed| {
        let mut face = FaceObservation { liveness: known(live), blinks, ..FaceObservation::default() };
        hold_back(&mut face, needed);
        face.liveness
    };
    assert_eq!(held(true, Finding::NotAsked, 0), known(true), "nobody asked for blinks");
    assert_eq!(held(true, Finding::NotAsked, 1), Finding::Unsure, "nobody watches the eyes");
    assert_eq!(held(true, Finding::Known { value: 1, confidence: 1.0 }, 1), known(true));
    assert_eq!(held(false, Finding::Known { value: 0, confidence: 1.0 }, 1), known(false));
}
