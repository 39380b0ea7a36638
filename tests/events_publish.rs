//! From packets to events: the `publish` sink, the outbox and an in-memory subscriber, without threads of a graph.
#![allow(clippy::unwrap_used, reason = "a test may end where it is wrong")]

use std::{
    sync::{Arc, Mutex, mpsc},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use flyball::{
    events::{
        Beginning, EventSink, MemoryBus, Recorded, Started, begin,
        keys::{Origin, PlaceId},
        wire::{
            CheckState, CloseReason, Data, Draft, Event, GapReason, IdentityDecision, Kind, NodeCondition, NodeHealth,
            UtcMicros,
        },
    },
    flow::Sink,
    memory::Pixels,
    scene::{
        BBox, CameraId, Capture, FaceObservation, Finding, Frame, Identity, IdentityDecision as Decision, Liveness,
        Packet, PersonId, Score, ScoreKind, Size, TrackId, TrackPhase, TrackState,
    },
    stages::publish::{Config, Provenance, Publish, PublishObserver, Surroundings},
};
use uuid::Uuid;

fn place(name: &str) -> PlaceId {
    PlaceId::new(name).unwrap()
}

fn started(sinks: Vec<Box<dyn EventSink>>) -> Started {
    let ids = Arc::new(Mutex::new(0_u128));
    begin(Beginning {
        site: place("hq"),
        node: place("box"),
        journal: None,
        sinks,
        clock: Arc::new(|| UNIX_EPOCH + Duration::from_hours(500_000)),
        fresh_id: Box::new(move || {
            let mut id = ids.lock().unwrap();
            *id += 1;
            Uuid::from_u128(*id)
        }),
    })
    .unwrap()
}

fn packet(begin: Instant, ms: u64, faces: Vec<FaceObservation>) -> Packet {
    let size = Size { w: 64, h: 32 };
    let wall = SystemTime::UNIX_EPOCH + Duration::from_hours(1) + Duration::from_millis(ms);
    let frame = Frame {
        camera: CameraId::new("gate").unwrap(),
        sequence: ms / 40,
        captured: Capture::on_arrival(begin + Duration::from_millis(ms), wall, None),
        pixels: Arc::new(Pixels::rgb(size, vec![0; 64 * 32 * 3]).unwrap()),
    };
    let mut packet = Packet::unbounded(frame);
    packet.faces = faces;
    packet
}

fn ann(live: Finding<Liveness>) -> FaceObservation {
    let score = |value, kind| Score { value, kind, threshold: 0.5 };
    let mut face = FaceObservation::detected(BBox::new(16.0, 8.0, 32.0, 16.0), None, 0.875);
    face.track = Some(TrackState { id: TrackId(4), phase: TrackPhase::Confirmed, hits: 3 });
    face.identity = Finding::Known {
        value: Identity {
            decision: Decision::Known(PersonId::new("p-1").unwrap()),
            score: score(0.75, ScoreKind::Cosine),
            margin: None,
            looks: 3,
        },
        confidence: 1.0,
    };
    face.liveness = live;
    face
}

struct Latencies(mpsc::Sender<Duration>);

impl PublishObserver for Latencies {
    fn posted(&mut self, latency: Duration, accepted: bool) {
        assert!(accepted);
        self.0.send(latency).unwrap();
    }
}

/// A visit of two seconds that turns out to be a photograph, then the end of the run.
fn story() -> (Vec<Arc<Event>>, Vec<Duration>) {
    let bus = MemoryBus::default();
    let started = started(vec![Box::new(bus.clone())]);
    let (sender, latencies) = mpsc::channel();
    let mut publish = Publish::new(
        &Config::default(),
        Surroundings {
            site: place("hq"),
            postbox: started.postbox,
            fresh_id: Box::new(Uuid::now_v7),
            provenance: Arc::new(Provenance::default),
            observer: Some(Box::new(Latencies(sender))),
        },
    );
    #[allow(clippy::disallowed_methods, reason = "tests need some instant to count from")]
    let begin = Instant::now();
    let photo =
        Liveness { live: false, score: Score { value: 0.25, kind: ScoreKind::Probability, threshold: 0.5 }, looks: 2 };
    for ms in (0..2_000).step_by(40) {
        let live = if ms < 1_200 { Finding::NotAsked } else { Finding::Known { value: photo, confidence: 1.0 } };
        let now = begin + Duration::from_millis(ms + 15);
        publish.consume(&mut vec![packet(begin, ms, vec![ann(live)])], now).unwrap();
    }
    publish.finish().unwrap();
    drop(publish);
    started.outbox.finish();
    (bus.events(), latencies.iter().collect())
}

#[test]
fn a_visit_is_told_in_three_events_that_follow_the_schema() {
    let (events, latencies) = story();
    let kinds: Vec<_> = events.iter().map(|e| e.kind.clone()).collect();
    assert_eq!(kinds, [Kind::VisitOpened, Kind::VisitUpdated, Kind::VisitClosed]);
    #[cfg(feature = "checks")]
    {
        let validator = jsonschema::validator_for(&flyball::events::wire::event_schema()).unwrap();
        for event in &events {
            let json = serde_json::to_value(&**event).unwrap();
            assert!(validator.is_valid(&json), "{json:#}");
        }
    }
    assert_eq!(latencies[..2], [Duration::from_millis(15); 2]);
}

#[test]
fn each_event_says_alone_what_is_known() {
    let (events, _) = story();
    let [opened, updated, closed] = [0, 1, 2].map(|n| events[n].visit().unwrap());
    assert!(events.iter().all(|e| e.subject == events[0].subject && e.source == "/flyball/hq/gate"));
    assert_eq!(events.iter().map(|e| e.sequence.0).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(opened.face.bbox.map(f32::to_bits), [0.25_f32, 0.25, 0.5, 0.5].map(f32::to_bits));
    assert_eq!((&opened.identity.decision, opened.identity.person.as_deref()), (&IdentityDecision::Known, Some("p-1")));
    assert_eq!((&opened.liveness.state, &updated.liveness.state), (&CheckState::NotChecked, &CheckState::Fail));
    assert_eq!((opened.visit.frames_seen, updated.visit.frames_seen, closed.visit.frames_seen), (1, 31, 50));
    assert_eq!(
        (closed.visit.reason.clone(), closed.visit.ended),
        (Some(CloseReason::Shutdown), Some(closed.time.capture))
    );
    assert_eq!(opened.visit.started.to_string(), "1970-01-01T01:00:00.000000Z");
}

/// A sink that waits until it is let go.
struct Stuck(mpsc::Receiver<()>);

impl EventSink for Stuck {
    fn publish(&mut self, _: &Recorded) {
        let _ = self.0.recv();
    }
}

#[test]
fn a_full_outbox_makes_nobody_wait_and_the_loss_is_announced_with_its_size() {
    let (release, held) = mpsc::channel();
    let bus = MemoryBus::default();
    let started = started(vec![Box::new(Stuck(held)), Box::new(bus.clone())]);
    let health = |n: u64| Draft {
        id: Uuid::from_u128(u128::from(n) + 1_000_000),
        origin: Origin::Node(place("hq"), place("box")),
        subject: "box".into(),
        time: UtcMicros::default(),
        data: Data::NodeHealth(NodeHealth {
            node: "box".into(),
            condition: NodeCondition::Healthy,
            version: "1".into(),
            cameras: 0,
            detail: None,
        }),
    };
    let refused = (0..20_000).filter(|n| !started.postbox.post(health(*n))).count() as u64;
    assert!(refused > 0, "the queue has no bound");
    drop(release);
    let figures = started.postbox.figures();
    assert_eq!(figures.overflowed, refused);
    drop(started.postbox);
    started.outbox.finish();
    let events = bus.events();
    let gaps = events.iter().filter_map(|e| match &e.data {
        Data::Gap(gap) if gap.reason == GapReason::Overflow => gap.lost,
        _ => None,
    });
    assert_eq!(gaps.sum::<u64>(), refused);
    assert!(events.iter().zip(1..).all(|(e, n)| e.sequence.0 == n), "what is left is numbered without gaps");
}
