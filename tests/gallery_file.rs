//! The gallery as its users see it: people survive a restart, a running program hears of new ones, and a damaged file is a
//! sentence, never somebody else's face.

#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

use std::{fs, path::Path, time::UNIX_EPOCH};

use fastrand::Rng;
use flyball::{
    gallery::{Enrolment, Gallery, GalleryError, Gate, Refusal},
    memory::Pixels,
    scene::{BBox, FaceObservation, IdentityDecision, PersonId, Point, Size, Space},
    vision::{Metric, SpaceInfo},
};

const SEED: u64 = 20_261_123;
const DIMS: usize = 128;

fn space(name: &str) -> SpaceInfo {
    SpaceInfo { name: Space::from(name), dims: DIMS, metric: Metric::Cosine, known: 0.5, margin: 0.05 }
}

fn face(space: &SpaceInfo, seed: u64) -> flyball::scene::Embedding {
    let mut rng = Rng::with_seed(SEED + seed);
    let raw: Vec<f32> = (0..DIMS).map(|_| rng.f32() - 0.5).collect();
    space.embed(&raw).unwrap()
}

fn id(text: &str) -> PersonId {
    PersonId::new(text).unwrap()
}

fn enrolment(space: &SpaceInfo, person: &str, seed: u64) -> Enrolment {
    Enrolment {
        person: id(person),
        name: person.to_uppercase(),
        embedding: face(space, seed),
        model: "cd".repeat(32),
        quality: 0.75,
        photo: format!("{person}.jpg"),
        added: UNIX_EPOCH + std::time::Duration::from_millis(1_795_000_000_123),
    }
}

fn decide(gallery: &Gallery, space: &SpaceInfo, seed: u64) -> IdentityDecision {
    let index = gallery.index(space).unwrap();
    index.search(&face(space, seed)).unwrap().decide(space)
}

#[test]
fn people_survive_a_restart_and_leave_when_removed() {
    let dir = tempfile::tempdir().unwrap();
    let (path, space) = (dir.path().join("people.redb"), space("a"));
    let all = [enrolment(&space, "anna", 1), enrolment(&space, "anna", 2), enrolment(&space, "bert", 3)];
    {
        let gallery = Gallery::open(&path).unwrap();
        assert!(gallery.people().is_empty() && !path.exists());
        gallery.add_all(&all).unwrap();
    }
    let gallery = Gallery::open(&path).unwrap();
    assert_eq!(gallery.list(), all);
    assert_eq!(gallery.name(&id("anna")).as_deref(), Some("ANNA"));
    assert_eq!(decide(&gallery, &space, 3), IdentityDecision::Known(id("bert")));
    assert_eq!(decide(&gallery, &space, 99), IdentityDecision::Unknown);
    assert_eq!(gallery.remove(&id("anna")).unwrap(), 2);
    assert_eq!(decide(&gallery, &space, 1), IdentityDecision::Unknown);
    assert!(matches!(gallery.remove(&id("anna")), Err(GalleryError::NoSuchPerson { .. })));
    assert_eq!(Gallery::open(&path).unwrap().people().len(), 1);
}

#[test]
fn a_running_program_hears_of_people_added_elsewhere() {
    let dir = tempfile::tempdir().unwrap();
    let (path, space) = (dir.path().join("people.redb"), space("a"));
    let running = Gallery::open(&path).unwrap();
    let before = running.index(&space).unwrap();
    assert!(!running.refresh().unwrap());
    Gallery::open(&path).unwrap().add(&enrolment(&space, "anna", 1)).unwrap();
    assert!(running.refresh().unwrap());
    assert!(!running.refresh().unwrap(), "reading does not count as a change");
    assert!(before.is_empty(), "an index in use stays what it was");
    assert_eq!(decide(&running, &space, 1), IdentityDecision::Known(id("anna")));
}

#[test]
fn two_programs_adding_at_once_lose_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("people.redb");
    let space = space("a");
    std::thread::scope(|scope| {
        for who in ["anna", "bert"] {
            let (path, space) = (&path, &space);
            scope.spawn(move || {
                let gallery = Gallery::open(path).unwrap();
                for seed in 0..10 {
                    gallery.add(&enrolment(space, who, seed)).unwrap();
                    gallery.refresh().unwrap();
                }
            });
        }
    });
    assert_eq!(Gallery::open(&path).unwrap().list().len(), 20);
}

#[test]
fn another_model_needs_another_enrolment_and_says_who() {
    let dir = tempfile::tempdir().unwrap();
    let gallery = Gallery::open(dir.path().join("people.redb")).unwrap();
    let (old, new) = (space("old"), space("new"));
    gallery.add(&enrolment(&old, "anna", 1)).unwrap();
    assert_eq!(decide(&gallery, &new, 1), IdentityDecision::Unknown);
    assert_eq!(gallery.missing(&new.name).iter().map(|p| p.name.as_str()).collect::<Vec<_>>(), ["ANNA"]);
    let mixed = gallery.index(&old).unwrap().search(&face(&new, 1)).unwrap_err();
    assert!(mixed.to_string().contains("enrol the people again"), "{mixed}");
}

