//! The commands as a user and a script meet them: what goes to standard output and what to standard error, how a run ends, and
//! that two programs hear each other over Zenoh.
//!
//! Needs what `make setup` fetches; says so aloud and passes when it is not there.
#![cfg(all(feature = "cli", feature = "media", feature = "ort", feature = "zenoh"))]
#![allow(clippy::unwrap_used, reason = "a failed preparation fails the test")]

mod support;

use std::process::Command;

use serde_json::Value;
use support::{Ended, MAN, Place, Running, fast, flyball, free_port, is_set_up, program, root, run, text};

/// A file played over and over at its own pace: a run that ends only when told.
fn endless() -> String {
    format!("file = \"{}\", pace = \"realtime\", repeat = true", root().join(MAN).display())
}

/// How often each state of a visit was told.
fn count(events: &[Value], state: &str) -> usize {
    events.iter().filter(|event| event["data"]["visit"]["state"] == state).count()
}

#[track_caller]
fn ended_well(ended: &Ended) {
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert!(!ended.err.contains("panicked"), "{ended:#?}");
}

#[test]
fn events_on_standard_output_are_json_lines_of_the_schema_and_nothing_else() {
    if !is_set_up() {
        return;
    }
    #[cfg(feature = "checks")]
    let schema = std::fs::read_to_string(root().join("samples/schemas/face-event-v1.schema.json")).unwrap();
    #[cfg(feature = "checks")]
    let schema = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    let place = Place::new();
    let deployment = place.deployment(&[("gate", &fast(root().join(MAN)))], "");
    let ended = run(&["run", text(&deployment), "--events", "-", "--until-end"]);
    ended_well(&ended);
    let events = ended.json_lines();
    #[cfg(feature = "checks")]
    for event in &events {
        let problems: Vec<_> = schema.iter_errors(event).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(problems.is_empty(), "{problems:?} in {event:#}");
    }
    assert_eq!((count(&events, "opened"), count(&events, "closed")), (1, 1), "{events:#?}");
    assert!(
        ended.err.contains("camera=gate") && ended.err.contains("ran "),
        "news and summary go to stderr: {ended:#?}"
    );
}

#[test]
fn a_bounded_run_ends_by_itself_and_says_what_it_did() {
    if !is_set_up() {
        return;
    }
    let place = Place::new();
    let deployment = place.deployment(&[("gate", &endless())], "");
    let ended = run(&["run", text(&deployment), "--plain", "--for", "2s"]);
    ended_well(&ended);
    assert!(ended.out.lines().last().unwrap().starts_with("ran 0:0"), "{ended:#?}");
    assert!(!ended.out.contains('\u{1b}') && !ended.err.contains('\u{1b}'), "no terminal, no colours: {ended:#?}");
}

#[test]
fn an_interrupt_drains_and_closes_every_open_visit() {
    if !is_set_up() {
        return;
    }
    let place = Place::new();
    let deployment = place.deployment(&[("one", &endless()), ("two", &endless())], "");
    for signal in ["INT", "TERM"] {
        let mut running = Running::start(flyball(&["run", text(&deployment), "--events", "-"]));
        running.wait_for("visit.opened");
        running.wait_for("visit.opened");
        running.signal(signal);
        let ended = running.end();
        ended_well(&ended);
        let events = ended.json_lines();
        assert!(count(&events, "opened") >= 2);
        assert_eq!(count(&events, "opened"), count(&events, "closed"), "{signal}: every visit opened is closed, once");
    }
}

/// The first signal waits for what is in flight; the second does not.
#[test]
fn a_second_interrupt_ends_at_once() {
    if !is_set_up() {
        return;
    }
    let place = Place::new();
    let deployment = place.deployment(&[("gate", &endless())], "");
    let mut running = Running::start(flyball(&["run", text(&deployment), "--events", "-"]));
    running.wait_for("visit.opened");
    running.signal("INT");
    running.signal("INT");
    ended_well(&running.end());
}

#[test]
fn the_small_commands_answer_on_standard_output() {
    let table: [(&[&str], &str); 9] = [
        (&["--version"], "flyball 0."),
        (&["draw", "config/demo.toml"], "flowchart"),
        (&["draw", "pipelines/face-gate.toml", "--format", "dot"], "digraph"),
        (&["schema", "pipeline"], "\"$schema\""),
        (&["schema", "deployment"], "\"$schema\""),
        (&["completions", "bash"], "_flyball()"),
        (&["models", "list"], "yunet"),
        (&["models", "licences"], "MIT"),
        (&["check", "pipelines/face-gate.toml"], "no problems"),
    ];
    for (arguments, word) in table {
        let ended = run(arguments);
        ended_well(&ended);
        assert!(ended.out.contains(word), "{arguments:?} without {word:?}: {ended:#?}");
    }
    let models = &run(&["models", "list", "--json"]).json_lines()[0]["models"];
    assert!(models.as_array().unwrap().iter().any(|model| model["name"] == "yunet"), "{models:#}");
    let place = Place::new();
    let deployment =
        place.deployment(&[("gate", &support::synthetic(3))], "[gallery]\npath = \"people/gallery.redb\"\n");
    let people = run(&["gallery", "list", "--json", "--config", text(&deployment)]);
    assert_eq!(people.json_lines(), [serde_json::json!({ "people": [] })], "{people:#?}");
}

