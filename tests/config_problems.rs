//! Every way to get a file wrong that we could think of: each is told at the right line and column, by its key, with words
//! that name the mistake and a hint that helps. In the table `«` marks where the problem must point.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{fs, path::PathBuf};

use flyball::{
    config::{Environment, Problem, Severity},
    topology::open,
};
use tempfile::TempDir;

const PIPELINE: &str = r#"[pipeline]
name = "gate"
summary = "faces at the gate"
version = "1"

[[stage]]
kind = "detect"
model = "yunet"
variant = "fp32-640x384"
interval = 1
linger = "5 ms"

[[stage]]
kind = "track"

[[stage]]
kind = "recognize"
model = "resnet"
variant = "fp32"
edge = { capacity = 4, when_full = "block" }

[[stage]]
kind = "publish"
"#;

const DEPLOYMENT: &str = r#"[deployment]
name = "gate"
site = "north"
pipeline = "pipe.toml"

[[camera]]
id = "left"
source = { file = "clip.mp4", pace = "fast" }
limits = { fps = 10 }

[[camera]]
id = "right"
decoder = "software"
source = { rtsp = "rtsp://10.0.0.9:554/live", user = "me", password = "${CAM_PW}" }

[models]
dir = "models"
device = "cpu"

[gallery]
path = "gallery.redb"

[events.zenoh]
mode = "peer"
listen = ["tcp/127.0.0.1:7447"]

[governor]
memory_budget = "2 GiB"
latency_p95 = "250 ms"

[flow]
in_flight = 8

[override.detect]
interval = 2
"#;

/// A directory with a deployment, its pipeline, a clip, models and a password.
struct Desk {
    dir: TempDir,
}

impl Desk {
    fn new(deployment: &str, pipeline: &str) -> Self {
        let desk = Self { dir: TempDir::new().unwrap() };
        desk.write("dep.toml", deployment);
        desk.write("pipe.toml", pipeline);
        desk.write("clip.mp4", "");
        desk.write("pw", "hunter2\n");
        desk.write("empty", "");
        desk.write(
            "models/yunet/model.toml",
            "[[variant]]\nid = \"fp32-640x384\"\n[[variant]]\nid = \"fp32-320x192\"\n",
        );
        desk.write("models/resnet/model.toml", "[[variant]]\nid = \"fp32\"\n");
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn problems(&self) -> Vec<Problem> {
        open(&self.path("dep.toml"), &Environment::of(&[("CAM_PW", "hunter2"), ("SITE", "north")])).problems
    }
}

/// Which file is changed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum File {
    Deployment,
    Pipeline,
}
use File::{Deployment as D, Pipeline as P};

