//! The contract subscribers build on: committed schema, golden samples of every kind and version, compatibility.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test may say what it found, and end where it is wrong"
)]

use std::{fs, path::Path};

use flyball::events::{
    keys::{Key, Topic},
    wire::{Event, Kind, VisitState, event_schema},
};
use serde_json::{Value, json};

const SCHEMA: &str = "samples/schemas/face-event-v1.schema.json";
const GOLDEN: &str = "tests/golden/events";

fn at(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Every golden sample with its file name; the folder only ever grows, a released sample is never edited.
fn samples() -> Vec<(String, Value)> {
    let mut samples: Vec<_> = fs::read_dir(at(GOLDEN))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            (path.file_name().unwrap().to_string_lossy().into_owned(), serde_json::from_str(&text).unwrap())
        })
        .collect();
    samples.sort_by(|a, b| a.0.cmp(&b.0));
    samples
}

#[test]
fn the_committed_schema_is_what_the_types_say() {
    let generated = serde_json::to_string_pretty(&event_schema()).unwrap() + "\n";
    let committed = fs::read_to_string(at(SCHEMA)).unwrap_or_default();
    if committed != generated {
        let fresh = std::env::temp_dir().join("face-event-v1.schema.json");
        fs::write(&fresh, generated).unwrap();
        panic!("the types and {SCHEMA} differ; if the change only adds, copy {} over it", fresh.display());
    }
}

#[cfg(feature = "checks")]
#[test]
fn golden_samples_follow_the_schema_and_cover_every_kind() {
    let validator = jsonschema::validator_for(&event_schema()).unwrap();
    let mut kinds = Vec::new();
    for (name, sample) in samples() {
        let problems: Vec<_> = validator.iter_errors(&sample).map(|e| e.to_string()).collect();
        assert!(problems.is_empty(), "{name}: {problems:?}");
        kinds.push(sample["type"].as_str().unwrap().to_owned());
    }
    for kind in Kind::ALL {
        assert!(kinds.iter().any(|k| k == kind.as_str()), "no golden sample of {kind}");
    }
}

#[test]
fn every_sample_ever_released_still_reads_and_says_the_same() {
    for (name, sample) in samples() {
        let event = Event::from_json(sample.to_string().as_bytes()).unwrap_or_else(|e| panic!("{name}: {e}"));
        let again = serde_json::to_value(&event).unwrap();
        let lost = missing_from(&sample, &again, "");
        let future = name.contains("future");
        assert!(future || lost.is_empty(), "{name}: reading and writing loses {lost:?}");
        Key::of(&event).unwrap_or_else(|e| panic!("{name}: {e}"));
    }
}

/// Paths of `sample` that `again` lacks or says differently.
fn missing_from(sample: &Value, again: &Value, path: &str) -> Vec<String> {
    match (sample, again) {
        (Value::Object(before), Value::Object(after)) => {
            let lost = |(name, value): (&String, &Value)| {
                let path = format!("{path}.{name}");
                after.get(name).map_or(vec![path.clone()], |a| missing_from(value, a, &path))
            };
            before.iter().flat_map(lost).collect()
        }
        (Value::Array(before), Value::Array(after)) if before.len() == after.len() => {
            before.iter().zip(after).flat_map(|(b, a)| missing_from(b, a, path)).collect()
        }
        _ if sample == again || close(sample, again) => Vec::new(),
        _ => vec![format!("{path}: {sample} became {again}")],
    }
}

/// Scores and boxes are single precision; serde's intermediate value shows them in double.
fn close(a: &Value, b: &Value) -> bool {
    matches!((a.as_f64(), b.as_f64()), (Some(a), Some(b)) if (a - b).abs() <= f64::from(f32::EPSILON) * a.abs())
}

/// Who reads many events a second and asks for numbers and types alone need not parse the rest.
#[test]
fn an_envelope_is_read_without_its_data_which_comes_last() {
    for (name, sample) in samples() {
        let text = serde_json::to_string(&Event::from_json(sample.to_string().as_bytes()).unwrap()).unwrap();
        let (head, data) = text.split_once(",\"data\":").unwrap();
        let envelope: Value = serde_json::from_str(&format!("{head}}}")).unwrap();
        let mut whole: Value = serde_json::from_str(&text).unwrap();
        let apart: Value = serde_json::from_str(data.strip_suffix('}').unwrap()).unwrap();
        assert_eq!(whole.as_object_mut().unwrap().remove("data"), Some(apart), "{name}");
        assert_eq!(envelope, whole, "{name}");
    }
}

#[test]
fn a_reader_of_today_gets_along_with_an_event_of_tomorrow() {
    let (_, sample) = samples().into_iter().find(|(name, _)| name.contains("future")).unwrap();
    let event = Event::from_json(sample.to_string().as_bytes()).unwrap();
    let visit = event.visit().expect("a visit, although with words nobody knows yet");
    assert_eq!(visit.identity.person.as_deref(), Some("p-0042"));
    let mut unknown = sample;
    unknown["type"] = json!("dev.flyball.face.visit.teleported.v1");
    let event = Event::from_json(unknown.to_string().as_bytes()).unwrap();
    assert_eq!(event.kind, Kind::Other("dev.flyball.face.visit.teleported.v1".into()));
}

