//! A real browser without a screen: started on a page of ours, heard through what the page posts to `/log`.
#![allow(missing_docs, clippy::unwrap_used, reason = "test support: read it where it is used")]
#![allow(clippy::missing_panics_doc, clippy::must_use_candidate, reason = "idem")]
#![allow(clippy::disallowed_methods, reason = "deadlines need the clock, serving needs a thread")]
#![allow(clippy::print_stderr, reason = "a skipped test says so")]
#![allow(dead_code, reason = "each test binary uses its own part of this")]
#![allow(unreachable_pub, reason = "shared by including the file")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Longest wait for anything the browser does; only a failing test waits that long.
pub const PATIENCE: Duration = Duration::from_mins(1);
const PUSH: &str = include_str!("push.html");
const WATCH: &str = include_str!("watch.html");
/// No screen, no network of its own, and connections over loopback: the last two make it work on any build machine.
const FLAGS: [&str; 13] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-background-timer-throttling",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    "--allow-loopback-in-peer-connection",
];

/// Whether a browser is here; says aloud when none is.
pub fn is_there() -> bool {
    let found = Command::new("chromium").arg("--version").stderr(Stdio::null()).output();
    let is_there = found.is_ok_and(|found| found.status.success());
    if !is_there {
        eprintln!("SKIPPED: there is no chromium; run `apt-get install chromium`");
    }
    is_there
}

/// A running browser. It is killed when the test lets go of it.
pub struct Browser {
    child: Child,
    _profile: TempDir,
}

impl Browser {
    pub fn open(url: &str) -> Self {
        let profile = tempfile::tempdir().unwrap();
        let child = Command::new("chromium")
            .args(FLAGS)
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg(url)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, _profile: profile }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _status = self.child.wait();
    }
}

/// What answers a POST other than `/log`: status, location, body.
pub type Answer = Arc<dyn Fn(&str, &str) -> (u16, String, String) + Send + Sync>;

/// Serves the pages, and hears them.
pub struct Page {
    pub base: String,
    said: Receiver<String>,
}

impl Page {
    pub fn serve(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://localhost:{}", listener.local_addr().unwrap().port());
        let (tell, said) = channel();
        // Ends with the test's process: nobody connects any more.
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (tell, answer) = (tell.clone(), Arc::clone(&answer));
                std::thread::spawn(move || one(stream, &tell, &answer));
            }
        });
        Self { base, said }
    }

    /// The next thing the page says that begins with `word`; what it says otherwise is shown when it does not come.
    pub fn wait_for(&self, word: &str) -> String {
        let (deadline, mut heard) = (Instant::now() + PATIENCE, Vec::new());
        loop {
            match self.said.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) if line.starts_with(word) => return line,
                Ok(line) => heard.push(line),
                Err(why) => panic!("waited for {word:?} ({why}), heard: {heard:#?}"),
            }
        }
    }
}

fn one(mut stream: TcpStream, tell: &Sender<String>, answer: &Answer) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut head = String::new();
    reader.read_line(&mut head).ok()?;
    let mut length = 0;
    for line in reader.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty()) {
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let (body, mut words) = (String::from_utf8_lossy(&body), head.split(' '));
    let (status, place, said) = match (words.next()?, words.next()?) {
        ("POST", "/log") => {
            let _test_is_over = tell.send(body.into_owned());
            (204, String::new(), String::new())
        }
        ("POST", path) => answer(path, &body),
        (_, path) => (200, String::new(), if path.starts_with("/watch") { WATCH } else { PUSH }.to_owned()),
    };
    let head = format!("HTTP/1.1 {status} -\r\nconnection: close\r\ncontent-type: text/html\r\nlocation: {place}\r\n");
    write!(stream, "{head}content-length: {}\r\n\r\n{said}", said.len()).ok()
}
