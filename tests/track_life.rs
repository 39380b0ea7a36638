//! A track's life: a face hides, fades, leaves and comes back; frames are skipped; cameras come and go.

#![allow(clippy::disallowed_methods, reason = "a test needs some instant to start from")]
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod world;

use std::time::{Duration, Instant};

use fastrand::Rng;
use flyball::{
    flow::Stage,
    scene::{Point, TrackId},
    stages::track::{Config as TrackConfig, Track},
};
use world::{Clock, FPS, Person, SEED, numbers, seconds, watch};

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
fn the_configuration_reads_and_refuses() {
    let read = |text: &str| serde_json::from_str::<TrackConfig>(text);
    assert_eq!(read(r#"{"lost_ms": 500}"#).unwrap(), TrackConfig { lost_ms: 500, ..TrackConfig::default() });
    assert!(read(r#"{"lost_secs": 1}"#).unwrap_err().to_string().contains("lost_secs"));
}