/// Every command says in the imperative what it does, shows an example, and the main ones list the exit codes.
#[test]
fn every_command_says_what_it_does_and_shows_an_example() {
    let commands = [
        "run",
        "check",
        "doctor",
        "draw",
        "schema",
        "gallery",
        "gallery add",
        "gallery list",
        "gallery remove",
        "models",
        "models list",
        "models pull",
        "models verify",
        "models bench",
        "models licences",
        "watch",
        "nodes",
        "record",
        "replay",
        "top",
        "trial",
        "metrics",
        "bench",
        "simulate",
        "sample-camera",
        "completions",
    ];
    for command in commands {
        let words: Vec<_> = command.split(' ').chain(["--help"]).collect();
        let ended = run(&words);
        ended_well(&ended);
        let first = ended.out.split_whitespace().next().unwrap();
        assert!(
            !first.ends_with('s') && !["What", "The", "How"].contains(&first),
            "{command}: {first:?} is no imperative"
        );
        let example = format!("flyball {command}");
        let shown = ended.out.split_once("Example").is_some_and(|(_, after)| after.contains(&example));
        assert!(shown, "{command}: no example\n{}", ended.out);
    }
    for command in ["run", "check", "watch", "nodes", "record", "replay", "bench", "gallery", "models", "sample-camera"]
    {
        assert!(run(&[command, "--help"]).out.contains("Exit codes: 0 done"), "{command} does not list its exit codes");
    }
    let all = run(&["--help"]).out;
    let listed = |line: &&str| line.starts_with("  ") && !line.starts_with("   ") && !line.starts_with("  -");
    for line in all.lines().filter(listed) {
        let name = line.split_whitespace().next().unwrap();
        let is_checked = name == "help" || commands.contains(&name);
        assert!(is_checked, "{name} is new: add it to this test");
    }
}

/// A deployment whose events go out over Zenoh on a port of its own.
fn on_the_air(place: &Place) -> (std::path::PathBuf, String) {
    let endpoint = format!("tcp/127.0.0.1:{}", free_port());
    // With a journal it does not matter who connects first: what was said meanwhile is asked for.
    let journal = "[events.journal]\npath = \"journal.redb\"\n";
    let zenoh = format!("{journal}[events.zenoh]\nmode = \"peer\"\nlisten = [\"{endpoint}\"]\n");
    (place.deployment(&[("gate", &endless())], &zenoh), endpoint)
}

#[test]
fn a_second_program_hears_the_events_of_a_running_one() {
    if !is_set_up() {
        return;
    }
    let place = Place::new();
    let (deployment, endpoint) = on_the_air(&place);
    // First the listener: it waits until somebody is there to be heard.
    let json = ["watch", "--connect", &endpoint, "--json", "--kind", "visit.opened", "--count", "1", "--since", "0"];
    let mut json = Running::start(flyball(&json));
    json.wait_for("waiting for events from");
    let mut lines = Running::start(flyball(&["watch", "--connect", &endpoint, "--camera", "gate", "--since", "0"]));
    lines.wait_for("waiting for events from");
    let runs = Running::start(flyball(&["run", text(&deployment), "--events", "-"]));
    let heard = json.end();
    ended_well(&heard);
    let heard = heard.json_lines();
    assert_eq!((heard.len(), count(&heard, "opened")), (1, 1), "{heard:#?}");
    lines.wait_for("opened");
    runs.signal("INT");
    let ran = runs.end();
    ended_well(&ran);
    assert!(ran.json_lines().contains(&heard[0]), "what was heard is what was said");
    lines.wait_for("closed");
    lines.signal("INT");
    ended_well(&lines.end());
}

#[test]
fn the_python_subscriber_hears_the_same() {
    let python = root().join(".venv/bin/python");
    let has_zenoh = Command::new(&python).args(["-c", "import zenoh"]).output().is_ok_and(|o| o.status.success());
    if !has_zenoh {
        eprintln!("SKIPPED: .venv with eclipse-zenoh is missing; run `make setup`");
        return;
    }
    if !is_set_up() {
        return;
    }
    let place = Place::new();
    let (deployment, endpoint) = on_the_air(&place);
    let arguments =
        ["samples/subscribe.py", "--connect", &endpoint, "--camera", "gate", "--count", "1", "--since", "0"];
    let subscriber = Running::start(program(&python, root(), &arguments));
    let runs = Running::start(flyball(&["run", text(&deployment), "--events", "-"]));
    let heard = subscriber.end();
    assert_eq!(heard.code, Some(0), "{heard:#?}");
    runs.signal("INT");
    let ran = runs.end();
    ended_well(&ran);
    assert!(ran.json_lines().contains(&heard.json_lines()[0]), "what was heard is what was said");
}
