//! The files that come with Flyball: they have no problem, their drawings are what is committed, and the committed schemas are
//! what the program generates. `BLESS=1 cargo test --test config_files` writes drawings and schemas anew.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{fs, path::Path};

use flyball::{
    config::{Environment, Source, schema},
    topology::{draw, open},
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

#[test]
fn committed_schemas_are_the_generated_ones() {
    same_as_committed("config/schema/pipeline.schema.json", &format!("{:#}\n", schema::pipeline()));
    same_as_committed("config/schema/deployment.schema.json", &format!("{:#}\n", schema::deployment()));
}

#[cfg(feature = "checks")]
/// An independent validator accepts our files by our schemas, and refuses a wrong one.
#[test]
fn the_schemas_mean_to_others_what_they_mean_to_us() {
    for (schema, files) in [
        (schema::pipeline(), &["pipelines/face-gate.toml", "pipelines/bench.toml"][..]),
        (schema::deployment(), &["config/demo.toml", "config/bench.toml", "config/couriers.toml"][..]),
    ] {
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
        let opened = open(&root().join(format!("pipelines/{name}.toml")), &Environment::default());
        let graph = opened.graph.unwrap();
        same_as_committed(&format!("tests/golden/draw/{name}.mmd"), &draw::mermaid(&graph, &opened.title, &[]));
        same_as_committed(&format!("tests/golden/draw/{name}.dot"), &draw::dot(&graph, &opened.title, &[]));
    }
}

/// Every way out, as the sample writes it; its secret comes from the environment.
#[test]
fn the_sample_of_every_way_out_has_no_problem_of_its_own() {
    let environment = Environment::of(&[("FLYBALL_SECRET", "0123456789abcdef0123")]);
    let opened = open(&root().join("config/couriers.toml"), &environment);
    let wrong: Vec<_> = opened.problems.iter().filter(|problem| problem.key.starts_with("events")).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
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
