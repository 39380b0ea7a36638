//! `flyball models …` as a user meets it: the JSON has the promised shape, and a file that is not what its manifest says is
//! reported by name with a failing exit code.
#![cfg(feature = "cli")]
#![allow(clippy::print_stderr, reason = "a skipped test says so")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use clap::Parser;
use flyball::cli::models::{EXIT_PROBLEMS, ModelsArgs, run};
use serde_json::Value;

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    models: ModelsArgs,
}

/// Runs a command line below `models`; the exit code and what was printed.
fn flyball_models(words: &[&str]) -> (u8, String) {
    let cli = Cli::try_parse_from(std::iter::once("models").chain(words.iter().copied())).unwrap();
    let mut out = Vec::new();
    let code = run(&cli.models, &mut out).unwrap_or_else(|e| panic!("{e}"));
    (code, String::from_utf8(out).unwrap())
}

const TOY: &str = r#"
name = "toy"
role = "eye"
summary = "a toy"
[licence]
code = "MIT"
weights = "CC0-1.0"
commercial = true
[input]
name = "in"
layout = "nchw"
channels = "gray"
size = [24, 24]
mean = 0.0
scale = 1.0
fit = "stretch"
[output]
decoder = "softmax"
name = "out"
logits = true
classes = ["closed", "open"]
[[variant]]
id = "fp32"
precision = "fp32"
size = [24, 24]
file = "toy.onnx"
sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
"#;

/// A models folder with one toy model whose file holds `content`.
fn toy(content: Option<&str>) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let toy = folder.path().join("toy");
    std::fs::create_dir(&toy).unwrap();
    std::fs::write(toy.join("model.toml"), TOY).unwrap();
    if let Some(content) = content {
        std::fs::write(toy.join("toy.onnx"), content).unwrap();
    }
    folder
}

#[test]
fn list_tells_role_terms_and_whether_it_is_fetched() {
    let folder = toy(None);
    let path = folder.path().to_str().unwrap();
    let (code, said) = flyball_models(&["--models", path, "list", "--json"]);
    let said: Value = serde_json::from_str(&said).unwrap();
    let row = &said["models"][0];
    assert_eq!(
        (code, &row["role"], &row["licence"], &row["fetched"]),
        (0, &"eye".into(), &"CC0-1.0".into(), &false.into())
    );
    let (_, table) = flyball_models(&["--models", path, "list"]);
    assert!(table.contains("toy") && table.contains("24x24"), "{table}");
}

#[test]
fn verify_names_the_file_that_is_not_what_its_manifest_says() {
    let folder = toy(Some("this is a text file"));
    let (code, said) = flyball_models(&["--models", folder.path().to_str().unwrap(), "verify", "--json"]);
    let said: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    let error = said["models"][0]["error"].as_str().unwrap();
    assert!(error.contains("toy.onnx") && error.contains("expected 0000"), "{error}");
    assert_eq!((code, &said["failed"], &said["models"][0]["ok"]), (EXIT_PROBLEMS, &1.into(), &false.into()));
}

#[test]
fn verify_fails_for_an_absent_model_only_when_it_is_asked_for() {
    let folder = toy(None);
    let path = folder.path().to_str().unwrap();
    assert_eq!(flyball_models(&["--models", path, "verify"]).0, 0);
    let (code, said) = flyball_models(&["--models", path, "verify", "toy"]);
    assert!(code == EXIT_PROBLEMS && said.contains("make setup"), "{said}");
}

#[test]
fn licences_say_what_is_allowed() {
    let (_, said) = flyball_models(&["--models", toy(None).path().to_str().unwrap(), "licences"]);
    assert!(said.contains("CC0-1.0") && said.contains("commercial  yes"), "{said}");
}

#[test]
fn pull_says_what_is_missing_and_where_it_comes_from() {
    let folder = toy(None);
    let path = folder.path().to_str().unwrap();
    let (code, said) = flyball_models(&["--models", path, "pull", "--dry-run"]);
    assert!(code == 0 && said.contains("missing  toy") && said.contains("put its files into"), "{said}");
    let cli = Cli::try_parse_from(["models", "--models", path, "pull"]).unwrap();
    let told = run(&cli.models, &mut Vec::new()).unwrap_err().to_string();
    assert!(told.contains("no set-up tool") && told.contains("make setup"), "{told}");
}

#[cfg(feature = "ort")]
mod real {
    //! On fetched models.

    use super::{Value, flyball_models};
    use flyball::inference::{ort::LibrarySearch, profile::MeasuredProfile};

    const ROOT: &str = env!("CARGO_MANIFEST_DIR");

    fn is_set_up() -> bool {
        let search = LibrarySearch { explicit: None, roots: vec![ROOT.into()] };
        let here = search.find().is_ok() && std::path::Path::new(ROOT).join("models/yunet/yunet.onnx").exists();
        if !here {
            eprintln!("SKIPPED: models or ONNX Runtime are not fetched; run `make setup`");
        }
        here
    }

    #[test]
    fn every_fetched_model_verifies() {
        if !is_set_up() {
            return;
        }
        let (models, runtime) = (format!("{ROOT}/models"), format!("{ROOT}/vendor/onnxruntime"));
        let (code, said) = flyball_models(&["--models", &models, "verify", "--onnxruntime", &runtime]);
        eprintln!("{said}");
        assert_eq!(code, 0, "{said}");
        let compared = said.lines().filter(|line| line.starts_with("ok") && line.contains("golden")).count();
        let ok = said.lines().filter(|line| line.starts_with("ok")).count();
        assert_eq!(compared, ok, "a variant was not compared with golden outputs:\n{said}");
        assert!(!said.contains("no golden outputs"), "{said}");
    }

    #[test]
    fn bench_measures_and_stores_what_the_governor_reads() {
        if !is_set_up() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("profile.json");
        let (models, runtime) = (format!("{ROOT}/models"), format!("{ROOT}/vendor/onnxruntime"));
        let profile = ["--profile", path.to_str().unwrap(), "--seconds", "0.3", "--onnxruntime", &runtime];
        let words = [&["--models", &models, "bench", "yunet", "--json"], &profile[..]].concat();
        let (_, said) = flyball_models(&words);
        let said: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(said["models"][0]["name"], "yunet");
        let stored = MeasuredProfile::read(&path).unwrap();
        for variant in &stored.models[0].variants {
            let costs = variant.rungs.iter().all(|r| r.cpu_ms > 0.0 && r.overhead > 0.5);
            assert!(costs && variant.item_ms > 0.0 && variant.load_ms > 0.0, "{variant:?}");
        }
        let of = |id| stored.models[0].variants.iter().find(|v| v.name == id).unwrap().rungs[0].cpu_ms;
        assert!(of("fp32-320x192") < of("fp32-640x640"), "the smaller input is the cheaper one");
    }
}
