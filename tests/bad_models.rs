//! Models and the runtime that are missing or not what they should be, given to the real program: which file, what is wrong with
//! it, and the mending command.
//!
//! Needs what `make setup` fetches; says so aloud and passes when it is not there.
#![cfg(all(feature = "cli", feature = "media", feature = "ort", feature = "zenoh"))]
#![allow(clippy::unwrap_used, reason = "a failed preparation fails the test")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use support::{
    BAD_INPUT, DONE, MAN, MISSING, Place, Running, fast, is_set_up, last_words, program, refused, root, run, text,
};

/// A models folder like ours, small: links to all models but one, which is a copy to spoil.
fn models_with(place: &Place, model: &str, spoil: impl Fn(&Path)) -> PathBuf {
    let models = place.path(&format!("models-{model}-{}", fs::read_dir(place.path("")).unwrap().count()));
    fs::create_dir(&models).unwrap();
    for name in ["yunet", "dlib_resnet", "minifasnet"] {
        let (from, to) = (root().join("models").join(name), models.join(name));
        if name != model {
            std::os::unix::fs::symlink(from, to).unwrap();
            continue;
        }
        fs::create_dir(&to).unwrap();
        for file in fs::read_dir(from).unwrap().map(|entry| entry.unwrap().path()) {
            fs::copy(&file, to.join(file.file_name().unwrap())).unwrap();
        }
        spoil(&to);
    }
    models
}

/// Replaces the first `from` in a manifest.
fn rewrite(folder: &Path, from: &str, to: &str) {
    let file = folder.join("model.toml");
    let manifest = fs::read_to_string(&file).unwrap();
    assert!(manifest.contains(from), "{} has no {from:?} to replace", file.display());
    fs::write(file, manifest.replace(from, to)).unwrap();
}

fn cut(folder: &Path) {
    let file = folder.join("yunet.onnx");
    let whole = fs::read(&file).unwrap();
    fs::write(file, &whole[..1000]).unwrap();
}

/// What is done to a model's folder.
type Spoil = fn(&Path);

/// A model that is not what it should be: which file, what is wrong, how to get it right.
#[test]
fn a_model_that_will_not_do_is_named_with_the_mending_command() {
    if !is_set_up() {
        return;
    }
    let table: [(&str, Spoil, i32, &[&str]); 6] = [
        (
            "yunet",
            |f| fs::remove_file(f.join("yunet.onnx")).unwrap(),
            MISSING,
            &["yunet.onnx", "cannot be opened", "make setup"],
        ),
        ("yunet", cut, MISSING, &["yunet.onnx", "truncated", "make setup"]),
        (
            "yunet",
            |f| rewrite(f, "sha256 = \"5106", "sha256 = \"6106"),
            MISSING,
            &["yunet.onnx", "expected 6106", "make setup"],
        ),
        (
            "yunet",
            |f| rewrite(f, "size = [640, 384]", "size = [641, 384]"),
            BAD_INPUT,
            &["yunet/model.toml:", "641x384", "multiple of 32"],
        ),
        (
            "dlib_resnet",
            |f| rewrite(f, "size = [150, 150]", "size = [112, 112]"),
            MISSING,
            &["dlib_resnet.onnx", "expected [n, 3, 112, 112]", "correct `size`"],
        ),
        ("yunet", |f| fs::remove_dir_all(f).unwrap(), BAD_INPUT, &["none of that name", "`yunet`", "there are"]),
    ];
    let place = Place::new();
    for (model, spoil, code, words) in table {
        let models = models_with(&place, model, spoil);
        let pipeline = root().join("pipelines/face-gate.toml");
        let deployment = place.deployment_of(&pipeline, &models, &[("gate", &fast(root().join(MAN)))], "");
        let ended = run(&["run", text(&deployment), "--plain"]);
        refused(&ended, code, words);
        let _one_sentence = last_words(&ended);
    }
}

/// A bad manifest of a model that nobody asked for is nobody's problem.
#[test]
fn one_bad_manifest_keeps_no_other_model_out() {
    if !is_set_up() {
        return;
    }
    let place = Place::new();
    let models = models_with(&place, "none", |_| {});
    fs::create_dir(models.join("toy")).unwrap();
    fs::write(models.join("toy/model.toml"), "nonsense = true\n").unwrap();
    let pipeline = root().join("pipelines/face-gate.toml");
    let deployment = place.deployment_of(&pipeline, &models, &[("gate", &fast(root().join(MAN)))], "");
    refused(&run(&["run", text(&deployment), "--plain"]), DONE, &[]);
}

/// ONNX Runtime is looked for beside the program and in the working folder; here it is in neither.
#[test]
fn without_onnx_runtime_the_mending_command_is_named() {
    if !is_set_up() {
        return;
    }
    let place = Place::new();
    let alone = place.path("flyball");
    fs::copy(env!("CARGO_BIN_EXE_flyball"), &alone).unwrap();
    let deployment = place.deployment(&[("gate", &fast(root().join(MAN)))], "");
    let ended = Running::start(program(&alone, &place.path(""), &["run", text(&deployment), "--plain"])).end();
    refused(&ended, MISSING, &["ONNX Runtime", "make setup"]);
}
