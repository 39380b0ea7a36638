//! Bad input, given to the real program: one clear sentence that names the culprit and says what to try, the documented exit
//! code, no panic, nothing lost.
//!
//! Needs what `make setup` fetches; says so aloud and passes when it is not there.
#![cfg(all(feature = "media", feature = "ort", feature = "zenoh"))]
#![allow(clippy::unwrap_used, reason = "a failed preparation fails the test")]

mod support;

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::{
    Ended, MAN, Place, Running, fast, flyball, free_port, is_set_up, is_there, program, root, run, synthetic,
};

/// Exit codes, as `flyball --help` documents them.
const DONE: i32 = 0;
const FAILED: i32 = 1;
const BAD_INPUT: i32 = 2;
const MISSING: i32 = 3;

/// It ended with this code, said all of these, and said it as a program does that is in control.
#[track_caller]
fn refused(ended: &Ended, code: i32, words: &[&str]) {
    assert_eq!(ended.code, Some(code), "exit code: {ended:#?}");
    for text in words {
        assert!(ended.err.contains(text), "{text:?} is not said: {ended:#?}");
    }
    for text in ["panicked", "RUST_BACKTRACE", "unwrap()", ".rs:", "\u{1b}["] {
        assert!(!ended.err.contains(text), "{text:?} is no word for users: {ended:#?}");
    }
}

