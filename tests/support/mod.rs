//! What the tests of the real program share: starting it, hearing what it says as it says it, and files to give it.
//!
//! Nothing sleeps: a test waits for a line, or for the end, with a deadline that only a hang reaches.
#![allow(clippy::print_stderr, reason = "a skipped test says so")]
#![allow(missing_docs, clippy::unwrap_used, reason = "test support: read it where it is used")]
#![allow(clippy::missing_panics_doc, clippy::must_use_candidate, reason = "idem")]
#![allow(clippy::disallowed_methods, reason = "deadlines need the clock, listening needs a thread")]
#![allow(dead_code, reason = "each test binary uses its own part of this")]
#![allow(unreachable_pub, reason = "shared by including the file")]

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Far more than any of these runs takes, also on a machine that others keep busy; only a hang reaches it.
pub const PATIENCE: Duration = Duration::from_mins(3);

/// A pipeline with made-up networks, for what is about cameras or about writing: it starts in no time.
const SHAPES: &str = "pipeline.name = \"shapes\"\n[[stage]]\nkind = \"detect\"\nmodel = \"shapes\"\n\
                      [[stage]]\nkind = \"track\"\n[[stage]]\nkind = \"publish\"\n";

/// Exit codes, as `flyball --help` documents them.
pub const DONE: i32 = 0;
pub const FAILED: i32 = 1;
pub const BAD_INPUT: i32 = 2;
pub const MISSING: i32 = 3;

/// A clip of one man, in the picture from its first frame to its last.
pub const MAN: &str = "samples/footage/single_face.mp4";

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Whether set-up has fetched these; says aloud what is missing.
pub fn is_there(needed: &[&str]) -> bool {
    let missing = needed.iter().find(|path| !root().join(path).exists());
    if let Some(missing) = missing {
        eprintln!("SKIPPED: {missing} is missing; run `make setup`");
    }
    missing.is_none()
}

/// Whether everything a real run needs is there.
pub fn is_set_up() -> bool {
    is_there(&[
        "models/yunet/yunet.onnx",
        "models/dlib_resnet/dlib_resnet.onnx",
        "models/minifasnet/minifasnet.onnx",
        "vendor/onnxruntime",
        MAN,
    ])
}

/// A port nobody listens on right now.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A folder of its own for one test, with files written into it.
pub struct Place(TempDir);

impl Place {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// A deployment of the main job on these cameras (`id`, `source`), with more sections after it.
    pub fn deployment(&self, cameras: &[(&str, &str)], more: &str) -> PathBuf {
        let pipeline = root().join("pipelines/face-gate.toml");
        self.deployment_of(&pipeline, &root().join("models"), cameras, more)
    }

    /// The same with made-up networks, which need nothing fetched.
    pub fn light_deployment(&self, cameras: &[(&str, &str)], more: &str) -> PathBuf {
        let pipeline = self.write("shapes.toml", SHAPES);
        self.deployment_of(&pipeline, &root().join("models"), cameras, more)
    }

    pub fn deployment_of(&self, pipeline: &Path, models: &Path, cameras: &[(&str, &str)], more: &str) -> PathBuf {
        let (pipeline, models) = (pipeline.display(), models.display());
        let mut text = format!(
            "[deployment]\nname = \"t\"\nsite = \"t\"\npipeline = \"{pipeline}\"\n[models]\ndir = \"{models}\"\ndevice = \"cpu\"\n"
        );
        for (id, source) in cameras {
            write!(text, "[[camera]]\nid = \"{id}\"\nsource = {{ {source} }}\n").unwrap();
        }
        self.write("deployment.toml", text + more)
    }
}

/// A file source as a deployment writes it, as fast as it goes.
pub fn fast(clip: impl AsRef<Path>) -> String {
    format!("file = \"{}\", pace = \"fast\"", clip.as_ref().display())
}

/// One made-up moving world that ends by itself, without models or decoders.
pub fn synthetic(frames: u32) -> String {
    format!("synthetic = {{ width = 320, height = 240, fps = 30, faces = 1, frames = {frames}, seed = 1 }}")
}

