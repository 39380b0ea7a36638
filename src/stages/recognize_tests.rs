use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::flow::testing::{now, packet};
use crate::inference::{InferenceError, Look};
use crate::scene::{BBox, FaceObservation, Point, ScoreKind, TrackId, TrackPhase, TrackState};

/// Embeds a face as the direction its box's x points to: 0 → Ada, 100 → Bob, anything else in between.
struct Compass;

impl FaceEmbedder for Compass {
    fn embed(&mut self, looks: &[Look<'_>]) -> Result<Vec<Option<Embedding>>, InferenceError> {
        let direction = |look: &Look<'_>| {
            let angle = look.face.bbox.x / 100.0 * std::f32::consts::FRAC_PI_2;
            Some(Embedding { space: "compass".into(), values: [angle.cos(), angle.sin()].into() })
        };
        Ok(looks.iter().map(direction).collect())
    }
}

/// Ada lies along x, Bob along y; a cosine of 0.8 is enough.
#[derive(Clone, Default)]
struct TwoPeople {
    revision: Arc<AtomicU64>,
}

impl People for TwoPeople {
    fn identify(&mut self, embedding: &Embedding) -> Result<Match, StageError> {
        let [ada, bob] = [embedding.values[0], embedding.values[1]];
        let empty = self.revision() == 0;
        let (name, value) = if ada >= bob { ("ada", ada) } else { ("bob", bob) };
        let known = PersonId::new(name).map(IdentityDecision::Known).unwrap();
        let decision = if value >= 0.8 && !empty { known } else { IdentityDecision::Unknown };
        let score = Score { value, kind: ScoreKind::Cosine, threshold: 0.8 };
        Ok(Match { decision, score, margin: Some((ada - bob).abs()) })
    }

    fn revision(&self) -> u64 {
        self.revision.load(Ordering::Relaxed)
    }
}

struct Scene {
    stage: Recognize,
    people: TwoPeople,
    start: Instant,
    frame: u64,
}

impl Scene {
    fn new(config: &Config) -> Self {
        let people = TwoPeople::default();
        people.revision.store(1, Ordering::Relaxed);
        let dial = Arc::new(Dial::new(4, Duration::ZERO));
        let stage = Recognize::new(config, Box::new(Compass), Box::new(people.clone()), dial);
        Self { stage, people, start: now(), frame: 0 }
    }

    /// One frame, a third of a second after the last, with a confirmed face at `x`.
    fn see(&mut self, x: f32, width: f32) -> Finding<Identity> {
        self.see_all(&[x], width).remove(0)
    }

    /// The same with several, each on a track of its own.
    fn see_all(&mut self, at: &[f32], width: f32) -> Vec<Finding<Identity>> {
        let mut one = packet("gate", self.frame);
        one.detected = true;
        one.frame.captured.at = self.start + Duration::from_millis(self.frame * 333);
        self.frame += 1;
        one.faces = at.iter().zip(1..).map(|(x, track)| confirmed(*x, width, TrackId(track))).collect();
        let mut batch = vec![one];
        self.stage.process(&mut batch, self.start).unwrap();
        batch.remove(0).faces.into_iter().map(|face| face.identity).collect()
    }
}

fn confirmed(x: f32, width: f32, id: TrackId) -> FaceObservation {
    let eyes = [(0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8)];
    let landmarks = eyes.map(|(dx, dy)| Point::new(x + dx * width, dy * width));
    let face = FaceObservation::detected(BBox::new(x, 0.0, width, width), Some(landmarks), 0.9);
    FaceObservation { track: Some(TrackState { id, phase: TrackPhase::Confirmed, hits: 3 }), ..face }
}

fn decision(finding: &Finding<Identity>) -> Option<&IdentityDecision> {
    finding.known().map(|identity| &identity.decision)
}

fn person(id: &str) -> IdentityDecision {
    IdentityDecision::Known(PersonId::new(id).unwrap())
}

#[test]
fn asked_once_a_track_and_carried_on_every_frame() {
    let mut scene = Scene::new(&Config { again_after: Duration::from_secs(1), ..Config::default() });
    let answers: Vec<_> = (0..3).map(|_| scene.see(0.0, 100.0)).collect();
    assert!(answers.iter().all(|a| decision(a) == Some(&person("ada"))));
    assert!(answers.iter().all(|a| a.known().unwrap().looks == 1), "one look serves three frames");
    assert_eq!(scene.see(0.0, 100.0).known().unwrap().looks, 1, "0.999 s is not yet 1 s");
    assert_eq!(scene.see(0.0, 100.0).known().unwrap().looks, 2, "asked again when the answer is old");
}

#[test]
fn of_a_crowd_as_many_are_asked_about_a_frame_as_the_dial_says_and_everybody_has_a_turn() {
    let mut scene = Scene::new(&Config { again_after: Duration::from_millis(300), ..Config::default() });
    scene.stage.dial.set_looks(2, 1.0);
    let looks = |answers: &[Finding<Identity>]| answers.iter().map(|a| a.known().map_or(0, |id| id.looks)).collect();
    let crowd = [0.0; 5];
    let seen: Vec<Vec<u32>> = (0..5).map(|_| looks(&scene.see_all(&crowd, 100.0))).collect();
    assert_eq!(seen[0], [1, 1, 0, 0, 0]);
    assert_eq!(seen[1], [1, 1, 1, 1, 0], "not the first two again, although they are due");
    assert_eq!(seen[2], [2, 1, 1, 1, 1], "the fifth before anybody is asked about again");
    assert_eq!(seen[4].iter().sum::<u32>(), 10);
}

#[test]
fn known_faces_are_asked_about_again_later_when_the_dial_says_so() {
    let mut scene = Scene::new(&Config { again_after: Duration::from_secs(1), ..Config::default() });
    scene.stage.dial.set_looks(usize::MAX, 3.0);
    let seen: Vec<u32> = (0..11).map(|_| scene.see(0.0, 100.0).known().unwrap().looks).collect();
    assert_eq!(seen, [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2], "three seconds instead of one");
}

#[test]
fn split_votes_are_ambiguous_and_strangers_unknown() {
    let mut scene = Scene::new(&Config { looks: 9, ..Config::default() });
    scene.see(0.0, 100.0);
    assert_eq!(decision(&scene.see(100.0, 100.0)), Some(&IdentityDecision::Ambiguous));
    let mut scene = Scene::new(&Config::default());
    assert_eq!(decision(&scene.see(50.0, 100.0)), Some(&IdentityDecision::Unknown));
}

#[test]
fn too_small_is_not_asked() {
    assert_eq!(Scene::new(&Config::default()).see(0.0, 20.0), Finding::NotAsked);
}

#[test]
fn a_person_enrolled_meanwhile_is_recognised_without_another_look() {
    let mut scene = Scene::new(&Config::default());
    scene.people.revision.store(0, Ordering::Relaxed);
    assert_eq!(decision(&scene.see(0.0, 100.0)), Some(&IdentityDecision::Unknown));
    scene.people.revision.store(2, Ordering::Relaxed);
    let answer = scene.see(0.0, 100.0);
    assert_eq!((decision(&answer), answer.known().unwrap().looks), (Some(&person("ada")), 1));
}