#[test]
fn an_event_reads_the_same_from_its_text_and_from_values() {
    for (name, sample) in samples() {
        // With an exponent the text goes another way.
        let plain = sample.to_string();
        let with_exponent = plain.replacen("\"data\":{", "\"data\":{\"invented_later\":1e3,", 1);
        for text in [plain, with_exponent] {
            let from_values = serde_json::from_str(&text).and_then(serde_json::from_value::<Event>).unwrap();
            assert_eq!(Event::from_json(text.as_bytes()).unwrap(), from_values, "{name}");
        }
    }
}

/// Found by fuzzing: such a number was read as infinite, written as null, and not read again.
#[test]
fn a_number_too_large_for_its_field_is_refused_and_an_unknown_field_may_hold_it() {
    let (_, mut event) = samples().into_iter().find(|(name, _)| name == "v1.0-visit-opened.json").unwrap();
    event["data"]["face"]["invented_later"] = json!(1e300);
    assert!(Event::from_json(event.to_string().as_bytes()).is_ok());
    event["data"]["face"]["detector"]["score"] = json!(1e300);
    let refused = Event::from_json(event.to_string().as_bytes()).unwrap_err().to_string();
    assert!(refused.contains("too large"), "{refused}");
}

#[cfg(feature = "checks")]
#[test]
fn the_schema_refuses_what_would_mislead_a_subscriber() {
    let validator = jsonschema::validator_for(&event_schema()).unwrap();
    let (_, good) = samples().into_iter().find(|(name, _)| name == "v1.0-visit-opened.json").unwrap();
    let broken = |path: &str, value: Value| {
        let mut event = good.clone();
        *event.pointer_mut(path).unwrap() = value;
        event
    };
    for (what, event) in [
        ("a number as sequence", broken("/sequence", json!(3))),
        ("a box of three numbers", broken("/data/face/bbox", json!([0.1, 0.2, 0.3]))),
        ("a score without its kind", broken("/data/identity/score", json!({ "value": 0.7 }))),
        ("a visit's data under another type", broken("/type", json!("dev.flyball.camera.state.v1"))),
    ] {
        assert!(!validator.is_valid(&event), "the schema accepts {what}");
    }
}

#[test]
fn a_visit_is_found_under_its_documented_key() {
    let (_, sample) = samples().into_iter().find(|(name, _)| name == "v1.0-visit-opened.json").unwrap();
    let event = Event::from_json(sample.to_string().as_bytes()).unwrap();
    let key = Key::of(&event).unwrap();
    assert_eq!(key.to_string(), format!("flyball/v1/hq/gate-1/faces/{}/opened", event.subject));
    assert!(matches!(key.topic, Topic::Face(_, VisitState::Opened)));
}

#[test]
fn cbor_says_the_same_as_json_in_less_space() {
    for (name, sample) in samples() {
        let json = sample.to_string();
        let event = Event::from_json(json.as_bytes()).unwrap();
        let cbor = event.to_cbor().unwrap();
        let again = Event::from_cbor(&cbor).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(again, event, "{name}");
        assert!(cbor.len() < json.len(), "{name}: {} bytes of CBOR, {} of JSON", cbor.len(), json.len());
    }
}

#[cfg(feature = "checks")]
proptest::proptest! {
    #[test]
    fn no_bytes_make_a_decoder_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400)) {
        let _refused = (Event::from_json(&bytes).is_ok(), Event::from_cbor(&bytes).is_ok());
    }

    /// Damage to a whole event is met deeper inside than noise is.
    #[test]
    fn no_damaged_event_makes_a_decoder_panic(which in 0..100_usize, changes in proptest::collection::vec((0..4_000_usize, proptest::prelude::any::<u8>()), 1..6)) {
        let samples = samples();
        let event = Event::from_json(samples[which % samples.len()].1.to_string().as_bytes()).unwrap();
        let mut json = serde_json::to_vec(&event).unwrap();
        let mut cbor = event.to_cbor().unwrap();
        for (at, byte) in changes {
            let (in_json, in_cbor) = (at % json.len(), at % cbor.len());
            (json[in_json], cbor[in_cbor]) = (byte, byte);
        }
        let _read_or_refused = (Event::from_json(&json).is_ok(), Event::from_cbor(&cbor).is_ok());
    }

    #[test]
    fn nested_without_end_is_refused(depth in 100..200_000_usize) {
        proptest::prop_assert!(Event::from_cbor(&vec![0x81; depth]).is_err());
        proptest::prop_assert!(Event::from_json(&vec![b'['; depth]).is_err());
    }
}
