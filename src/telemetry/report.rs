//! Tells a Sentry-compatible server of panics and fatal errors: one envelope each, with the words of the failure, where in the
//! code it was, and which program of which site it is. No environment, no arguments, no pictures; what looks like a secret in
//! the words is masked by whoever makes the [`Reporter`].

use std::{
    io, panic,
    sync::{Arc, Mutex, PoisonError},
    thread::{Builder, JoinHandle},
    time::{Duration, SystemTime},
};

use crossbeam_channel::{Receiver, bounded};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Dsn;

/// Reports that can wait; a program that fails more often than that has been heard.
const WAITING: usize = 16;
/// Longest wait for the server.
const PATIENCE: Duration = Duration::from_secs(3);
/// Characters of a failure's words.
const LONGEST: usize = 2000;

/// Where reports go, and how.
struct Post {
    url: String,
    authorization: String,
    agent: ureq::Agent,
}

/// Who reports: `environment` is the site, `server` the node.
#[derive(Clone, Debug)]
pub struct Sender {
    /// The site.
    pub environment: String,
    /// The node.
    pub server: String,
    /// Masks what looks like a secret.
    pub clean: fn(&str) -> String,
}

/// Reports failures. Clones report to the same place; the thread that sends ends with [`Reporter::finish`].
#[derive(Clone, Debug)]
pub struct Reporter {
    sender: Sender,
    /// `None` after the end.
    waiting: Arc<Mutex<Option<crossbeam_channel::Sender<Value>>>>,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl Reporter {
    /// Begins; nothing is sent before something fails. Without a thread nothing is reported, and the run goes on.
    pub fn start(dsn: &Dsn, sender: Sender) -> Self {
        let (waiting, reports) = bounded(WAITING);
        let post = Post::to(dsn);
        let thread = Builder::new().name("reports".into()).spawn(move || post.work(&reports)).ok();
        Self { sender, waiting: Arc::new(Mutex::new(Some(waiting))), thread: Arc::new(Mutex::new(thread)) }
    }

    /// Reports every panic from now on, before the words that Rust itself prints.
    pub fn report_panics(&self) {
        let (reporter, before) = (self.clone(), panic::take_hook());
        panic::set_hook(Box::new(move |about| {
            let place = about.location().map(|at| json!({ "filename": at.file(), "lineno": at.line() }));
            let words = about.payload_as_str().unwrap_or("a panic without a message");
            reporter.put("panic", words, place);
            before(about);
        }));
    }

    /// Reports why the run failed.
    pub fn failure(&self, words: &str) {
        self.put("failure", words, None);
    }

    fn put(&self, kind: &str, words: &str, place: Option<Value>) {
        let event = self.sender.event(kind, words, place);
        if let Some(waiting) = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            let _enough_were_told = waiting.try_send(event);
        }
    }

    /// Sends what waits; takes no longer than the server is given.
    pub fn finish(&self) {
        drop(self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take());
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _told = thread.join();
        }
    }
}

impl Sender {
    fn event(&self, kind: &str, words: &str, place: Option<Value>) -> Value {
        let words: String = (self.clean)(words).chars().take(LONGEST).collect();
        let thread = std::thread::current().name().unwrap_or("unnamed").to_owned();
        let mut exception = json!({ "type": kind, "value": words, "mechanism": { "type": kind, "handled": false } });
        if let Some(place) = place {
            exception["stacktrace"] = json!({ "frames": [place] });
        }
        json!({
            "event_id": Uuid::now_v7().simple().to_string(),
            "timestamp": now(),
            "platform": "native",
            "level": "fatal",
            "logger": "flyball",
            "release": concat!("flyball@", env!("CARGO_PKG_VERSION")),
            "environment": self.environment,
            "server_name": self.server,
            "tags": { "thread": thread },
            "exception": { "values": [exception] },
        })
    }
}

impl Post {
    fn to(dsn: &Dsn) -> Self {
        let client = concat!("flyball/", env!("CARGO_PKG_VERSION"));
        let config = ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).max_redirects(0);
        Self {
            url: dsn.url.clone(),
            authorization: format!("Sentry sentry_version=7, sentry_client={client}, sentry_key={}", dsn.key),
            agent: config.build().into(),
        }
    }

    fn work(self, reports: &Receiver<Value>) {
        for event in reports {
            if self.send(&event).is_err() {
                tracing::warn!("a failure could not be reported; check `sentry` in `[telemetry]`");
            }
        }
    }

    /// Three lines: whose envelope, what comes, and the event itself.
    fn send(&self, event: &Value) -> io::Result<()> {
        let body = format!("{}\n{}\n{event}\n", json!({ "event_id": event["event_id"] }), json!({ "type": "event" }));
        let request = self.agent.post(&self.url).header("x-sentry-auth", &self.authorization);
        request.content_type("application/x-sentry-envelope").send(body).map(drop).map_err(io::Error::other)
    }
}

/// Seconds since 1970.
#[allow(clippy::disallowed_methods, reason = "a failure has a time of day, wherever in the program it happened")]
fn now() -> f64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}
