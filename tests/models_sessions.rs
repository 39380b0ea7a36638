//! Every model that is fetched opens on ONNX Runtime, answers batches of any length with the same numbers it gives one by
//! one, and bad files are refused with a sentence. Needs `make setup`; says so aloud where it has not run.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![cfg(feature = "ort")]
#![allow(clippy::print_stderr, reason = "a skipped test says so")]

mod models_common;

use flyball::inference::{
    Batch, Outputs, Session,
    manifest::{Model, ModelManifest, Variant},
    ort::{OrtOptions, OrtSession},
};
use models_common::{backend, backend_with, catalogue, model, noise};

fn run(session: &mut OrtSession, batch: &Batch) -> Outputs {
    let mut outputs = Outputs::new();
    session.run(batch, &mut outputs).unwrap();
    outputs
}

#[test]
fn every_fetched_model_opens_and_answers_any_batch_as_it_answers_one() {
    let (Some(backend), Some(catalogue)) = (backend(), catalogue()) else {
        return;
    };
    let mut tried = 0;
    for model in catalogue.models() {
        for variant in model.manifest.variant.iter().filter(|v| model.is_fetched(v) && v.has_checksum()) {
            let mut session = backend.open_session(model, variant).unwrap_or_else(|e| panic!("{e}"));
            batch_equals_singles::<3>(&mut session, model, variant);
            tried += 1;
        }
    }
    assert!(tried > 0, "the runtime is here, but no model is: run `make setup`");
}

#[test]
fn with_a_graph_for_each_batch_size_a_batch_is_answered_at_once_and_when_all_are_open() {
    let fixed = OrtOptions { fixed_batches: true, gpu_batch: 4, ..OrtOptions::default() };
    let (Some(backend), Some(model)) = (backend_with(fixed), model("dlib_resnet")) else {
        return;
    };
    let open = || backend.open_session(&model, &model.manifest.variant[0]).unwrap_or_else(|e| panic!("{e}"));
    let mut session = open();
    batch_equals_singles::<6>(&mut session, &model, &model.manifest.variant[0]);
    session.fit(usize::MAX).unwrap();
    batch_equals_singles::<6>(&mut session, &model, &model.manifest.variant[0]);
    session.wait_until_whole();
    batch_equals_singles::<7>(&mut session, &model, &model.manifest.variant[0]);
    session.fit(2).unwrap();
    session.fit(4).unwrap();
    session.fit(1).unwrap();
    batch_equals_singles::<5>(&mut session, &model, &model.manifest.variant[0]);
    let mut other = open();
    other.fit(usize::MAX).unwrap();
    drop(other); // ends while its larger graphs are being opened
}

/// Items run as two and one on the CPU; each must come out as if it had been alone.
fn batch_equals_singles<const ITEMS: usize>(session: &mut OrtSession, model: &Model, variant: &Variant) {
    let mut all = Batch::default();
    all.reshape(model.manifest.input.shape(ITEMS, variant.size));
    noise(&mut all.data, 7);
    let together = run(session, &all);
    for index in 0..ITEMS {
        let mut one = Batch::default();
        one.reshape(model.manifest.input.shape(1, variant.size));
        one.item_mut(0).copy_from_slice(all.item(index));
        for (single, batched) in run(session, &one).iter().zip(&together) {
            assert_eq!(batched.shape[0], ITEMS);
            let worst = single.item(0).iter().zip(batched.item(index)).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            let largest = single.item(0).iter().map(|v| v.abs()).fold(1.0, f32::max);
            assert!(
                worst <= 2e-3 * largest,
                "{} {}: item {index} differs by {worst}",
                model.manifest.name,
                single.name
            );
        }
    }
}

/// The sentence with which a changed manifest or file is refused.
fn refusal(change: impl FnOnce(&mut ModelManifest), file: impl FnOnce(&std::path::Path)) -> Option<String> {
    let (backend, yunet) = (backend()?, model("yunet")?);
    let folder = tempfile::tempdir().unwrap();
    let mut manifest = (*yunet.manifest).clone();
    let path = folder.path().join(&manifest.variant[0].file);
    std::fs::copy(yunet.file(&manifest.variant[0]), &path).unwrap();
    change(&mut manifest);
    file(&path);
    let model = Model { folder: folder.path().into(), manifest: manifest.into() };
    let refused = backend.open_session(&model, &model.manifest.variant[0]);
    let told = refused.err().expect("it was opened").to_string();
    assert!(told.contains("yunet.onnx"), "the file is not named: {told}");
    Some(told)
}

#[test]
fn a_truncated_file_is_refused_by_its_length() {
    let Some(told) = refusal(
        |_| {},
        |path| {
            std::fs::File::options().write(true).open(path).unwrap().set_len(1000).unwrap();
        },
    ) else {
        return;
    };
    assert!(told.contains("is 1000 bytes long, expected 229848: truncated"), "{told}");
}

#[test]
fn a_changed_byte_is_refused_by_its_checksum() {
    let Some(told) = refusal(
        |_| {},
        |path| {
            let mut bytes = std::fs::read(path).unwrap();
            bytes[100_000] ^= 1;
            std::fs::write(path, bytes).unwrap();
        },
    ) else {
        return;
    };
    assert!(told.contains("has sha256") && told.contains("expected 5106df4b"), "{told}");
}

#[test]
fn a_directory_an_absent_file_and_a_huge_one_are_refused() {
    let Some(told) = refusal(
        |_| {},
        |path| {
            std::fs::remove_file(path).unwrap();
            std::fs::create_dir(path).unwrap();
        },
    ) else {
        return;
    };
    assert!(told.contains("is a directory"), "{told}");
    let told = refusal(|_| {}, |path| std::fs::remove_file(path).unwrap()).unwrap();
    assert!(told.contains("make setup"), "{told}");
    let sparse = |path: &std::path::Path| std::fs::File::create(path).unwrap().set_len(1 << 31).unwrap();
    let told = refusal(|_| {}, sparse).unwrap();
    assert!(told.contains("ends at 2147483647"), "{told}");
}

#[test]
fn a_model_without_licence_or_checksum_is_refused() {
    let Some(told) = refusal(|m| m.licence = None, |_| {}) else {
        return;
    };
    assert!(told.contains("states no licence") && told.contains("--allow-unlicensed"), "{told}");
    let told = refusal(|m| m.variant[0].sha256.clear(), |_| {}).unwrap();
    assert!(told.contains("records no sha256"), "{told}");
}

#[test]
fn a_network_other_than_its_manifest_says_is_refused_with_what_was_expected() {
    let Some(told) = refusal(|m| m.input.name = "pixels".into(), |_| {}) else {
        return;
    };
    assert!(told.contains("calls its input input, expected pixels"), "{told}");
    let gray = |m: &mut ModelManifest| m.input.channels = flyball::inference::manifest::Channels::Gray;
    let told = refusal(gray, |_| {}).unwrap();
    assert!(told.contains("expected [n, 1, 384, 640]"), "{told}");
}

#[test]
fn wrong_outputs_are_refused_with_those_that_were_expected() {
    let embedding = r#"{"decoder":"embedding","name":"vector","dims":128,"metric":"cosine","space":"x","thresholds":{"known":0.5,"margin":0.05}}"#;
    let Some(told) = refusal(|m| m.output = serde_json::from_str(embedding).unwrap(), |_| {}) else {
        return;
    };
    assert!(told.contains("has outputs cls_8") && told.contains("expected vector [n, 128] among them"), "{told}");
}
