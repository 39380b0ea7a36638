//! A seeded world for the tracker: people who walk straight lines, a detector that jitters, and what the tracker said of it.

#![allow(clippy::disallowed_methods, reason = "a test needs some instant to start from")]
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]
#![allow(dead_code, unreachable_pub, missing_docs, reason = "shared by several tests, each of which uses a part")]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use fastrand::Rng;
use flyball::{
    flow::Stage,
    memory::Pixels,
    scene::{BBox, CameraId, Capture, FaceObservation, Frame, Packet, Point, Size, TrackId, TrackPhase},
    stages::track::{Config as TrackConfig, Track},
};

pub const SEED: u64 = 20_261_123;
pub const FPS: u32 = 30;

/// A person walks a straight line at `speed` pixels a second; `name` is written into the landmarks, which the tracker
/// carries but never reads.
#[derive(Clone, Copy)]
pub struct Person {
    pub name: u16,
    pub from: Point,
    pub speed: Point,
    pub size: f32,
}

impl Person {
    pub fn at(&self, seconds: f32) -> BBox {
        let (x, y) = (self.from.x + self.speed.x * seconds, self.from.y + self.speed.y * seconds);
        BBox::new(x, y, self.size, self.size * 1.2)
    }

    pub fn seen(&self, seconds: f32, rng: &mut Rng, jitter: f32) -> FaceObservation {
        let b = self.at(seconds);
        let mut shake = |v: f32| v + (rng.f32() * 2.0 - 1.0) * jitter * self.size;
        let bbox = BBox::new(shake(b.x), shake(b.y), shake(b.w), shake(b.h));
        let mut landmarks = [bbox.center(); 5];
        landmarks[4] = Point::new(f32::from(self.name), 0.0);
        FaceObservation::detected(bbox, Some(landmarks), 0.9)
    }
}

pub fn name(face: &FaceObservation) -> u16 {
    face.landmarks.unwrap()[4].x as u16
}

pub fn camera(text: &str) -> CameraId {
    CameraId::new(text).unwrap()
}

pub struct Clock(pub Instant);

impl Clock {
    pub fn packet(&self, from: &str, frame: u32, faces: Vec<FaceObservation>) -> Packet {
        let at = Duration::from_secs(1) * frame / FPS;
        let captured = Capture::on_arrival(self.0 + at, SystemTime::UNIX_EPOCH + at, Some(at));
        let pixels = Arc::new(Pixels::rgb(Size::new(1, 1), vec![0; 3]).unwrap());
        let sequence = u64::from(frame);
        let mut packet = Packet::unbounded(Frame { camera: camera(from), sequence, captured, pixels });
        packet.faces = faces;
        packet.detected = true;
        packet
    }
}

/// What the tracker said: frame, person, number, for confirmed faces.
pub type Said = Vec<(u32, u16, TrackId)>;

pub fn watch(frames: impl Iterator<Item = u32>, mut see: impl FnMut(u32) -> Vec<FaceObservation>) -> Said {
    let clock = Clock(Instant::now());
    let mut track = Track::new(TrackConfig::default());
    let mut said = Vec::new();
    for frame in frames {
        let mut batch = vec![clock.packet("a", frame, see(frame))];
        track.process(&mut batch, clock.0).unwrap();
        for face in &batch[0].faces {
            let state = face.track.unwrap();
            if state.phase == TrackPhase::Confirmed {
                said.push((frame, name(face), state.id));
            }
        }
    }
    said
}

pub fn seconds(frame: u32) -> f32 {
    frame as f32 / FPS as f32
}

/// How often a person's number changed from one sighting to the next.
pub fn switches(said: &Said) -> usize {
    let mut last: BTreeMap<u16, TrackId> = BTreeMap::new();
    said.iter().filter(|(_, who, id)| last.insert(*who, *id).is_some_and(|before| before != *id)).count()
}

pub fn numbers(said: &Said) -> BTreeSet<TrackId> {
    said.iter().map(|s| s.2).collect()
}

/// People on a grid, each walking within its own cell: never closer than half a face.
pub fn crowd(count: u16, rng: &mut Rng) -> Vec<Person> {
    let person = |i: u16| Person {
        name: i,
        from: Point::new(f32::from(i % 8) * 150.0 + 20.0, f32::from(i / 8) * 130.0 + 20.0),
        speed: Point::new(rng.f32() * 12.0 - 6.0, rng.f32() * 8.0 - 4.0),
        size: 40.0 + rng.f32() * 20.0,
    };
    (0..count).map(person).collect()
}
