//! A track's life: a face hides, fades, leaves and comes back; frames are skipped; cameras come and go.

#![allow(clippy::disallowed_methods, reason = "a test needs some instant to start from")]
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod world;

use std::time::{Duration, Instant};

use fastrand::Rng;
use flyball::{
    flow::Stage,
    scene::{Point, TrackId, TrackPhase},
    stages::track::{Config as TrackConfig, Track},
    vision::{Metric, Pace, Reunion, SpaceInfo},
};
use world::{Clock, FPS, Person, SEED, Said, name, numbers, seconds, switches, watch};

#[test]
fn a_short_occlusion_keeps_the_number_and_a_long_absence_does_not() {
    let mut rng = Rng::with_seed(SEED);
    let person = Person { name: 1, from: Point::new(50.0, 80.0), speed: Point::new(60.0, 0.0), size: 70.0 };
    let mut gone_for = |frames: u32| {
        let said = watch(0..150, |frame| {
            let there = !(40..40 + frames).contains(&frame);
            there.then(|| person.seen(seconds(frame), &mut rng, 0.05)).into_iter().collect()
        });
        numbers(&said).len()
    };
    assert_eq!(gone_for(FPS * 8 / 10), 1);
    assert_eq!(gone_for(FPS * 2), 2);
}

#[test]
fn a_face_that_fades_is_kept_by_doubtful_detections_and_noise_begins_nothing() {
    let mut rng = Rng::with_seed(SEED);
    let person = Person { name: 1, from: Point::new(50.0, 80.0), speed: Point::new(0.0, 0.0), size: 70.0 };
    let said = watch(0..120, |frame| {
        let mut face = person.seen(seconds(frame), &mut rng, 0.05);
        if (30..90).contains(&frame) {
            face.score = 0.4;
        }
        let mut ghost = Person { name: 9, from: Point::new(300.0, 80.0), ..person }.seen(0.0, &mut rng, 0.05);
        ghost.score = 0.5;
        vec![face, ghost]
    });
    assert_eq!(numbers(&said).len(), 1);
    assert_eq!(said.len(), 118, "confirmed on the third frame and found on each one after");
}

#[test]
fn skipped_frames_are_filled_in_where_the_face_will_be() {
    let clock = Clock(Instant::now());
    let mut rng = Rng::with_seed(SEED);
    let mut track = Track::new(TrackConfig::default());
    let person = Person { name: 1, from: Point::new(50.0, 80.0), speed: Point::new(150.0, 30.0), size: 70.0 };
    for frame in 0..90 {
        let looked = frame < 20 || frame % 3 == 0;
        let faces = if looked { vec![person.seen(seconds(frame), &mut rng, 0.01)] } else { Vec::new() };
        let mut packet = clock.packet("a", frame, faces);
        packet.detected = looked;
        let mut batch = vec![packet];
        track.process(&mut batch, clock.0).unwrap();
        assert_eq!(batch[0].faces.len(), 1, "frame {frame}");
        let face = &batch[0].faces[0];
        assert_eq!(face.track.unwrap().id, TrackId(1));
        let (told, real) = (face.bbox, person.at(seconds(frame)));
        assert!(flyball::vision::iou(told, real) > 0.85, "frame {frame}: {told:?}, really {real:?}");
        let nose = face.landmarks.unwrap()[2];
        assert!((nose.x - told.center().x).abs() < 2.0, "landmarks move along");
    }
}

#[test]
fn cameras_do_not_know_each_other_and_idle_ones_are_forgotten() {
    let clock = Clock(Instant::now());
    let mut rng = Rng::with_seed(SEED);
    let mut track = Track::new(TrackConfig::default());
    let person = Person { name: 1, from: Point::new(50.0, 80.0), speed: Point::new(0.0, 0.0), size: 70.0 };
    let mut see = |cameras: &[&str], frame: u32| {
        let faces = || vec![person.seen(0.0, &mut Rng::with_seed(SEED), 0.05)];
        let mut batch: Vec<_> = cameras.iter().map(|c| clock.packet(c, frame, faces())).collect();
        track.process(&mut batch, clock.0 + Duration::from_secs(1) * frame / FPS).unwrap();
        batch.iter().map(|p| p.faces[0].track.unwrap()).map(|t| (t.id.0, t.hits)).collect::<Vec<_>>()
    };
    let _ = rng.f32();
    assert_eq!(see(&["a"], 0), [(1, 1)]);
    assert_eq!(see(&["a", "b"], 1), [(1, 2), (1, 1)], "each camera counts for itself");
    assert_eq!(see(&["b"], FPS * 100), [(2, 1)], "never reused");
    assert_eq!(see(&["a"], FPS * 100), [(2, 1)], "never reused");
}

#[test]
fn values_out_of_range_are_named() {
    assert!(TrackConfig::default().problems().is_empty());
    let wrong = TrackConfig { doubtful: 0.9, confirm_hits: 0, ..TrackConfig::default() };
    let problems = wrong.problems();
    assert!(problems.len() == 2 && problems[0].contains("`doubtful`") && problems[1].contains("`confirm_hits`"));
}

#[test]
fn seconds_behind_a_pillar_are_bridged_by_the_face_itself() {
    let space = SpaceInfo { name: "test".into(), dims: 4, metric: Metric::Cosine, known: 0.5, margin: 0.05 };
    let look = |who: u16| space.embed(&[0, 1, 2, 3].map(|i| if i == who { 1.0 } else { 0.1 })).unwrap();
    let clock = Clock(Instant::now());
    let (mut track, mut pace) = (Track::new(TrackConfig::default()), Pace::default());
    let mut reunion = Reunion::new(Duration::from_secs(3));
    let mut rng = Rng::with_seed(SEED);
    let person = |name, x| Person { name, from: Point::new(x, 80.0), speed: Point::new(0.0, 0.0), size: 70.0 };
    let (anna, bert, carl) = (person(0, 100.0), person(1, 400.0), person(2, 100.0));
    let mut said = Said::new();
    for frame in 0..180 {
        let there = [(anna, frame < 60), (carl, (92..102).contains(&frame)), (anna, frame >= 136), (bert, true)];
        let seen = there.iter().filter(|(_, there)| *there);
        let mut batch = vec![clock.packet("a", frame, seen.map(|(p, _)| p.seen(0.0, &mut rng, 0.04)).collect())];
        track.process(&mut batch, clock.0).unwrap();
        let now = pace.advance(&batch[0].frame.captured);
        let faces = &mut batch[0].faces;
        reunion.rename(faces, now);
        for face in faces.iter_mut().filter(|f| f.track.unwrap().phase == TrackPhase::Confirmed) {
            face.embedding = Some(look(name(face)));
        }
        reunion.settle(faces, &space).unwrap();
        let believed = faces.iter().filter(|f| f.track.unwrap().phase == TrackPhase::Confirmed);
        said.extend(believed.map(|f| (frame, name(f), f.track.unwrap().id)));
    }
    assert_eq!(switches(&said), 0, "anna came back after two and a half seconds, carl stood in her place meanwhile");
    assert_eq!(numbers(&said).len(), 3);
}

#[test]
fn the_configuration_reads_and_refuses() {
    let read = |text: &str| serde_json::from_str::<TrackConfig>(text);
    assert_eq!(read(r#"{"lost_ms": 500}"#).unwrap(), TrackConfig { lost_ms: 500, ..TrackConfig::default() });
    assert!(read(r#"{"lost_secs": 1}"#).unwrap_err().to_string().contains("lost_secs"));
}
