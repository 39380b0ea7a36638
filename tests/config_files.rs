//! The files that come with Flyball: they have no problem, their drawings are what is committed, and the committed schemas are
//! what the program generates. `BLESS=1 cargo test --test config_files` writes drawings and schemas anew.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{fs, path::Path};

use flyball::{
    cli::{check, draw, schema},
    config::{Environment, Source},
    topology::open,
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Compares with a committed file, or writes it when asked to.
fn same_as_committed(path: &str, generated: &str) {
    let path = root().join(path);
    if std::env::var_os("BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, generated).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == generated, "{} is out of date: run with BLESS=1\n{generated}", path.display());
}

fn schema_of(kind: schema::FileKind) -> String {
    let mut out = Vec::new();
    assert_eq!(schema::run(&schema::SchemaArgs { kind }, &mut out).unwrap(), 0);
    String::from_utf8(out).unwrap()
}

#[test]
fn committed_schemas_are_the_generated_ones() {
    same_as_committed("config/schema/pipeline.schema.json", &schema_of(schema::FileKind::Pipeline));
    same_as_committed("config/schema/deployment.schema.json", &schema_of(schema::FileKind::Deployment));
}

/// An independent validator accepts our files by our schemas, and refuses a wrong one.
#[test]
fn the_schemas_mean_to_others_what_they_mean_to_us() {
    for (kind, files) in [
        (schema::FileKind::Pipeline, &["pipelines/face-gate.toml", "pipelines/bench.toml"][..]),
        (schema::FileKind::Deployment, &["config/demo.toml", "config/bench.toml"][..]),
    ] {
        let schema: serde_json::Value = serde_json::from_str(&schema_of(kind)).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        for file in files {
            let table: toml::Table = fs::read_to_string(root().join(file)).unwrap().parse().unwrap();
            let mut instance = serde_json::to_value(table).unwrap();
            let errors: Vec<String> = validator.iter_errors(&instance).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{file}: {errors:?}");
            instance["colour"] = "red".into();
            assert!(!validator.is_valid(&instance), "{file} with an unknown key was accepted");
        }
    }
}

#[test]
fn our_pipelines_have_no_problem() {
    for file in ["pipelines/face-gate.toml", "pipelines/bench.toml"] {
        let opened = open(&root().join(file), &Environment::default());
        assert!(opened.problems.is_empty(), "{:#?}", opened.problems);
        assert!(opened.graph.is_some());
    }
}

#[test]
fn drawings_are_the_committed_ones() {
    for name in ["face-gate", "bench"] {
        for (format, extension) in [(draw::Format::Mermaid, "mmd"), (draw::Format::Dot, "dot")] {
            let args = draw::DrawArgs { file: root().join(format!("pipelines/{name}.toml")), format };
            let (mut out, mut err) = (Vec::new(), Vec::new());
            assert_eq!(draw::run(&args, &mut out, &mut err).unwrap(), 0, "{}", String::from_utf8_lossy(&err));
            same_as_committed(&format!("tests/golden/draw/{name}.{extension}"), &String::from_utf8(out).unwrap());
        }
    }
}

/// The demo watches three files and one RTSP camera whose password comes from a file and is shown nowhere.
#[test]
fn the_demo_has_four_cameras_and_keeps_its_password() {
    let opened = open(&root().join("config/demo.toml"), &Environment::default());
    // Models and footage are fetched, so a fresh checkout may lack them; nothing else may be wrong.
    let expected = |key: &str| key.starts_with("models") || key.ends_with("model") || key.ends_with("source.file");
    let wrong: Vec<_> = opened.problems.iter().filter(|problem| !expected(&problem.key)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let Some(deployment) = opened.deployment else { return };
    assert_eq!(deployment.cameras.len(), 4);
    let credentials = deployment.cameras.iter().find_map(|camera| match &camera.source {
        Source::Rtsp { credentials, .. } => credentials.clone(),
        _ => None,
    });
    let credentials = credentials.expect("one camera speaks RTSP");
    assert_eq!(credentials.password.expose(), "flyball-demo");
    assert!(!format!("{deployment:?}").contains("flyball-demo"));
}

#[test]
fn check_says_how_many_files_and_exits_by_errors() {
    let args = check::CheckArgs { files: vec![root().join("pipelines/face-gate.toml")], json: false };
    let mut out = Vec::new();
    assert_eq!(check::run(&args, &mut out).unwrap(), 0);
    assert_eq!(String::from_utf8(out).unwrap(), "1 file checked: no problems\n");
    let args = check::CheckArgs { files: vec![root().join("no/such.toml")], json: true };
    let mut out = Vec::new();
    assert_eq!(check::run(&args, &mut out).unwrap(), check::EXIT_PROBLEMS);
    let report: serde_json::Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(report["errors"], 1);
    assert!(report["problems"][0]["message"].as_str().unwrap().contains("cannot be read"));
}
