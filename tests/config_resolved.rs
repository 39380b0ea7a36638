//! What a right file turns into: defaults, absolute paths, secrets, overrides, and the graph.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{fs, time::Duration};

use flyball::{
    config::{Budget, Device, Edge, Environment, Pace, Problem, Source, TlsTrust, WhenFull, deployment, read},
    flow::Fact,
    stages::StageConfig,
    topology::{Graph, draw, open},
};
use tempfile::TempDir;

/// Writes these files and answers their directory.
fn desk(files: &[(&str, &str)]) -> TempDir {
    let dir = TempDir::new().unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

fn graph_of(pipeline: &str) -> Result<Graph, Vec<Problem>> {
    let dir = desk(&[("pipe.toml", pipeline)]);
    let opened = open(&dir.path().join("pipe.toml"), &Environment::default());
    opened.graph.ok_or(opened.problems)
}

const PIPELINE: &str = r#"
pipeline.name = "p"
[[stage]]
kind = "detect"
variant = "a"
linger = "8 ms"
[[stage]]
kind = "track"
edge = { when_full = "drop_oldest" }
[[stage]]
kind = "publish"
"#;

const MINIMAL: &str = r#"
[deployment]
name = "d"
site = "${SITE}"
pipeline = "../pipes/p.toml"
[[camera]]
id = "c"
source = { rtsp = "rtsp://u:p%40w@10.0.0.1/live" }
[override.detect]
variant = "b"
[override.track]
edge = { capacity = 9 }
"#;

fn minimal(text: &str) -> Result<(flyball::config::Deployment, Vec<Problem>), Vec<Problem>> {
    let model = "[[variant]]\nid = \"a\"\n[[variant]]\nid = \"b\"\n";
    let dir = desk(&[
        ("deps/d.toml", text),
        ("pipes/p.toml", PIPELINE),
        ("models/yunet/model.toml", model),
        ("deps/pw", " s3cret \r\nx\n"),
    ]);
    deployment(&dir.path().join("deps/d.toml"), &Environment::of(&[("SITE", "north"), ("PW", "from-env")]))
}

#[test]
fn defaults_are_filled_in_and_overrides_laid_over() {
    let (resolved, warnings) = minimal(MINIMAL).unwrap();
    assert_eq!(warnings.len(), 1, "the password in the address is worth a warning: {warnings:#?}");
    assert_eq!((resolved.site.as_str(), resolved.node.as_str()), ("north", "north"));
    assert!(resolved.models.dir.is_absolute() && resolved.models.dir.ends_with("models"));
    assert_eq!(resolved.models.device, Device::Auto);
    assert_eq!(resolved.governor.memory_budget, Budget::Share(0.8));
    assert_eq!(resolved.governor.latency_p95, Duration::from_millis(250));
    assert!(resolved.gallery.path.is_none() && resolved.events.zenoh.is_none());
    let [detect, track, _publish] = &resolved.pipeline.stages[..] else { panic!("three stages") };
    let StageConfig::Detect(config) = &detect.config else { panic!("a detector first") };
    assert_eq!((config.variant.as_deref(), config.linger), (Some("b"), Duration::from_millis(8)));
    assert_eq!(track.edge, Some(Edge { capacity: 9, when_full: WhenFull::DropOldest }), "tables merge key by key");
}

#[test]
fn credentials_come_from_the_address_the_environment_or_a_file() {
    let keys = "source = { rtsp = \"rtsp://u:p%40w@10.0.0.1/live\" }";
    for (source, user, password) in [
        (keys, "u", "p@w"),
        ("source = { rtsp = \"rtsp://10.0.0.1/live\", user = \"me\", password = \"${PW}\" }", "me", "from-env"),
        ("source = { rtsp = \"rtsp://10.0.0.1/live\", user = \"me\", password = \"a$${PW}\" }", "me", "a${PW}"),
        ("source = { rtsp = \"rtsp://10.0.0.1/live\", user = \"me\", password_file = \"pw\" }", "me", " s3cret"),
        ("source = { rtsp = \"rtsp://u:x@10.0.0.1/live\", user = \"me\", password_file = \"pw\" }", "me", " s3cret"),
    ] {
        let (resolved, _) = minimal(&MINIMAL.replace(keys, source)).unwrap();
        let Source::Rtsp { url, credentials: Some(found), .. } = &resolved.cameras[0].source else {
            panic!("{source}")
        };
        assert_eq!(
            (url.as_str(), found.user.as_str(), found.password.expose()),
            ("rtsp://10.0.0.1/live", user, password)
        );
        assert!(!format!("{resolved:?}").contains(password.trim()), "{source}: Debug shows the password");
        assert_eq!(found.password.to_string(), "***");
    }
}

#[test]
fn files_are_relative_to_the_file_that_names_them() {
    let source = "source = { file = \"./../clips/a.mp4\", pace = \"fast\", repeat = true }";
    let (resolved, _) =
        minimal(&MINIMAL.replace("source = { rtsp = \"rtsp://u:p%40w@10.0.0.1/live\" }", source)).unwrap();
    let Source::File { path, pace, repeat } = &resolved.cameras[0].source else { panic!("a file") };
    assert!(path.is_absolute() && path.ends_with("clips/a.mp4") && !path.to_string_lossy().contains(".."));
    assert_eq!((*pace, *repeat), (Pace::Fast, true));
}

/// Without `after`, a stage follows the last one that is no sink: several sinks at the end all read the trunk.
#[test]
fn sinks_branch_off_the_trunk() {
    let graph = graph_of(
        r#"
        pipeline.name = "branches"
        [[stage]]
        kind = "detect"
        [[stage]]
        kind = "track"
        [[stage]]
        kind = "publish"
        [[stage]]
        kind = "recognize"
        edge = { capacity = 2, when_full = "drop_newest" }
        [[stage]]
        kind = "publish"
        id = "named"
        "#,
    )
    .unwrap();
    let ids: Vec<&str> = graph.nodes().iter().map(|node| node.id.as_str()).collect();
    assert_eq!(ids, ["detect", "track", "publish", "recognize", "named"]);
    assert_eq!(graph.branch_points().map(|node| node.id.as_str()).collect::<Vec<_>>(), ["track"]);
    assert_eq!(graph.nodes()[1].outputs, [2, 3]);
    let carries = |id: &str, fact: Fact| graph.node(id).unwrap().carries.iter().any(|carried| carried == fact);
    assert!(carries("named", Fact::Identity) && !carries("publish", Fact::Identity));
    let mermaid = draw::mermaid(&graph, "two \"ways\"", &["gate", "hall"]);
    for part in [
        "cameras<br/>gate<br/>hall",
        "s1 -- \"up to 2, then drops the newest\" --> s3",
        "s4[/\"named<br/>(publish)<br/>",
    ] {
        assert!(mermaid.contains(part), "{part} is not in\n{mermaid}");
    }
    let dot = draw::dot(&graph, "two \"ways\"", &["gate"]);
    assert!(
        dot.contains("label=\"two \\\"ways\\\"\"") && dot.contains("s1 -> s2 [label=\"up to 4, then waits\"]"),
        "{dot}"
    );
}

/// Stages may be written in any order; the graph is ordered by who reads from whom.
#[test]
fn after_orders_the_graph() {
    let graph = graph_of(
        r#"
        pipeline.name = "out of order"
        [[stage]]
        kind = "detect"
        [[stage]]
        kind = "publish"
        after = "recognize"
        [[stage]]
        kind = "recognize"
        after = ["track"]
        [[stage]]
        kind = "track"
        after = "detect"
        "#,
    )
    .unwrap();
    let ids: Vec<&str> = graph.nodes().iter().map(|node| node.id.as_str()).collect();
    assert_eq!(ids, ["detect", "track", "recognize", "publish"]);
    assert_eq!(graph.links().len(), 4);
    assert_eq!((graph.links()[0].from, graph.links()[0].edge), (None, None));
}

/// A fact that only one of two ways brings is missing: contracts hold along every path.
#[test]
fn contracts_hold_along_every_path() {
    let problems = graph_of(
        r#"
        pipeline.name = "two ways"
        [[stage]]
        kind = "detect"
        [[stage]]
        kind = "track"
        [[stage]]
        kind = "publish"
        after = ["track", "detect"]
        "#,
    )
    .unwrap_err();
    let error = problems.iter().find(|problem| problem.is_error()).unwrap();
    assert_eq!(error.message, "`publish` needs tracks, and packets from `detect` carry none");
    assert_eq!((error.line, error.column), (8, 16));
}

#[test]
fn a_pipeline_is_no_deployment() {
    let dir = desk(&[("p.toml", PIPELINE)]);
    let problems = deployment(&dir.path().join("p.toml"), &Environment::default()).unwrap_err();
    assert!(problems[0].message.contains("a pipeline, not a deployment"));
    for name in ["missing.toml", "."] {
        assert!(read(&dir.path().join(name), &Environment::default()).problems[0].is_error());
    }
    fs::write(dir.path().join("bytes.toml"), b"a = \"\xff\"").unwrap();
    assert!(read(&dir.path().join("bytes.toml"), &Environment::default()).problems[0].message.contains("UTF-8"));
}

/// The keys of a guarded camera, right and wrong.
#[test]
fn a_certificate_is_trusted_in_one_way_and_thresholds_are_the_cameras_own() {
    let with = |source: &str, rest: &str| {
        minimal(&MINIMAL.replace("source = { rtsp = \"rtsp://u:p%40w@10.0.0.1/live\" }", &format!("{source}\n{rest}")))
    };
    let pin = "ab:".repeat(31) + "cd";
    let (pinned, _) = with(
        &format!("source = {{ rtsp = \"rtsps://10.0.0.1/live\", tls_pin = \"sha256:{pin}\" }}"),
        "wait = { stall = \"7 s\" }\nhealth = { black_below = 9, width = 1280, height = 720 }",
    )
    .unwrap();
    let camera = &pinned.cameras[0];
    let Source::Rtsp { tls: TlsTrust::Pinned(bytes), .. } = &camera.source else { panic!("{camera:?}") };
    assert_eq!((bytes[0], bytes[31]), (0xab, 0xcd));
    assert_eq!((camera.wait.stall, camera.wait.connect), (Duration::from_secs(7), Duration::from_secs(5)));
    assert_eq!((camera.health.black_below, camera.health.width), (9.0, Some(1280)));

    let (_, warnings) = with("source = { rtsp = \"rtsps://10.0.0.1/live\", insecure_tls = true }", "").unwrap();
    assert!(warnings.iter().any(|problem| problem.to_string().contains("any certificate is accepted")), "{warnings:?}");
    for (source, told) in [
        ("rtsp = \"rtsps://h/\", tls_pin = \"abc\"", "no SHA-256 fingerprint"),
        ("rtsp = \"rtsps://h/\", tls_ca = \"missing.pem\"", "no certificate file"),
        ("rtsp = \"rtsps://h/\", tls_ca = \"pw\", insecure_tls = true", "in two ways"),
    ] {
        let problems = with(&format!("source = {{ {source} }}"), "").unwrap_err();
        assert!(problems.iter().any(|problem| problem.to_string().contains(told)), "{source}: {problems:?}");
    }
}

/// Traces and reports: off unless asked for, and told apart from what is no address.
#[test]
fn telemetry_goes_nowhere_unless_asked_to() {
    let (silent, _) = minimal(MINIMAL).unwrap();
    assert_eq!((silent.telemetry.traces, silent.telemetry.reports), (None, None));
    let with = |keys: &str| minimal(&format!("{MINIMAL}[telemetry]\n{keys}\n"));
    let (asked, _) =
        with("otlp = \"http://127.0.0.1:4318\"\nsentry_dsn = \"https://abc123@errors.example/9\"").unwrap();
    let traces = asked.telemetry.traces.as_ref().unwrap();
    assert_eq!((traces.receiver.as_str(), traces.every), ("http://127.0.0.1:4318", 100));
    assert!(!format!("{asked:?}").contains("abc123"), "a key is never shown, nor the text that it stands in");
    for (keys, told) in [
        ("otlp = \"127.0.0.1:4318\"", "no web address"),
        ("otlp = \"http://127.0.0.1:4318\"\nevery = 0", "0"),
        ("sentry_dsn = \"https://errors.example/9\"", "this is no DSN"),
    ] {
        let problems = with(keys).unwrap_err();
        assert!(problems.iter().any(|problem| problem.to_string().contains(told)), "{keys}: {problems:?}");
    }
}