/// What is replaced by what; then the key, a part of the message and a part of the hint.
type Case = (File, &'static str, &'static str, &'static str, &'static str, &'static str);

#[rustfmt::skip]
const ERRORS: &[Case] = &[
    // Not TOML.
    (D, "name = \"gate\"", "name = «gate", "", "string values must be quoted", "in quotes"),
    (D, "name = \"gate\"", "name = \"gate«", "", "invalid basic string", "close the text"),
    (D, "name = \"gate\"", "name = \"gate\"\n«name = \"b\"", "", "duplicate key", "keep one of the two"),
    (D, "name = \"gate\"", "name =«", "", "must be quoted", "after `=`"),
    (D, "name = \"gate\"", "name«", "", "key with no value", "key = value"),
    (D, "[models]", "[models«", "", "unclosed table", "[name]"),
    (P, "interval = 1", "interval = «01", "", "leading zero", "remove the zeros"),
    (P, "linger = \"5 ms\"", "linger = \"5 ms\" «interval = 2", "", "not TOML", "only one `key = value`"),
    (D, "name = \"gate\"", "name = \"ga\\te\\«qe\"", "", "escape", "write a backslash as"),
    // Unknown keys and tables.
    (D, "site = \"north\"", "site = \"north\"\n«sitee = \"x\"", "deployment.sitee", "unknown key `sitee` in `deployment`", "did you mean `site`?"),
    (D, "[models]", "[«colour]\na = 1\n[models]", "colour", "unknown table or key `colour`", "it knows `"),
    (D, "[governor]", "[«govenor]", "govenor", "unknown table or key `govenor`", "did you mean `governor`?"),
    (D, "decoder =", "«decodr =", "camera[1].decodr", "unknown key `decodr`", "did you mean `decoder`?"),
    (D, "pace =", "«speed =", "camera[0].source.speed", "unknown key `speed` in `camera[0].source`", "it knows `file`, `pace` or `repeat`"),
    (D, "limits = { fps = 10 }", "limits = { «fsp = 10 }", "camera[0].limits.fsp", "unknown key", "did you mean `fps`?"),
    (D, "memory_budget =", "«memory-budget =", "governor.memory-budget", "unknown key", "did you mean `memory_budget`?"),
    (D, "mode =", "«mod =", "events.zenoh.mod", "unknown key", "did you mean `mode`?"),
    (P, "interval = 1", "«intervall = 1", "stage[0].intervall", "unknown key `intervall` in `stage[0]`", "did you mean `interval`?"),
    (P, "version =", "«vers =", "pipeline.vers", "unknown key", "did you mean `version`?"),
    (P, "kind = \"track\"", "kind = \"track\"\n«model = \"yunet\"", "stage[1].model", "unknown key `model`", "it knows"),
    (P, "capacity = 4", "«capacty = 4", "stage[2].edge.capacty", "unknown key", "did you mean `capacity`?"),
    (P, "[[stage]]\nkind = \"track\"", "[[«stages]]\nkind = \"track\"", "stages", "unknown table or key `stages`", "did you mean `stage`?"),
    // Wrong types.
    (D, "name = \"gate\"", "name = «5", "deployment.name", "must be text in quotes, not a whole number: 5", "put it in quotes: `name = \"5\"`"),
    (D, "in_flight = 8", "in_flight = «\"8\"", "flow.in_flight", "must be a whole number, not text", "remove the quotes: `in_flight = 8`"),
    (D, "in_flight = 8", "in_flight = «8.5", "flow.in_flight", "must be a whole number, not a number", "for example `in_flight = 16`"),
    (D, "listen = [\"tcp/127.0.0.1:7447\"]", "listen = «\"tcp/127.0.0.1:7447\"", "events.zenoh.listen", "must be a list, not text", "for example `listen = []`"),
    (D, "latency_p95 = \"250 ms\"", "latency_p95 = «250", "governor.latency_p95", "must be text in quotes", "say the unit: `latency_p95 = \"250 ms\"`"),
    (D, "[gallery]\npath = \"gallery.redb\"", "[gallery]\npath = «true", "gallery.path", "not true or false: true", "The store's file"),
    (D, "[gallery]\npath = \"gallery.redb\"", "[gallery]\npath = «2026-01-01", "gallery.path", "not a date", "The store's file"),
    (D, "limits = { fps = 10 }", "limits = «10", "camera[0].limits", "must be a table", "What is taken of it at most"),
    (D, "source = { file = \"clip.mp4\", pace = \"fast\" }", "source = «\"clip.mp4\"", "camera[0].source", "must be a table, not text", "Where its pictures come from"),
    (P, "interval = 1", "interval = «true", "stage[0].interval", "must be a whole number, not true or false", "for example `interval = 1` ("),
    (P, "model = \"yunet\"", "model = «[\"yunet\"]", "stage[0].model", "must be text in quotes, not a list", "for example `model = "),
    (P, "kind = \"track\"", "kind = «3", "stage[1].kind", "no kind of stage is called 3", "there are `detect`"),
    (P, "edge = { capacity = 4, when_full = \"block\" }", "edge = «4", "stage[2].edge", "must be a table, not a whole number", "bounded queue"),
    // Out of range, and words that are none of the choices.
    (P, "interval = 1", "interval = «0", "stage[0].interval", "must be from 1 to 120, not 0", "write a number from 1 to 120"),
    (P, "interval = 1", "interval = «-3", "stage[0].interval", "must be from 1 to 120, not -3", "every n-th frame"),
    (P, "interval = 1", "interval = «99999999999999999999", "stage[0].interval", "must be from 1 to 120", "write a number"),
    (P, "interval = 1", "score_threshold = «1.5", "stage[0].score_threshold", "must be from 0 to 1, not 1.5", "write a number from 0 to 1 ("),
    (P, "interval = 1", "score_threshold = «nan", "stage[0].score_threshold", "not nan", "from 0 to 1"),
    (P, "capacity = 4", "capacity = «0", "stage[2].edge.capacity", "must be from 1 to 1024", "Most packets that wait"),
    (P, "when_full = \"block\"", "when_full = «\"drop_olddest\"", "stage[2].edge.when_full", "cannot be \"drop_olddest\"", "did you mean `drop_oldest`?"),
    (D, "fps = 10", "fps = «0", "camera[0].limits.fps", "must be more than 0 and at most 240", "Frames a second"),
    (D, "in_flight = 8", "in_flight = «100000", "flow.in_flight", "must be from 1 to 4096", "write a number"),
    (D, "pace = \"fast\"", "pace = «\"quick\"", "camera[0].source.pace", "cannot be \"quick\"", "it can be `realtime` or `fast`"),
    (D, "decoder = \"software\"", "decoder = «\"sofware\"", "camera[1].decoder", "cannot be \"sofware\"", "did you mean `software`?"),
    (D, "mode = \"peer\"", "mode = «\"pear\"", "events.zenoh.mode", "cannot be \"pear\"", "did you mean `peer`?"),
    (D, "latency_p95 =", "levers = [\"batch\", «\"sise\"]\nlatency_p95 =", "governor.levers[1]", "cannot be \"sise\"", "did you mean `size`?"),
    (D, "latency_p95 =", "levers = [\"batch\", «\"batch\"]\nlatency_p95 =", "governor.levers[1]", "named twice", "name each lever once"),
    // Texts that must mean something.
    (P, "linger = \"5 ms\"", "linger = «\"5\"", "stage[0].linger", "\"5\" is no span of time", "250 ms"),
    (P, "linger = \"5 ms\"", "linger = «\"300 years\"", "stage[0].linger", "longer than a year", "shorter"),
    (D, "latency_p95 = \"250 ms\"", "latency_p95 = «\"fast\"", "governor.latency_p95", "no span of time", "a number and a unit"),
    (D, "memory_budget = \"2 GiB\"", "memory_budget = «\"2\"", "governor.memory_budget", "an amount without a unit", "80 %"),
    (D, "memory_budget = \"2 GiB\"", "memory_budget = «\"120 %\"", "governor.memory_budget", "no share of memory", "at most 100 %"),
    (D, "memory_budget = \"2 GiB\"", "memory_budget = «\"lots\"", "governor.memory_budget", "no amount of memory", "2 GiB"),
    (D, "device = \"cpu\"", "device = «\"cuda\"", "models.device", "no device", "cuda:0"),
    (D, "device = \"cpu\"", "device = «\"tpu\"", "models.device", "no device", "\"auto\", \"cpu\" or \"cuda:0\""),
    (D, "id = \"left\"", "id = «\"left gate\"", "camera[0].id", "no valid id", "letters, digits"),
    (D, "site = \"north\"", "site = «\"north/1\"", "deployment.site", "no valid id", "key expressions"),
    (D, "site = \"north\"", "site = «\"\"", "deployment.site", "no valid id", "1 to 64"),
    (D, "name = \"gate\"", "name = «\"\"", "deployment.name", "`deployment.name` is empty", "write a text"),
    (D, "\"tcp/127.0.0.1:7447\"", "«\"127.0.0.1:7447\"", "events.zenoh.listen[0]", "no endpoint", "tcp/127.0.0.1:7447"),
    (D, "\"rtsp://10.0.0.9:554/live\"", "«\"http://10.0.0.9/live\"", "camera[1].source.rtsp", "no RTSP address", "rtsp://host:554/path"),
    (D, "\"rtsp://10.0.0.9:554/live\"", "«\"rtsp://10.0.0.9:99999/live\"", "camera[1].source.rtsp", "no RTSP address", "rtsp://host:554/path"),
    (D, "source = { file = \"clip.mp4\", pace = \"fast\" }", "source = { srt = «\"http://10.0.0.9/live\" }", "camera[0].source.srt", "no SRT address", "srt://host:9000"),
    (D, "source = { file = \"clip.mp4\", pace = \"fast\" }", "source = { rtmp = «\"srt://10.0.0.9:9000\" }", "camera[0].source.rtmp", "no RTMP address", "rtmp://host/app/stream"),
    (D, "source = { file = \"clip.mp4\", pace = \"fast\" }", "source = { v4l2 = «\"rtmp://10.0.0.9/app/live\" }", "camera[0].source.v4l2", "no device", "/dev/video0"),
    // Missing.
    (D, "[deployment]\nname = \"gate\"\n", "«[deployment]\n", "deployment.name", "`deployment` lacks `name = …`", "A name for people"),
    (D, "[[camera]]\nid = \"left\"\n", "«[[camera]]\n", "camera[0].id", "lacks `id = …`", "part of every key expression"),
    (D, "source = { file = \"clip.mp4\", pace = \"fast\" }", "source = «{ pace = \"fast\" }", "camera[0].source", "needs `file`, `rtsp`, `whip`, `whep`, `hls`, `srt`, `rtmp`, `v4l2` or `synthetic`", "add one of them"),
    (D, "source = { file = \"clip.mp4\", pace = \"fast\" }", "source = { «fil = \"clip.mp4\" }", "camera[0].source.fil", "unknown key `fil`", "did you mean `file`?"),
    (D, "pace = \"fast\"", "«rtsp = \"rtsp://h/\"", "camera[0].source", "has `file` and `rtsp` at once", "keep only one of"),
    (P, "[[stage]]\nkind = \"track\"\n", "«[[stage]]\nid = \"track\"\n", "stage[1].kind", "does not say its kind", "`detect`, `track`"),
    (P, "[pipeline]\nname = \"gate\"\n", "«[pipeline]\n", "pipeline.name", "lacks `name = …`", "The pipeline's name"),
    // What no schema can say.
    (D, "id = \"right\"", "id = «\"left\"", "camera[1].id", "two cameras are called `left`; the first is on line 7", "an id of its own"),
    (D, "\"pipe.toml\"", "«\"pip.toml\"", "deployment.pipeline", "there is no pipeline file", "did you mean `pipe.toml`?"),
    (D, "${CAM_PW}", "«${CAM_PWD}", "camera[1].source.password", "environment variable `CAM_PWD` is not set", "did you mean `${CAM_PW}`?"),
    (D, "site = \"north\"", "site = \"«${SITE\"", "deployment.site", "`${` without a `}`", "close it"),
    (D, "site = \"north\"", "site = \"«${my site}\"", "deployment.site", "the name of an environment variable", "`$${`"),
    (D, "dir = \"models\"", "dir = «\"model\"", "models.dir", "does not exist", "one folder a model"),
    (D, "\"tcp/127.0.0.1:7447\"", "«\"tcp/0.0.0.0:7447\"", "events.zenoh.listen[0]", "can be reached from other machines", "insecure = true"),
    (D, "\"tcp/127.0.0.1:7447\"", "«\"tcp/[::]:7447\"", "events.zenoh.listen[0]", "can be reached from other machines", "tls/"),
    (D, "mode = \"peer\"", "mode = «\"client\"", "events.zenoh.mode", "a client needs a router", "connect"),
    (D, "mode = \"peer\"", "tls = { ca = «\"ca.pem\" }", "events.zenoh.tls.ca", "there is no file", "PEM"),
    (D, "password = \"${CAM_PW}\"", "password_file = «\"nowhere\"", "camera[1].source.password_file", "cannot be read", "first line"),
    (D, "password = \"${CAM_PW}\"", "password_file = «\"empty\"", "camera[1].source.password_file", "has no first line", "first line"),
    (D, "password = \"${CAM_PW}\"", "password = \"${CAM_PW}\", «password_file = \"pw\"", "camera[1].source.password_file", "both", "keep only one"),
    (D, "user = \"me\", password = \"${CAM_PW}\"", "user = «\"me\"", "camera[1].source.password", "a user and no password", "environment"),
    (D, "source = { rtsp = \"rtsp://10.0.0.9:554/live\", user = \"me\",", "source = «{ rtsp = \"rtsp://10.0.0.9:554/live\",", "camera[1].source.user", "a password and no user", "add `user"),
    // Overrides.
    (D, "[override.detect]", "[override.«detekt]", "override.detekt", "the pipeline has no stage `detekt`", "did you mean `detect`?"),
    (D, "interval = 2", "«intervl = 2", "override.detect.intervl", "unknown key", "did you mean `interval`?"),
    (D, "interval = 2", "interval = «\"2\"", "override.detect.interval", "must be a whole number", "remove the quotes"),
    (D, "interval = 2", "«kind = \"track\"", "override.detect.kind", "unknown key `kind`", "it knows"),
    (D, "interval = 2", "variant = «\"fp32-640x348\"", "detect.variant", "has no variant `fp32-640x348`", "did you mean `fp32-640x384`?"),
    // The graph.
    (P, "kind = \"track\"", "kind = «\"trak\"", "stage[1].kind", "no kind of stage is called \"trak\"", "did you mean `track`?"),
    (P, "kind = \"publish\"", "kind = «\"teleport\"", "stage[3].kind", "no kind of stage is called \"teleport\"", "there are `detect`"),
    (P, "kind = \"recognize\"", "kind = \"recognize\"\nafter = «\"trakc\"", "stage[2].after", "reads from `trakc`", "did you mean `track`?"),
    (P, "kind = \"recognize\"", "kind = \"recognize\"\nafter = «\"recognize\"", "stage[2].after", "cannot read from itself", "the stage before"),
    (P, "kind = \"recognize\"", "kind = \"recognize\"\nafter = [\"track\", «\"track\"]", "stage[2].after", "named twice", "once"),
    (P, "kind = \"recognize\"", "kind = \"recognize\"\nafter = «[]", "stage[2].after", "is empty", "at least one"),
    (P, "kind = \"recognize\"", "kind = \"recognize\"\nafter = «7", "stage[2].after", "must be text in quotes or a list", "put it in quotes"),
    (P, "kind = \"recognize\"", "kind = \"recognize\"\nafter = «\"cameras\"", "stage[2].after", "cannot read from the cameras", "only the first stage"),
    (P, "kind = \"recognize\"", "kind = \"recognize\"\nafter = «\"publish\"", "stage[2].after", "`publish` is a sink", "read from `recognize` instead"),
    (P, "kind = \"track\"", "kind = \"track\"\nafter = «\"recognize\"", "stage[1].after", "in a circle: track → recognize → track", "frames go one way"),
    (P, "kind = \"detect\"", "kind = \"detect\"\nafter = «\"track\"", "stage[0].after", "in a circle: detect → track → detect", "the first stage reads the cameras"),
    (P, "kind = \"publish\"", "kind = \"publish\"\nid = «\"track\"", "stage[3].id", "two stages are called `track`", "id = \"track-2\""),
    (P, "kind = \"publish\"", "kind = \"publish\"\nid = «\"cameras\"", "stage[3].id", "cannot be called `cameras`", "another id"),
    (P, "kind = \"detect\"", "kind = \"detect\"\n«edge = { capacity = 2 }", "stage[0].edge", "the newest frame of each camera wins", "in_flight"),
    (P, "[[stage]]\nkind = \"track\"\n\n[[stage]]\nkind = \"recognize\"", "[[stage]]\nkind = «\"recognize\"", "recognize", "`recognize` needs tracks, and packets from `detect` carry none", "add a stage `track` before it, which adds tracks"),
    (P, "model = \"yunet\"", "model = «\"yunett\"", "detect.model", "has none of that name", "did you mean `yunet`?"),
    (P, "variant = \"fp32\"", "variant = «\"fp16\"", "recognize.variant", "has no variant `fp16`", "it has `fp32`"),
    (P, "kind = \"recognize\"\n", "kind = «\"recognize\"\nafter = \"detect\"\n", "recognize", "`recognize` needs tracks, and packets from `detect` carry none", "`track` adds tracks: read `after` it"),
];

/// The text with one thing changed, the position of the mark (line, column), and no mark.
fn changed(text: &str, from: &str, to: &str) -> (String, Option<(usize, usize)>) {
    assert!(text.contains(from), "the table is out of date: {from}");
    let marked = text.replacen(from, to, 1);
    let position = marked.find('«').map(|at| {
        let before = &marked[..at];
        (before.matches('\n').count() + 1, before.rsplit('\n').next().unwrap_or("").chars().count() + 1)
    });
    (marked.replace('«', ""), position)
}

fn problems_of(file: File, from: &str, to: &str) -> (Desk, Vec<Problem>, Option<(usize, usize)>) {
    let (text, position) = changed(if file == D { DEPLOYMENT } else { PIPELINE }, from, to);
    let desk = if file == D { Desk::new(&text, PIPELINE) } else { Desk::new(DEPLOYMENT, &text) };
    let problems = desk.problems();
    (desk, problems, position)
}

#[test]
fn the_unchanged_files_have_no_problem() {
    let problems = Desk::new(DEPLOYMENT, PIPELINE).problems();
    assert!(problems.is_empty(), "{problems:#?}");
}

#[test]
fn every_mistake_is_told_where_it_is_with_a_hint() {
    let mut wrong = Vec::new();
    for (file, from, to, key, message, hint) in ERRORS {
        let (desk, problems, position) = problems_of(*file, from, to);
        let name = if *file == D { "dep.toml" } else { "pipe.toml" };
        let fits = |problem: &Problem| {
            problem.severity == Severity::Error
                && problem.file == desk.path(name)
                && Some((problem.line, problem.column)) == position
                && problem.key == *key
                && problem.message.contains(message)
                && problem.hint.contains(hint)
        };
        if !problems.iter().any(fits) {
            let found: Vec<String> =
                problems.iter().map(|problem| format!("{problem}\n  key: {}\n", problem.key)).collect();
            wrong.push(format!(
                "{from:?} → {to:?}: wanted {position:?} `{key}` {message:?} {hint:?}, got:\n{}",
                found.concat()
            ));
        }
    }
    assert!(ERRORS.len() >= 60);
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// What is odd, and runs: the same table, for warnings.
#[rustfmt::skip]
const WARNINGS: &[Case] = &[
    (D, "rtsp://10.0.0.9:554/live\", user = \"me\", password = \"${CAM_PW}\"", "«rtsp://me:hunter2@10.0.0.9:554/live\"", "camera[1].source.rtsp", "the address holds a user and password", "${NAME}"),
    (D, "rtsp://10.0.0.9:554/live", "«rtsp://a:b@10.0.0.9:554/live", "camera[1].source.rtsp", "those are ignored", "${NAME}"),
    (D, "\"${CAM_PW}\"", "«\"hunter2\"", "camera[1].source.password", "for everyone to read", "password_file"),
    (D, "\"clip.mp4\"", "«\"clap.mp4\"", "camera[0].source.file", "there is no file", "relative to this file"),
    (D, "\"clip.mp4\"", "«\"models\"", "camera[0].source.file", "is a directory", "relative to this file"),
    (P, "kind = \"publish\"", "kind = \"publish\"\nafter = [\"track\", «\"recognize\"]", "stage[3].after", "each frame reaches it once from each", "never joined"),
    (P, "kind = \"publish\"", "kind = \"publish\"\nafter = \"track\"", "recognize", "nothing reads what `recognize` finds", "after = \"recognize\""),
    (P, "\n[[stage]]\nkind = \"publish\"\n", "", "stage", "has no sink", "publish"),
];

#[test]
fn what_is_odd_is_told_and_runs() {
    for (file, from, to, key, message, hint) in WARNINGS {
        // The quote before an address belongs to the value.
        let to = to.replace("\"«rtsp", "«\"rtsp");
        let (_desk, problems, position) = problems_of(*file, from, &to);
        assert!(problems.iter().all(|problem| problem.severity == Severity::Warning), "{problems:#?}");
        let fits = |problem: &&Problem| {
            problem.key == *key && problem.message.contains(message) && problem.hint.contains(hint)
        };
        let found = problems.iter().find(fits).unwrap_or_else(|| panic!("{to}: {problems:#?}"));
        if let Some((line, column)) = position.filter(|_| !to.contains("«rtsp")) {
            assert_eq!((found.line, found.column), (line, column), "{found}");
        }
    }
}

/// One wrong section does not hide what is wrong in another, nor in the pipeline.
#[test]
fn all_problems_come_at_once() {
    let deployment = DEPLOYMENT
        .replace("name = \"gate\"", "nam = \"gate\"")
        .replace("id = \"right\"", "id = \"left\"")
        .replace("dir = \"models\"", "dir = \"weights\"")
        .replace("tcp/127.0.0.1:7447", "tcp/0.0.0.0:7447")
        .replace("2 GiB", "2");
    let pipeline = PIPELINE
        .replace("interval = 1", "interval = \"often\"")
        .replace("kind = \"track\"", "kind = \"track\"\nid = \"detect\"");
    let problems = Desk::new(&deployment, &pipeline).problems();
    let keys: Vec<&str> =
        problems.iter().filter(|problem| problem.is_error()).map(|problem| problem.key.as_str()).collect();
    for key in [
        "deployment.nam",
        "deployment.name",
        "camera[1].id",
        "models.dir",
        "events.zenoh.listen[0]",
        "governor.memory_budget",
        "stage[0].interval",
        "stage[1].id",
    ] {
        assert!(keys.contains(&key), "{key} is not among {keys:?}");
    }
}

/// However a secret gets into a file, no problem shows it: not in its message, hint, excerpt or JSON.
#[test]
fn no_problem_shows_a_secret() {
    let wrong = [
        ("\"${CAM_PW}\"", "\"hunter2\", colour = 1"),
        ("\"${CAM_PW}\"", "[\"hunter2\"]"),
        ("password = \"${CAM_PW}\"", "pasword = \"hunter2\""),
        ("password = \"${CAM_PW}\"", "pass_word = \"hunter2\""),
        ("password = \"${CAM_PW}\"", "password = hunter2"),
        ("password = \"${CAM_PW}\" }", "password = \"hunter2 }"),
        ("rtsp://10.0.0.9:554/live", "rtsp://me:hunter2@10.0.0.9:99999/live"),
        ("rtsp://10.0.0.9:554/live", "rtps://me:hunter2@10.0.0.9/live"),
        ("rtsp = \"rtsp://10.0.0.9:554/live\"", "rtps = \"rtsp://me:hunter2@10.0.0.9/live\""),
        ("user = \"me\", password = \"${CAM_PW}\"", "password_file = \"pw\""),
        ("decoder = \"software\"", "decoder = \"rtsp://me:hunter2@10.0.0.9/live\""),
        ("id = \"left\"", "id = \"left ${CAM_PW}\""),
    ];
    for (from, to) in wrong {
        let (_desk, problems, _) = problems_of(D, from, to);
        assert!(!problems.is_empty(), "{to}");
        for problem in problems {
            let shown = format!("{problem}\n{problem:?}\n{}", serde_json::to_string(&problem).unwrap());
            assert!(!shown.contains("hunter2"), "{to}: {shown}");
        }
    }
}
