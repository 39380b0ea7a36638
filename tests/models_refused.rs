//! Networks that are wrong on purpose are refused when they are loaded, each with a sentence that says what was expected;
//! and what goes wrong only with some pictures is refused when it happens. Needs ONNX Runtime; says so aloud without.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![cfg(feature = "ort")]
#![allow(clippy::print_stderr, reason = "a skipped test says so")]

mod models_common;

use flyball::inference::{
    Batch, Device, InferenceError, Outputs, Session,
    manifest::{Model, ModelManifest},
    ort::{OrtBackend, OrtOptions, OrtSession},
};
use models_common::{
    onnx::{Dim, Tiny},
    search,
};
use tempfile::TempDir;

const MANIFEST: &str = r#"{
    "name": "tiny", "role": "recognize", "summary": "a chain of operators",
    "input": {"name": "in", "layout": "nchw", "channels": "gray", "size": [8, 8], "mean": 0.0, "scale": 1.0, "fit": "stretch"},
    "output": {"decoder": "embedding", "name": "out", "dims": 64, "metric": "cosine", "space": "tiny",
               "thresholds": {"known": 0.5, "margin": 0.05}},
    "variant": [{"id": "fp32", "precision": "fp32", "size": [8, 8], "file": "tiny.onnx", "dynamic_batch": true}]
}"#;

/// A file that fits the manifest.
fn good() -> Tiny {
    Tiny {
        chain: &["Relu", "Flatten"],
        input: vec![Dim::Open("N"), Dim::Is(1), Dim::Is(8), Dim::Is(8)],
        output: vec![Dim::Open("N"), Dim::Is(64)],
        opset: 13,
    }
}

/// Opens these bytes as the tiny model; `None` where there is no runtime.
fn open(bytes: &[u8]) -> Option<(TempDir, Result<OrtSession, InferenceError>)> {
    if search().find().is_err() {
        eprintln!("SKIPPED: vendor/onnxruntime is not here; run `make setup`");
        return None;
    }
    let options = OrtOptions { device: Device::Cpu, allow_unlicensed: true, ..OrtOptions::default() };
    let backend = OrtBackend::new(&search(), options).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let manifest: ModelManifest = serde_json::from_str(MANIFEST).unwrap();
    std::fs::write(folder.path().join("tiny.onnx"), bytes).unwrap();
    let model = Model { folder: folder.path().into(), manifest: manifest.into() };
    let opened = backend.open_session(&model, &model.manifest.variant[0]);
    Some((folder, opened))
}

fn refusal(bytes: &[u8]) -> Option<String> {
    let (_folder, opened) = open(bytes)?;
    let told = opened.err().expect("it was opened").to_string();
    assert!(told.contains("tiny.onnx"), "the file is not named: {told}");
    Some(told)
}

#[test]
fn a_text_file_is_not_a_model() {
    let Some(told) = refusal(b"#!/bin/sh\necho I am no network\n") else {
        return;
    };
    assert!(told.contains("is not an ONNX model") && told.contains("make setup"), "{told}");
}

#[test]
fn a_file_cut_short_is_not_a_model() {
    let whole = good().bytes();
    let Some(told) = refusal(&whole[..whole.len() - 7]) else {
        return;
    };
    assert!(told.contains("is not an ONNX model, or was cut short"), "{told}");
}

#[test]
fn an_operator_set_from_the_future_is_refused() {
    let Some(told) = refusal(&Tiny { opset: 9000, ..good() }.bytes()) else {
        return;
    };
    assert!(told.contains("was written for a newer ONNX"), "{told}");
}

#[test]
fn open_channels_are_refused_where_one_channel_is_expected() {
    let input = vec![Dim::Open("N"), Dim::Open("C"), Dim::Is(8), Dim::Is(8)];
    let Some(told) = refusal(&Tiny { input, ..good() }.bytes()) else {
        return;
    };
    assert!(told.contains("leaves its channels open") && told.contains("expected [n, 1, 8, 8]"), "{told}");
}

#[test]
fn a_fixed_batch_is_refused_where_an_open_one_is_declared() {
    let input = vec![Dim::Is(1), Dim::Is(1), Dim::Is(8), Dim::Is(8)];
    let output = vec![Dim::Is(1), Dim::Is(64)];
    let Some(told) = refusal(&Tiny { input, output, ..good() }.bytes()) else {
        return;
    };
    assert!(told.contains("its batch is fixed, but model.toml says dynamic_batch = true"), "{told}");
}

#[test]
fn another_rank_of_input_and_another_length_of_output_are_refused() {
    let flat = Tiny { input: vec![Dim::Open("N"), Dim::Is(64)], ..good() };
    let Some(told) = refusal(&flat.bytes()) else { return };
    assert!(told.contains("takes [open, 64], expected [n, 1, 8, 8]"), "{told}");
    let square = Tiny { chain: &["Relu"], output: vec![Dim::Open("N"), Dim::Is(1), Dim::Is(8), Dim::Is(8)], ..good() };
    let told = refusal(&square.bytes()).unwrap();
    assert!(told.contains("gives output out as [open, 1, 8, 8], expected [n, 64]"), "{told}");
}

#[test]
fn an_output_whose_length_is_open_is_refused() {
    let input = vec![Dim::Open("N"), Dim::Is(1), Dim::Open("H"), Dim::Open("W")];
    let output = vec![Dim::Open("N"), Dim::Open("M")];
    let Some(told) = refusal(&Tiny { input, output, ..good() }.bytes()) else {
        return;
    };
    assert!(told.contains("leaves the length of output out open, expected [n, 64]"), "{told}");
}

#[test]
fn a_network_that_gives_no_number_for_a_flat_picture_is_refused_at_once() {
    let Some(told) = refusal(&Tiny { chain: &["Log", "Flatten"], ..good() }.bytes()) else {
        return;
    };
    assert!(
        told.contains("fails on a flat picture") && told.contains("output out holds values that are not finite"),
        "{told}"
    );
}

#[test]
fn a_picture_that_gives_no_number_fails_its_run_and_the_session_lives_on() {
    let Some((_folder, opened)) = open(&Tiny { chain: &["Sqrt", "Flatten"], ..good() }.bytes()) else {
        return;
    };
    let (mut session, mut batch, mut outputs) = (opened.unwrap(), Batch::default(), Outputs::new());
    batch.reshape([3, 1, 8, 8]);
    batch.data.fill(4.0);
    batch.item_mut(2)[5] = -1.0;
    let told = session.run(&batch, &mut outputs).unwrap_err().to_string();
    assert!(told.contains("model tiny") && told.contains("not finite"), "{told}");
    batch.item_mut(2)[5] = 9.0;
    session.run(&batch, &mut outputs).unwrap();
    assert_eq!((outputs[0].shape.as_slice(), outputs[0].item(0)[5], outputs[0].item(2)[5]), (&[3, 64][..], 2.0, 3.0));
}
