//! Cameras that give no pictures, given to the real program: one clear sentence that names the culprit and says what to try, no
//! password ever, and no good camera loses a visit to a bad one.
//!
//! Needs what `make setup` fetches; says so aloud and passes when it is not there.
#![cfg(all(feature = "cli", feature = "media", feature = "ort", feature = "zenoh"))]
#![allow(clippy::unwrap_used, reason = "a failed preparation fails the test")]

mod support;

use std::fs;
use std::process::Command;

use support::{
    BAD_INPUT, DONE, Ended, MAN, Place, Running, fast, flyball, free_port, is_set_up, is_there, last_words, refused,
    root, run, text,
};

/// Every kind of file that is no video, alone: the run has nothing to show, so it ends as bad input and says why.
#[test]
fn a_file_that_is_no_video_ends_the_run_with_its_name_and_what_to_try() {
    if !is_there(&[MAN]) {
        return;
    }
    let place = Place::new();
    let good = fs::read(root().join(MAN)).unwrap();
    fs::create_dir(place.path("folder.mp4")).unwrap();
    let table = [
        (place.write("notes.mp4", "this is a text file\n"), "is no video file we know", "use MP4"),
        (place.write("empty.mp4", ""), "is empty (0 bytes)", "record it again"),
        (place.write("cut.mp4", &good[..good.len() / 3]), "damaged or cut short", "record it again"),
        (place.path("missing.mp4"), "does not exist", "check the path"),
        (place.path("folder.mp4"), "is no regular file", "name one video file"),
    ];
    for (clip, what, hint) in table {
        let deployment = place.light_deployment(&[("gate", &fast(&clip))], "");
        let ended = run(&["run", text(&deployment), "--plain"]);
        refused(&ended, BAD_INPUT, &[what, hint, "camera gate", text(&clip)]);
        assert!(last_words(&ended).starts_with("camera gate: "), "{ended:#?}");
    }
}

/// A recording that was cut short plays to where it was cut: nothing of it is lost, and its owner is told.
#[test]
fn a_recording_cut_short_is_played_to_its_end_and_told() {
    if !is_there(&[MAN]) {
        return;
    }
    let place = Place::new();
    let whole = place.path("whole.mp4");
    let clip = root().join(MAN);
    let remux = ["-v", "error", "-i", text(&clip), "-c", "copy", "-movflags", "faststart", text(&whole)];
    if !Command::new("ffmpeg").args(remux).status().is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: ffmpeg is missing; run `make setup`");
        return;
    }
    let bytes = fs::read(&whole).unwrap();
    let cut = place.write("cut.mp4", &bytes[..bytes.len() / 2]);
    let deployment = place.light_deployment(&[("gate", &fast(&cut))], "");
    let ended = run(&["run", text(&deployment), "--plain"]);
    refused(&ended, DONE, &["camera=gate", text(&cut), "cut short", "record it again"]);
    assert!(!ended.out.contains(": 0 frames"), "what is there is shown: {ended:#?}");
    let told = |state: &str| ended.out.lines().filter(|line| line.contains(state)).count();
    assert_eq!(told(" opened "), told(" closed "), "{ended:#?}");
}

/// A camera that is lost takes nobody with it, in whatever order they end.
#[test]
fn bad_cameras_keep_no_good_one_from_delivering_its_visits() {
    if !is_set_up() {
        return;
    }
    let place = Place::new();
    let notes = place.write("notes.mp4", "this is a text file\n");
    let clip = root().join(MAN);
    let refused_port = format!("rtsp = \"rtsp://127.0.0.1:{}/cam\"", free_port());
    for others in [vec![("broken", fast(&notes))], vec![("broken", fast(&notes)), ("absent", refused_port)]] {
        let mut cameras = vec![("good", fast(&clip))];
        let waits_for_ever = others.len() > 1;
        cameras.extend(others);
        let cameras: Vec<_> = cameras.iter().map(|(id, source)| (*id, source.as_str())).collect();
        // Whether there is room for a camera is another test's matter.
        let deployment = place.deployment(&cameras, "[governor]\nenabled = false\n");
        let mut running = Running::start(flyball(&["run", text(&deployment), "--events", "-"]));
        running.wait_for("visit.opened");
        running.wait_for("visit.closed");
        if waits_for_ever {
            running.signal("INT"); // a network camera may come back at any time; only we can end it
        }
        let ended = running.end();
        refused(&ended, DONE, &["camera=broken", "is no video file we know"]);
        assert!(!waits_for_ever || ended.err.contains("cannot be reached"), "{ended:#?}");
        let states = visit_states(&ended);
        assert_eq!((states.first(), states.last()), (Some(&"opened".to_owned()), Some(&"closed".to_owned())));
        assert_eq!(states.iter().filter(|state| *state != "updated").count(), 2, "one visit: {states:?}");
    }
}

/// The states of every visit event, in order.
fn visit_states(ended: &Ended) -> Vec<String> {
    let events = ended.json_lines();
    let states = events.iter().filter_map(|event| event["data"]["visit"]["state"].as_str());
    states.map(str::to_owned).collect()
}

/// The password is on its way to the camera and back to nobody: not in a log of any level.
#[test]
fn a_wrong_password_is_refused_and_never_said() {
    const SECRET: &str = "corr3ct-h0rse";
    const GUESS: &str = "wr0ng-b4ttery";
    if !is_there(&[MAN]) {
        return;
    }
    let place = Place::new();
    let (right, wrong) = (place.write("right", SECRET), place.write("wrong", GUESS));
    let clip = root().join(MAN);
    let serve =
        ["sample-camera", text(&clip), "--listen", "127.0.0.1:0", "--user", "cam", "--password-file", text(&right)];
    let mut server = Running::start(flyball(&serve));
    let line = server.wait_for("rtsp://");
    let url = &line[line.find("rtsp://").unwrap()..];

    let source =
        format!("rtsp = \"{url}\", user = \"cam\", password_file = \"{}\", transport = \"tcp\"", wrong.display());
    let deployment = place.light_deployment(&[("gate", &source)], "");
    let mut running = Running::start(flyball(&["run", text(&deployment), "--plain", "--log", "trace"]));
    running.wait_for("login refused");
    running.signal("INT");
    let ended = running.end();
    refused_trace(&ended, url);
    server.signal("INT");
    let server = server.end();
    assert_eq!(server.code, Some(DONE), "{server:#?}");
    for secret in [SECRET, GUESS] {
        for said in [&ended.out, &ended.err, &server.out, &server.err] {
            assert!(!said.contains(secret), "the password was said");
        }
    }
}

/// At trace level libraries say where in their source they are, so only the words that matter are looked for.
fn refused_trace(ended: &Ended, url: &str) {
    let tail: Vec<_> = ended.err.lines().rev().take(20).collect();
    assert_eq!(ended.code, Some(DONE), "asked to end: {tail:#?}");
    for text in [&format!("`{url}` refused the user or the password"), "check the credentials", "camera=gate"] {
        assert!(ended.err.contains(text), "{text:?} is not said: {tail:#?}");
    }
    assert!(!ended.err.contains("panicked"), "{tail:#?}");
}

#[test]
fn a_port_that_refuses_is_told_and_tried_again_until_the_time_is_up() {
    let place = Place::new();
    let source = format!("rtsp = \"rtsp://127.0.0.1:{}/cam\"", free_port());
    let deployment = place.light_deployment(&[("gate", &source)], "");
    let ended = run(&["run", text(&deployment), "--plain", "--for", "1s"]);
    refused(&ended, DONE, &["camera=gate", "cannot be reached", "check address, port", "unreachable, "]);
}