/// How the program ended, and all it said.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ended {
    /// The lines on standard output, as JSON.
    pub fn json_lines(&self) -> Vec<serde_json::Value> {
        let parsed = |line: &str| serde_json::from_str(line).unwrap_or_else(|e| panic!("no JSON ({e}): {line:?}"));
        self.out.lines().map(parsed).collect()
    }
}

/// The program, ready to run in the repository's root with an environment that says nothing special.
pub fn flyball(arguments: &[&str]) -> Command {
    program(Path::new(env!("CARGO_BIN_EXE_flyball")), root(), arguments)
}

pub fn program(program: &Path, folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .env_remove("RUST_LOG")
        .env_remove("ORT_DYLIB_PATH");
    command
}

/// Runs it to its end.
pub fn run(arguments: &[&str]) -> Ended {
    Running::start(flyball(arguments)).end()
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum From {
    Out,
    Err,
}

/// A program that runs, heard line by line. It is killed when the test lets go of it.
pub struct Running {
    child: Child,
    heard: Receiver<(From, String)>,
    said: Vec<(From, String)>,
}

impl Running {
    pub fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (tell, heard) = channel();
        listen(child.stdout.take().unwrap(), From::Out, tell.clone());
        listen(child.stderr.take().unwrap(), From::Err, tell);
        Self { child, heard, said: Vec::new() }
    }

    /// Waits for a line that contains `text`; returns it.
    pub fn wait_for(&mut self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let line = self.next_line(deadline, &[text]);
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Waits until each of these texts has been in a line, in whatever order they come.
    pub fn wait_for_each(&mut self, texts: &[&str]) {
        let (deadline, mut missing) = (Instant::now() + PATIENCE, texts.to_vec());
        while !missing.is_empty() {
            let line = self.next_line(deadline, &missing);
            missing.retain(|text| !line.contains(text));
        }
    }

    fn next_line(&mut self, deadline: Instant, wanted: &[&str]) -> String {
        match self.heard.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok((from, line)) => {
                self.said.push((from, line.clone()));
                line
            }
            Err(why) => panic!("waited for {wanted:?} ({why}), heard:\n{}", self.everything()),
        }
    }

    /// Sends a signal, as a user's keyboard or service manager does.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success(), "kill -{name}");
    }

    /// Waits until it ends by itself.
    pub fn end(mut self) -> Ended {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.heard.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => self.said.push(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("it does not end; heard:\n{}", self.everything()),
            }
        }
        let code = self.child.wait().unwrap().code();
        Ended { code, out: self.all(From::Out), err: self.all(From::Err) }
    }

    fn all(&self, from: From) -> String {
        let lines: Vec<_> = self.said.iter().filter(|(of, _)| *of == from).map(|(_, line)| line.as_str()).collect();
        joined(&lines)
    }

    fn everything(&self) -> String {
        joined(&self.said.iter().map(|(_, line)| line.as_str()).collect::<Vec<_>>())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _status = self.child.wait();
    }
}

/// Passes on what is said, line by line, until the program closes its end.
fn listen(stream: impl Read + Send + 'static, from: From, tell: Sender<(From, String)>) {
    std::thread::spawn(move || {
        for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
            let _nobody_waits = tell.send((from, String::from_utf8_lossy(&line).into_owned()));
        }
    });
}

/// It ended with this code, said all of these, and said it as a program does that is in control.
#[track_caller]
pub fn refused(ended: &Ended, code: i32, words: &[&str]) {
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
pub fn last_words(ended: &Ended) -> &str {
    let mut lines = ended.err.lines().filter_map(|line| line.strip_prefix("flyball: "));
    let line = lines.next().unwrap_or_else(|| panic!("no last words: {ended:#?}"));
    assert_eq!(lines.next(), None, "one sentence, not two: {ended:#?}");
    line
}

pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The lines, each with its end.
fn joined(lines: &[&str]) -> String {
    lines.iter().flat_map(|line| [*line, "\n"]).collect()
}
