//! What is written or typed wrong, given to the real program: it is told with its place and a way out, before anything is
//! opened, and the exit code is the documented one. Next: `bad_cameras`, `bad_models`, `bad_gallery`.
#![cfg(all(feature = "cli", feature = "media", feature = "ort", feature = "zenoh"))]
#![allow(clippy::unwrap_used, reason = "a failed preparation fails the test")]

mod support;

use std::net::TcpListener;
use std::path::Path;

use support::{BAD_INPUT, Ended, FAILED, Place, is_set_up, last_words, refused, root, run, synthetic, text};

/// What is written wrong is told before anything is opened: by `check` and by `run`, in the same words.
#[test]
fn what_is_written_wrong_is_told_with_place_and_hint() {
    let place = Place::new();
    let stage = |more: &str| format!("pipeline.name = \"p\"\n[[stage]]\nkind = \"detect\"\nmodel = \"shapes\"\n{more}");
    let pipelines = [
        (
            stage("intervall = 2\n[[stage]]\nkind = \"publish\"\n"),
            &["5:1:", "unknown key `intervall`", "`interval`"][..],
        ),
        (
            stage(
                "[[stage]]\nid = \"a\"\nkind = \"track\"\nafter = [\"b\"]\n[[stage]]\nid = \"b\"\nkind = \"track\"\nafter = [\"a\"]\n[[stage]]\nkind = \"publish\"\n",
            ),
            &["8:10:", "in a circle: a → b → a", "change one `after`"],
        ),
        (
            stage("[[stage]]\nid = \"a\"\nkind = \"track\"\n[[stage]]\nid = \"a\"\nkind = \"publish\"\n"),
            &["9:6:", "two stages are called `a`", "an id of its own"],
        ),
    ];
    for (number, (written, words)) in pipelines.into_iter().enumerate() {
        let pipeline = place.write(&format!("p{number}.toml"), written);
        let deployment = place.deployment_of(&pipeline, &root().join("models"), &[("gate", &synthetic(3))], "");
        told_by_both(&deployment, &[words, &[text(&pipeline)]].concat());
    }
    let two = [("gate", &*synthetic(3)), ("gate", &*synthetic(3))];
    told_by_both(&place.deployment(&two, ""), &["two cameras are called `gate`", "give each camera an id of its own"]);
    let unset = [("gate", "rtsp = \"rtsp://${FLYBALL_TEST_UNSET}/cam\"")];
    told_by_both(&place.deployment(&unset, ""), &["environment variable `FLYBALL_TEST_UNSET` is not set", "export"]);
    let open = "[events.zenoh]\nmode = \"peer\"\nlisten = [\"tcp/0.0.0.0:7447\"]\n";
    told_by_both(&place.deployment(&[("gate", &synthetic(3))], open), &["tcp/0.0.0.0:7447", "tls/", "insecure = true"]);
    let nowhere = place.deployment_of(
        &root().join("pipelines/face-gate.toml"),
        &place.path("none"),
        &[("gate", &synthetic(3))],
        "",
    );
    told_by_both(&nowhere, &["models directory", "does not exist", "set `dir`"]);
    told_by_both(&place.path("missing.toml"), &["missing.toml", "cannot be read", "check the path"]);
}

#[track_caller]
fn told_by_both(file: &Path, words: &[&str]) {
    refused(&run(&["run", text(file), "--plain"]), BAD_INPUT, words);
    let Ended { code, out, err } = run(&["check", text(file)]);
    refused(&Ended { code, err: out + &err, out: String::new() }, BAD_INPUT, words);
}

#[test]
fn a_taken_zenoh_port_is_the_machines_refusal_in_one_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("tcp/{}", taken.local_addr().unwrap());
    let place = Place::new();
    let zenoh = format!("[events.zenoh]\nmode = \"peer\"\nlisten = [\"{endpoint}\"]\n");
    let ended = run(&["run", text(&place.light_deployment(&[("gate", &synthetic(3))], &zenoh)), "--plain"]);
    refused(&ended, FAILED, &[&endpoint, "in use", "check that the address is free"]);
    let _one_sentence = last_words(&ended);
}

#[test]
fn small_things_given_wrong() {
    if !is_set_up() {
        return;
    }
    let place = Place::new();
    let notes = place.write("notes.mp4", "this is a text file\n");
    let deployment = place.light_deployment(&[("gate", &synthetic(3))], "");
    let (deployment, notes, none) = (text(&deployment), text(&notes), place.path("none/events.jsonl"));
    let table: [(&[&str], i32, &[&str]); 6] = [
        (
            &["run", deployment, "--events", text(&none)],
            BAD_INPUT,
            &["none/events.jsonl", "choose a file in a folder that exists"],
        ),
        (&["run", deployment, "--log", "a=b=c"], BAD_INPUT, &["log filter `a=b=c`", "write levels like `info`"]),
        (&["run", deployment, "--for", "soon"], BAD_INPUT, &["'soon'", "--for"]),
        (&["bench", "missing.mp4"], BAD_INPUT, &["`missing.mp4` does not exist", "check the path"]),
        (&["bench", notes], BAD_INPUT, &["notes.mp4", "is no video file we know"]),
        (&["watch", "--connect", "nonsense"], BAD_INPUT, &["`nonsense` is no endpoint", "tcp/127.0.0.1:7447"]),
    ];
    for (arguments, code, words) in table {
        refused(&run(arguments), code, words);
    }
}
