//! What helps to build consumers: `nodes`, `watch`, `record` and `replay`, the Node subscriber, and faces in ONVIF's words; the
//! real program on a made-up world, over a real Zenoh.
#![cfg(all(feature = "cli", feature = "zenoh", feature = "server"))]
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking, and says when it is skipped")]

mod support;

use std::{collections::HashSet, fs, path::Path, process::Command};

use serde_json::Value;
use support::{BAD_INPUT, DONE, FAILED, Place, Running, flyball, free_port, program, refused, root, run, text};

const ENDLESS: &str = "synthetic = { width = 320, height = 240, fps = 30, faces = 1, seed = 1 }";

/// A deployment on the air, with a journal.
fn on_the_air(place: &Place, cameras: &[(&str, &str)], more: &str) -> (std::path::PathBuf, String) {
    let endpoint = format!("tcp/127.0.0.1:{}", free_port());
    let air = format!(
        "[events]\nonvif = true\n[events.journal]\npath = \"journal.redb\"\n[events.zenoh]\nlisten = [\"{endpoint}\"]\n{more}"
    );
    (place.light_deployment(cameras, &air), endpoint)
}

fn ids(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["id"].as_str().unwrap()).collect()
}

fn json_lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn nodes_lists_who_is_there_and_how_their_cameras_fare() {
    let place = Place::new();
    let (file, endpoint) = on_the_air(&place, &[("gate", ENDLESS), ("yard", ENDLESS)], "");
    let mut running = Running::start(flyball(&["run", text(&file), "--events", "-"]));
    running.wait_for_each(&[r#""camera":"gate","condition":"live""#, r#""camera":"yard","condition":"live""#]);
    let listed = run(&["nodes", "--connect", &endpoint, "--json"]);
    assert_eq!(listed.code, Some(DONE), "{listed:#?}");
    let nodes: Value = serde_json::from_str(&listed.out).unwrap();
    let node = &nodes["nodes"][0];
    assert_eq!((node["site"].as_str(), node["node"].as_str()), (Some("t"), Some("t")), "{nodes:#}");
    let cameras: Vec<_> =
        node["cameras"].as_array().unwrap().iter().map(|c| (&c["camera"], &c["state"]["condition"])).collect();
    assert_eq!(cameras, [(&Value::from("gate"), &Value::from("live")), (&Value::from("yard"), &Value::from("live"))]);
    let table = run(&["nodes", "--connect", &endpoint]);
    assert!(table.out.contains("gate") && table.out.contains("live"), "{table:#?}");
    running.signal("TERM");
    running.end();
    let nobody = run(&["nodes", "--connect", &endpoint]);
    refused(&nobody, FAILED, &["nobody answers", "--connect"]);
}

/// A deployment over TLS, whose one user may hear one camera; and what that user says on the command line.
fn behind_a_login(place: &Place) -> (std::path::PathBuf, Vec<String>) {
    let endpoint = format!("tls/127.0.0.1:{}", free_port());
    let file = |name: &str| root().join("tests/certificates/zenoh").join(name).display().to_string();
    let (ca, certificate, key) = (file("ca.pem"), file("node.pem"), file("node.key"));
    place.write("users", "desk:desk-pw-51c7\n");
    let password = place.write("password", "desk-pw-51c7\n");
    let air = format!(
        "[events.journal]\npath = \"journal.redb\"\n[events.zenoh]\nlisten = [\"{endpoint}\"]\nusers_file = \"users\"\n\
         access = [{{ user = \"desk\", keys = [\"flyball/v1/t/gate/**\"] }}]\n\
         tls = {{ ca = \"{ca}\", certificate = \"{certificate}\", key = \"{key}\" }}\n"
    );
    let words = ["--connect", &endpoint, "--ca", &ca, "--user", "desk", "--password-file", text(&password)];
    (place.light_deployment(&[("gate", ENDLESS), ("yard", ENDLESS)], &air), words.map(str::to_owned).to_vec())
}

#[test]
fn the_tools_log_in_and_hear_what_their_keys_allow() {
    let place = Place::new();
    let (file, login) = behind_a_login(&place);
    let login: Vec<&str> = login.iter().map(String::as_str).collect();
    let mut running = Running::start(flyball(&["run", text(&file), "--events", "-"]));
    running.wait_for_each(&["/flyball/t/gate", "/flyball/t/yard"]);
    let gate = ["--site", "t", "--camera", "gate", "--since", "0", "--count", "2"];
    let heard = run(&[&["watch", "--json"], &login[..], &gate].concat()).json_lines();
    assert!(heard.len() == 2 && heard.iter().all(|event| event["source"] == "/flyball/t/gate"), "{heard:#?}");
    let recording = place.path("gate.jsonl");
    let recorded = run(&[&["record", text(&recording)], &login[..], &gate].concat());
    assert_eq!(recorded.code, Some(DONE), "{recorded:#?}");
    assert_eq!(fs::read_to_string(&recording).unwrap().lines().filter(|line| line.contains("/t/gate")).count(), 2);
    python_logs_in(&place, login[1], login[3], &gate);

    let wrong = place.write("wrong", "guess-pw-77aa\n");
    let stranger = [&["nodes"], &login[..login.len() - 1], &[text(&wrong)]].concat();
    refused(&run(&stranger), FAILED, &["nobody answers", "password"]);
    let stranger = [&["watch"], &login[..login.len() - 1], &[text(&wrong)]].concat();
    let mut stranger = Running::start(flyball(&stranger));
    stranger.wait_for("nobody lets us in");
    stranger.signal("TERM");
    assert!(!stranger.end().err.contains("guess-pw-77aa"));
    refused(&run(&["watch", "--user", "desk"]), BAD_INPUT, &["--password-file", "FLYBALL_PASSWORD"]);
    refused(&run(&["nodes", "--ca", "no/such/ca.pem"]), BAD_INPUT, &["no/such/ca.pem"]);
    running.signal("TERM");
    running.end();
}

/// The sample, with Zenoh's own settings from a file.
fn python_logs_in(place: &Place, endpoint: &str, ca: &str, what: &[&str]) {
    let python = root().join(".venv/bin/python");
    if !python.is_file() {
        return eprintln!("SKIPPED: .venv is missing, so the login of samples/subscribe.py was NOT tested");
    }
    let settings = format!(
        "{{ transport: {{ link: {{ tls: {{ root_ca_certificate: \"{ca}\" }} }},\n\
         auth: {{ usrpwd: {{ user: \"desk\", password: \"desk-pw-51c7\" }} }} }} }}"
    );
    let settings = place.write("zenoh.json5", settings);
    let words = ["samples/subscribe.py", "--connect", endpoint, "--config", text(&settings)];
    let heard = Running::start(program(&python, root(), &[&words, what].concat())).end();
    assert_eq!(heard.json_lines().len(), 2, "{heard:#?}");
}

#[test]
fn a_recording_is_replayed_to_subscribers_as_it_was() {
    let place = Place::new();
    let (file, endpoint) = on_the_air(&place, &[("gate", &support::synthetic(120)), ("yard", ENDLESS)], "");
    let mut running = Running::start(flyball(&["run", text(&file), "--events", "-"]));
    let recording = place.path("evening.jsonl");
    let recorder = flyball(&["record", text(&recording), "--connect", &endpoint, "--since", "0", "--count", "6"]);
    let recorded = Running::start(recorder).end();
    assert_eq!(recorded.code, Some(DONE), "{recorded:#?}");
    running.wait_for("visit");
    running.signal("TERM");
    running.end();
    let written: Vec<Value> = json_lines(&fs::read_to_string(&recording).unwrap())
        .into_iter()
        .filter_map(|line| line.get("event").cloned())
        .collect();
    assert_eq!(written.len(), 6);

    // To a subscriber that is there, as fast as it goes; and to one that comes late and asks for history.
    let air = format!("tcp/127.0.0.1:{}", free_port());
    let mut watcher = Running::start(flyball(&["watch", "--connect", &air, "--since", "0", "--json", "--count", "6"]));
    watcher.wait_for("waiting for events");
    let mut replay =
        Running::start(flyball(&["replay", text(&recording), "--listen", &air, "--pace", "fast", "--wait", "--stay"]));
    replay.wait_for("played 6 of 6");
    let heard = watcher.end().json_lines();
    assert_eq!(by_camera(&heard), by_camera(&written), "the same events, in order for each camera");
    let late = run(&["watch", "--connect", &air, "--since", "0", "--json", "--count", "6"]).json_lines();
    assert_eq!(by_camera(&late), by_camera(&written));
    let nodes = run(&["nodes", "--connect", &air]);
    assert!(nodes.out.contains("replay") && nodes.out.contains("yard"), "{nodes:#?}");
    replay.signal("TERM");
    assert_eq!(replay.end().code, Some(DONE));

    // As new events: other ids, the same words.
    let air = format!("tcp/127.0.0.1:{}", free_port());
    let replay = flyball(&["replay", text(&recording), "--listen", &air, "--pace", "fast", "--new-ids", "--stay"]);
    let replay = Running::start(replay);
    let renewed = run(&["watch", "--connect", &air, "--since", "0", "--json", "--count", "6"]).json_lines();
    let old: HashSet<_> = ids(&written).into_iter().collect();
    assert!(ids(&renewed).iter().all(|id| !old.contains(id)), "{renewed:#?}");
    let kinds = |events: &[Value]| {
        by_camera(events).iter().map(|e| (e["source"].clone(), e["type"].clone())).collect::<Vec<_>>()
    };
    assert_eq!(kinds(&renewed), kinds(&written));
    replay.signal("TERM");
    replay.end();
}

/// Between cameras no order is promised.
fn by_camera(events: &[Value]) -> Vec<Value> {
    let mut sorted = events.to_vec();
    sorted.sort_by_key(|event| event["source"].as_str().unwrap().to_owned());
    sorted
}

#[test]
fn what_is_no_recording_is_refused_with_its_line() {
    let place = Place::new();
    let bad =
        place.write("bad.jsonl", "{\"flyball_recording\":1,\"started\":\"2026-11-25T18:00:00Z\"}\n{\"at_us\":0}\n");
    refused(&run(&["replay", text(&bad)]), BAD_INPUT, &["bad.jsonl: line 2", "remove the line"]);
    refused(&run(&["replay", "no/such/file.jsonl"]), BAD_INPUT, &["no/such/file.jsonl", "flyball record"]);
    refused(&run(&["record", text(&bad)]), BAD_INPUT, &["bad.jsonl", "not there yet"]);
}

#[test]
fn watch_shows_columns_and_says_where_something_is_missing() {
    let place = Place::new();
    // A recording with a hole: nobody can fill it.
    let golden = |name: &str| -> Value {
        serde_json::from_str(&fs::read_to_string(root().join(format!("tests/golden/events/v1.0-{name}.json"))).unwrap())
            .unwrap()
    };
    let (first, mut later) = (golden("visit-opened"), golden("visit-closed"));
    for key in ["source", "partitionkey", "epoch"] {
        later[key] = first[key].clone();
    }
    later["sequence"] = "00000000000000000007".into();
    let lines = format!(
        "{{\"flyball_recording\":1,\"started\":\"2026-11-25T18:00:00Z\"}}\n{{\"at_us\":0,\"event\":{first}}}\n{{\"at_us\":1,\"event\":{later}}}\n"
    );
    let (recording, air) = (place.write("hole.jsonl", lines), format!("tcp/127.0.0.1:{}", free_port()));
    let replay = Running::start(flyball(&["replay", text(&recording), "--listen", &air, "--pace", "fast", "--stay"]));
    let watch = |more: &[&str]| run(&[&["watch", "--connect", &air], more].concat());
    let table = watch(&["--since", "0", "--output", "table", "--count", "3"]);
    for words in ["camera", "liveness", "opened", "closed", "p-0042", "0.71", "GAP", "events 2 to 6 are missing"] {
        assert!(table.out.contains(words), "{words:?}: {table:#?}");
    }
    let filtered =
        watch(&["--since", "0", "--person", "p-0042", "--kind", "closed", "--camera", "gate-1", "--count", "2"]);
    assert!(filtered.out.contains("closed") && !filtered.out.contains("opened"), "{filtered:#?}");
    assert!(filtered.out.contains("GAP"), "what is missing may have been what was asked for: {filtered:#?}");
    let recent = watch(&["--since", "2020-01-01T00:00:00Z", "--output", "json", "--count", "3"]);
    assert_eq!(recent.json_lines().len(), 3, "{recent:#?}");
    replay.signal("TERM");
    replay.end();
    refused(&run(&["watch", "--since", "yesterday"]), BAD_INPUT, &["10min"]);
}

#[test]
fn the_node_subscriber_has_everything_once_also_across_a_restart_of_the_server() {
    let has_node = Command::new("node").arg("--version").output().is_ok_and(|output| output.status.success());
    if !has_node {
        eprintln!("SKIPPED: node is missing, so samples/subscribe.mjs was NOT tested");
        return;
    }
    let (place, port) = (Place::new(), free_port());
    // Many short visits, so that there is something to miss.
    let world = "synthetic = { width = 320, height = 240, fps = 30, faces = 2, frames = 400, seed = 3 }";
    let (file, _) = on_the_air(&place, &[("gate", world)], &format!("[server]\nlisten = \"127.0.0.1:{port}\"\n"));
    let base = format!("http://127.0.0.1:{port}");
    let subscriber =
        program(Path::new("node"), root(), &["samples/subscribe.mjs", &base, "--since", "0", "--camera", "gate"]);
    let mut subscriber = Running::start(subscriber);
    subscriber.wait_for("trying again");
    let mut said = Vec::new();
    // Two runs on one journal: the subscriber sees the server go and come back.
    for _ in 0..2 {
        let ran = Running::start(flyball(&["run", text(&file), "--events", "-", "--log", "info"])).end();
        assert_eq!(ran.code, Some(DONE), "{ran:#?}");
        said.extend(ran.json_lines().into_iter().filter(|event| event["partitionkey"] == "gate"));
    }
    let last = said.last().unwrap()["id"].as_str().unwrap().to_owned();
    // A third run, since the last words of the second may only be had from the journal.
    let (file, _) = on_the_air(&place, &[("gate", ENDLESS)], &format!("[server]\nlisten = \"127.0.0.1:{port}\"\n"));
    let running = Running::start(flyball(&["run", text(&file)]));
    subscriber.wait_for(&last);
    running.signal("TERM");
    running.end();
    subscriber.signal("TERM");
    let heard = subscriber.end();
    let heard: Vec<Value> = heard.json_lines();
    assert_eq!(ids(&heard[..said.len()]), ids(&said), "each once, in order");
    assert_eq!(ids(&heard).iter().collect::<HashSet<_>>().len(), heard.len(), "none twice");
}
