//! Who gets an old number back, and who must not.

use super::*;
use crate::{
    scene::{BBox, Space, TrackState},
    vision::Metric,
};

fn space() -> SpaceInfo {
    let name = Space::from("test");
    SpaceInfo { name, dims: 3, metric: Metric::Cosine, known: 0.5, margin: 0.05 }
}

fn face(id: u64, look: Option<[f32; 3]>) -> FaceObservation {
    let mut face = FaceObservation::detected(BBox::default(), None, 0.9);
    face.track = Some(TrackState { id: TrackId(id), phase: TrackPhase::Confirmed, hits: 5 });
    face.embedding = look.map(|raw| space().embed(&raw).unwrap());
    face
}

/// One frame: returns the numbers the faces end up with.
fn frame(reunion: &mut Reunion, ms: u64, mut faces: Vec<FaceObservation>) -> Vec<u64> {
    reunion.rename(&mut faces, Duration::from_millis(ms));
    reunion.settle(&mut faces, &space()).unwrap();
    faces.iter().map(|f| f.track.unwrap().id.0).collect()
}

const ANNA: Option<[f32; 3]> = Some([1.0, 0.1, 0.0]);
const BERT: Option<[f32; 3]> = Some([0.0, 1.0, 0.2]);

fn camera() -> Reunion {
    Reunion::new(Duration::from_secs(3))
}

#[test]
fn a_person_back_within_three_seconds_keeps_the_number() {
    let mut camera = camera();
    assert_eq!(frame(&mut camera, 0, vec![face(1, ANNA), face(2, BERT)]), [1, 2]);
    assert_eq!(frame(&mut camera, 2500, vec![face(3, None)]), [3], "nobody looked yet");
    assert_eq!(frame(&mut camera, 2600, vec![face(3, ANNA)]), [1]);
    assert_eq!(frame(&mut camera, 2700, vec![face(3, None)]), [1], "and keeps it without another look");
}

#[test]
fn whoever_comes_back_after_a_gap_is_to_be_looked_at_again() {
    let mut camera = camera();
    let mut back = |ms| camera.rename(&mut [face(1, None)], Duration::from_millis(ms));
    assert_eq!((back(0), back(200)), (vec![], vec![]));
    assert_eq!((back(700), back(740)), (vec![TrackId(1)], vec![]));
}

#[test]
fn hits_go_on_counting() {
    let mut camera = camera();
    frame(&mut camera, 0, vec![face(1, ANNA)]);
    let mut faces = vec![face(2, ANNA)];
    camera.rename(&mut faces, Duration::from_secs(1));
    assert_eq!(camera.settle(&mut faces, &space()), Ok(vec![(TrackId(2), TrackId(1))]));
    assert_eq!(faces[0].track.unwrap().hits, 10);
}

#[test]
fn later_comers_and_strangers_stay_themselves() {
    let mut camera = camera();
    frame(&mut camera, 0, vec![face(1, ANNA)]);
    assert_eq!(frame(&mut camera, 1000, vec![face(2, BERT)]), [2]);
    assert_eq!(frame(&mut camera, 3500, vec![face(3, ANNA)]), [3], "anna left 3.5 s ago");
}

#[test]
fn twins_seen_together_are_two_people() {
    let mut camera = camera();
    assert_eq!(frame(&mut camera, 0, vec![face(1, ANNA), face(2, ANNA)]), [1, 2]);
    assert_eq!(frame(&mut camera, 100, vec![face(2, None)]), [2]);
    assert_eq!(frame(&mut camera, 900, vec![face(2, None), face(3, ANNA)]), [2, 1], "2 is still here, so 3 is 1");
}

#[test]
fn two_lost_lookalikes_make_no_guess() {
    let mut camera = camera();
    frame(&mut camera, 0, vec![face(1, ANNA), face(2, ANNA)]);
    assert_eq!(frame(&mut camera, 500, vec![face(3, ANNA)]), [3]);
}

#[test]
fn a_track_that_began_before_the_other_ended_is_somebody_else() {
    let mut camera = camera();
    frame(&mut camera, 0, vec![face(1, ANNA), face(2, None)]);
    assert_eq!(frame(&mut camera, 500, vec![face(2, ANNA)]), [2]);
}

#[test]
fn embeddings_of_another_model_are_refused() {
    let mut camera = camera();
    let mut faces = vec![face(1, ANNA)];
    faces[0].embedding.as_mut().unwrap().space = Space::from("other");
    camera.rename(&mut faces, Duration::ZERO);
    assert!(camera.settle(&mut faces, &space()).is_err());
}