#[test]
fn the_same_face_under_another_name_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (gallery, space) = (Gallery::open(dir.path().join("people.redb")).unwrap(), space("a"));
    gallery.add(&enrolment(&space, "anna", 1)).unwrap();
    let told = |seed, person| gallery.lookalike(&space, &face(&space, seed), &id(person)).unwrap();
    let refusal = told(1, "bert").unwrap().to_string();
    assert!(refusal.contains("looks like ANNA (anna"), "{refusal}");
    assert_eq!(told(1, "anna"), None, "another photo of anna");
    assert_eq!(told(2, "bert"), None);
}

/// What a user is told about a file with these bytes.
fn told(path: &Path, bytes: &[u8]) -> Result<Vec<Enrolment>, GalleryError> {
    fs::write(path, bytes).unwrap();
    Gallery::open(path).map(|g| g.list())
}

#[test]
fn a_damaged_file_is_a_sentence_and_never_somebody_else() {
    let dir = tempfile::tempdir().unwrap();
    let (path, space) = (dir.path().join("people.redb"), space("a"));
    let gallery = Gallery::open(&path).unwrap();
    (0..5).for_each(|i| gallery.add(&enrolment(&space, &format!("p{i}"), i)).unwrap());
    let (sound, everybody) = (fs::read(&path).unwrap(), gallery.list());
    let text = told(&path, b"this is no gallery, it is a shopping list").unwrap_err().to_string();
    assert!(text.contains("people.redb") && text.contains("damaged or no gallery"), "{text}");
    assert!(told(&path, &sound[..sound.len() / 2]).is_err(), "cut in half");
    let renamed = String::from_utf8_lossy(&sound).matches("\"P3\"").count();
    assert!(renamed > 0, "the name is stored as written");
    let other: Vec<u8> = replaced(&sound, b"\"P3\"", b"\"P4\"");
    assert!(told(&path, &other).is_err(), "somebody else's name");
    let mut rng = Rng::with_seed(SEED);
    let mut refused = 0;
    for _ in 0..150 {
        // Most of the file is empty or left over from earlier changes; the rest must be noticed.
        let mut bytes = sound.clone();
        for _ in 0..20 {
            bytes[rng.usize(..sound.len())] ^= 1 << rng.u8(..8);
        }
        match told(&path, &bytes) {
            Ok(found) => assert_eq!(found, everybody, "seed {SEED}: a flipped bit went unnoticed"),
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 10, "seed {SEED}: only {refused} of 150 damaged files were noticed");
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for at in 0..=bytes.len() - from.len() {
        if bytes[at..].starts_with(from) {
            out[at..at + to.len()].copy_from_slice(to);
        }
    }
    out
}

#[test]
fn folders_that_are_not_there_are_named() {
    let gallery = Gallery::open("/nowhere/at/all/people.redb").unwrap();
    let text = gallery.add(&enrolment(&space("a"), "anna", 1)).unwrap_err().to_string();
    assert!(text.contains("/nowhere/at/all/people.redb") && text.contains("folder"), "{text}");
}

fn photo() -> Pixels {
    let check = |i: u32| {
        if (i % 640 / 8 + i / 640 / 8).is_multiple_of(2) { 40 } else { 200 }
    };
    Pixels::rgb(Size::new(640, 480), (0..640 * 480).flat_map(|i| [check(i); 3]).collect()).unwrap()
}

fn somebody(x: f32, side: f32) -> FaceObservation {
    let at = |u: f32, v: f32| Point::new(x + u * side, 50.0 + v * side);
    let points = [at(0.3, 0.35), at(0.7, 0.35), at(0.5, 0.55), at(0.35, 0.75), at(0.65, 0.75)];
    FaceObservation::detected(BBox::new(x, 50.0, side, side), Some(points), 0.9)
}

#[test]
fn poor_photos_are_refused_with_a_reason() {
    let (gate, photo) = (Gate::default(), photo());
    let why = |faces: &[FaceObservation], photo: &Pixels| gate.choose(faces, photo).unwrap_err();
    assert_eq!(why(&[], &photo), Refusal::NoFace);
    assert_eq!(why(&[somebody(10.0, 150.0), somebody(300.0, 120.0)], &photo), Refusal::SeveralFaces { count: 2 });
    assert!(matches!(why(&[somebody(10.0, 40.0)], &photo), Refusal::TooSmall { .. }));
    let grey = Pixels::rgb(Size::new(640, 480), vec![90; 640 * 480 * 3]).unwrap();
    assert!(matches!(why(&[somebody(10.0, 150.0)], &grey), Refusal::TooBlurred { .. }));
    let mut turned = somebody(10.0, 150.0);
    turned.landmarks.as_mut().unwrap()[2].x += 45.0;
    assert!(matches!(why(&[turned], &photo), Refusal::TooTurned { .. }));
    let passers_by = [somebody(300.0, 50.0), somebody(10.0, 150.0)];
    let (chosen, quality) = gate.choose(&passers_by, &photo).unwrap();
    assert!(chosen == 1 && quality.overall > 0.5, "{quality:?}");
}
