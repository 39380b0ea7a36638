//! `flyball check`, `draw` and `schema` as a user meets them: what is printed where, and the exit code.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    fs,
    process::{Command, Output},
};

use tempfile::TempDir;

/// The exit code when a file cannot run.
const BAD_INPUT: i32 = 2;

fn program() -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_flyball"));
    program.current_dir(env!("CARGO_MANIFEST_DIR"));
    program
}

fn flyball(arguments: &[&str]) -> Output {
    program().args(arguments).output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn check_says_how_many_files_and_exits_by_errors() {
    let good = flyball(&["check", "pipelines/face-gate.toml", "pipelines/bench.toml"]);
    assert_eq!((good.status.code(), out(&good).as_str()), (Some(0), "2 files checked: no problems\n"));
    let missing = flyball(&["check", "no/such.toml", "--json"]);
    assert_eq!(missing.status.code(), Some(BAD_INPUT));
    let report: serde_json::Value = serde_json::from_str(&out(&missing)).unwrap();
    assert_eq!((&report["errors"], &report["problems"][0]["file"]), (&1.into(), &"no/such.toml".into()));
    assert!(report["problems"][0]["message"].as_str().unwrap().contains("cannot be read"));
}

/// The list of dependencies lies among the deployments: `config/*.toml` names it too.
#[test]
fn the_list_of_dependencies_is_known_for_what_it_is() {
    let mut files: Vec<String> = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/config"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "toml"))
        .map(|path| path.display().to_string())
        .collect();
    files.sort();
    let all: Vec<&str> = std::iter::once("check").chain(files.iter().map(String::as_str)).collect();
    // One of the samples has its secret from the environment.
    let checked = program().args(&all).env("FLYBALL_SECRET", "no secret, only a sample").output().unwrap();
    assert_eq!(checked.status.code(), Some(0), "{}", out(&checked));

    let run = flyball(&["run", "config/dependencies.toml", "--plain"]);
    let said = String::from_utf8_lossy(&run.stderr);
    assert_eq!(run.status.code(), Some(BAD_INPUT));
    assert!(said.contains("`flyball doctor` compares") && said.contains("config/demo.toml"), "{said}");

    let dir = TempDir::new().unwrap();
    let path = dir.path().join("mine.toml");
    let text = fs::read_to_string("config/dependencies.toml").unwrap();
    fs::write(&path, text.replace("open_files = 256", "open_filez = 256")).unwrap();
    let wrong = flyball(&["check", path.to_str().unwrap()]);
    assert!(wrong.status.code() == Some(BAD_INPUT) && out(&wrong).contains("open_filez"), "{}", out(&wrong));
}

/// The whole text of a problem, once: place, words, the line with carets under the mistake, the hint.
#[test]
fn check_shows_the_line_and_points_at_the_mistake() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("p.toml");
    fs::write(
        &path,
        "pipeline.name = \"p\"\n[[stage]]\nkind = \"detect\"\n\tintervall = 2\n[[stage]]\nkind = \"publich\"\n",
    )
    .unwrap();
    let path = path.to_str().unwrap();
    let checked = flyball(&["check", path]);
    assert_eq!(checked.status.code(), Some(BAD_INPUT));
    let expected = format!(
        "{path}:4:2: error: unknown key `intervall` in `stage[0]`\n    |\n  4 | \tintervall = 2\n    | \t^^^^^^^^^\n  help: did you mean `interval`?\n\n\
         {path}:6:8: error: no kind of stage is called \"publich\"\n    |\n  6 | kind = \"publich\"\n    |        ^^^^^^^^^\n  help: did you mean `publish`?\n\n\
         1 file checked: 2 errors\n"
    );
    assert_eq!(out(&checked), expected);
}

#[test]
fn draw_prints_the_graph_or_says_why_there_is_none() {
    for (arguments, golden) in [
        (&["draw", "pipelines/face-gate.toml"][..], "tests/golden/draw/face-gate.mmd"),
        (&["draw", "pipelines/face-gate.toml", "--format", "dot"], "tests/golden/draw/face-gate.dot"),
    ] {
        let drawn = flyball(arguments);
        assert_eq!(drawn.status.code(), Some(0));
        assert_eq!(out(&drawn), fs::read_to_string(golden).unwrap());
    }
    let none = flyball(&["draw", "Cargo.toml"]);
    assert_eq!((none.status.code(), out(&none).as_str()), (Some(BAD_INPUT), ""));
    assert!(String::from_utf8_lossy(&none.stderr).contains("neither a deployment nor a pipeline"));
}

#[test]
fn schema_prints_what_is_committed() {
    for (kind, committed) in [
        ("pipeline", "config/schema/pipeline.schema.json"),
        ("deployment", "config/schema/deployment.schema.json"),
        ("events", "samples/schemas/face-event-v1.schema.json"),
        ("recording", "samples/schemas/recording-v1.schema.json"),
    ] {
        let printed = flyball(&["schema", kind]);
        assert_eq!(out(&printed), fs::read_to_string(committed).unwrap(), "{kind}");
    }
}