/// The one sentence a command ends with: `flyball: …`, said once.
#[track_caller]
fn last_words(ended: &Ended) -> &str {
    let mut lines = ended.err.lines().filter_map(|line| line.strip_prefix("flyball: "));
    let line = lines.next().unwrap_or_else(|| panic!("no last words: {ended:#?}"));
    assert_eq!(lines.next(), None, "one sentence, not two: {ended:#?}");
    line
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Every kind of file that is no video, alone: the run has nothing to show, so it ends as bad input and says why.
#[test]
fn a_file_that_is_no_video_ends_the_run_with_its_name_and_what_to_try() {
    if !is_set_up() {
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
        let deployment = place.deployment(&[("gate", &fast(&clip))], "");
        let ended = run(&["run", text(&deployment), "--plain"]);
        refused(&ended, BAD_INPUT, &[what, hint, "camera gate", text(&clip)]);
        assert!(last_words(&ended).starts_with("camera gate: "), "{ended:#?}");
    }
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
        let deployment = place.deployment(&cameras, "");
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

/// A model that is not what it should be: which file, what is wrong, how to get it right.
#[test]
fn a_model_that_will_not_do_is_named_with_the_mending_command() {
    if !is_set_up() {
        return;
    }
    type Spoil = fn(&Path);
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

/// What is written wrong is told before anything is opened: by `check` and by `run`, in the same words.
#[test]
fn what_is_written_wrong_is_told_with_place_and_hint() {
    let place = Place::new();
    let stage = |more: &str| format!("pipeline.name = \"p\"\n[[stage]]\nkind = \"detect\"\nmodel = \"shapes\"\n{more}");
    let pipelines = [
        (stage("intervall = 2\n[[stage]]\nkind = \"publish\"\n"), &["5:1:", "unknown key `intervall`", "`interval`"][..]),
        (
            stage(
                "[[stage]]\nid = \"a\"\nkind = \"track\"\nafter = [\"b\"]\n[[stage]]\nid = \"b\"\nkind = \"track\"\nafter = [\"a\"]\n[[stage]]\nkind = \"publish\"\n",
            ),
            &["`a`", "`b`", "help:"],
        ),
        (
            stage("[[stage]]\nid = \"a\"\nkind = \"track\"\n[[stage]]\nid = \"a\"\nkind = \"publish\"\n"),
            &["`a`", "help:"],
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

/// The password is on its way to the camera and back to nobody: not in a log of any level.
#[test]
fn a_wrong_password_is_refused_and_never_said() {
    const SECRET: &str = "corr3ct-h0rse";
    const GUESS: &str = "wr0ng-b4ttery";
    if !is_set_up() {
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
    let deployment = place.deployment(&[("gate", &source)], "");
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
    if !is_set_up() {
        return;
    }
    let place = Place::new();
    let source = format!("rtsp = \"rtsp://127.0.0.1:{}/cam\"", free_port());
    let deployment = place.deployment(&[("gate", &source)], "");
    let ended = run(&["run", text(&deployment), "--plain", "--for", "1s"]);
    refused(&ended, DONE, &["camera=gate", "cannot be reached", "check address, port", "unreachable, "]);
}

#[test]
fn a_taken_zenoh_port_is_the_machines_refusal_in_one_line() {
    if !is_set_up() {
        return;
    }
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("tcp/{}", taken.local_addr().unwrap());
    let place = Place::new();
    let zenoh = format!("[events.zenoh]\nmode = \"peer\"\nlisten = [\"{endpoint}\"]\n");
    let ended = run(&["run", text(&place.deployment(&[("gate", &fast(root().join(MAN)))], &zenoh)), "--plain"]);
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
    let deployment = place.deployment(&[("gate", &fast(root().join(MAN)))], "");
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

#[test]
fn a_photo_that_will_not_do_is_named_and_keeps_no_good_one_out() {
    if !is_set_up() || !is_there(&["samples/photos/biden.jpg"]) {
        return;
    }
    let place = Place::new();
    let deployment = place.deployment(&[("gate", &synthetic(3))], "[gallery]\npath = \"people/gallery.redb\"\n");
    let crowd = crowd_of(&root().join("samples/photos/biden.jpg"), &place.path("crowd.png"));
    let nobody = place.path("nobody.png");
    image::RgbImage::from_pixel(320, 240, image::Rgb([90, 120, 90])).save(&nobody).unwrap();
    let (notes, empty) = (place.write("notes.png", "no picture"), place.write("empty.jpg", ""));
    let table = [
        (notes, "is no picture", "use a JPEG or PNG file"),
        (empty, "is no picture", "use a JPEG or PNG file"),
        (place.path("missing.jpg"), "cannot be read", "check the path"),
        (nobody, "no face found", "from the front"),
        (crowd, "2 faces of similar size", "cut the photo down"),
    ];
    let gallery = |arguments: &[&str]| run(&[&["gallery", "--config", text(&deployment)], arguments].concat());
    for (photo, what, hint) in &table {
        let ended = gallery(&["add", "ada", text(photo)]);
        refused(&ended, BAD_INPUT, &[text(photo), what, hint]);
        let _one_sentence = last_words(&ended);
    }
    let good = root().join("samples/photos/biden.jpg");
    let mixed = gallery(&["add", "ada", text(&table[0].0), text(&good)]);
    refused(&mixed, BAD_INPUT, &["notes.png"]);
    assert!(mixed.out.contains("ada: added"), "{mixed:#?}");
    assert_eq!(gallery(&["list", "--json"]).json_lines()[0]["people"][0]["enrolments"], 1);
    refused(&gallery(&["remove", "bob"]), BAD_INPUT, &["nobody with the id `bob`", "flyball gallery list"]);
    fs::write(place.path("people/gallery.redb"), "this is no gallery").unwrap();
    refused(&gallery(&["list"]), BAD_INPUT, &["gallery.redb", "damaged or no gallery", "restore a copy"]);
}

/// The same face twice, side by side.
fn crowd_of(photo: &Path, to: &Path) -> PathBuf {
    let face = image::open(photo).unwrap().into_rgb8();
    let mut crowd = image::RgbImage::new(face.width() * 2, face.height());
    image::imageops::replace(&mut crowd, &face, 0, 0);
    image::imageops::replace(&mut crowd, &face, i64::from(face.width()), 0);
    crowd.save(to).unwrap();
    to.to_owned()
}

/// A small disk of its own, taken away again when let go.
struct Disk(PathBuf);

impl Disk {
    fn mount(at: PathBuf, size: &str) -> Option<Self> {
        fs::create_dir_all(&at).unwrap();
        let options = format!("size={size}");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(&at).output();
        mounted.is_ok_and(|m| m.status.success()).then_some(Self(at))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _gone_with_the_folder = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_loses_nobody_who_is_enrolled() {
    if !is_set_up() || !is_there(&["samples/photos/biden.jpg", "samples/photos/obama.jpg"]) {
        return;
    }
    let place = Place::new();
    let Some(disk) = Disk::mount(place.path("disk"), "4m") else {
        eprintln!("SKIPPED: a small disk cannot be mounted here; run as root");
        return;
    };
    let deployment = place.deployment(&[("gate", &synthetic(3))], "[gallery]\npath = \"disk/gallery.redb\"\n");
    let photo = |name: &str| root().join("samples/photos").join(name).display().to_string();
    let gallery = |arguments: &[&str]| run(&[&["gallery", "--config", text(&deployment)], arguments].concat());
    refused(&gallery(&["add", "biden", &photo("biden.jpg")]), DONE, &[]);
    fill(&disk.0);
    let full = (0..40).map(|n| gallery(&["add", &format!("p{n}"), &photo("obama.jpg"), "--even-if-alike"]));
    let full = full.into_iter().find(|ended| ended.code != Some(DONE)).expect("a full disk takes nobody");
    refused(&full, FAILED, &["gallery.redb", "disk is full", "free some space"]);
    let people = gallery(&["list", "--json"]);
    refused(&people, DONE, &[]);
    assert!(people.out.contains("\"biden\""), "whoever was enrolled still is: {people:#?}");
}

/// Writes until nothing more goes in.
fn fill(folder: &Path) {
    use std::io::Write;
    let mut file = fs::File::create(folder.join("filler")).unwrap();
    for size in [64 << 10, 4 << 10, 1] {
        while file.write_all(&vec![1; size]).is_ok() {}
    }
}
