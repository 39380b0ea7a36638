//! Posts events to a web address: one request at a time, in order, until it is taken.
//!
//! With `batch = 1` a body is one event (`application/cloudevents+json`), with more always an array of events
//! (`application/cloudevents-batch+json`), as CloudEvents' HTTP binding has it. Any 2xx has taken it. 400, 413, 415 and 422
//! say that this very body is not wanted: a batch is then cut in halves, and an event that is refused alone is let go of
//! and announced. Whatever else happens is tried again; `Retry-After` in seconds is heeded. Redirects are not followed:
//! the signature is for one receiver.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use ureq::{
    Agent,
    http::{Response, header},
    tls::{Certificate, RootCerts, TlsConfig},
};

use super::{CourierError, CourierSink, pause::Pauses, satchel::Satchel, sign, tls};
use crate::events::{outbox::WallClock, sink::Recorded};

/// Longest wait for the first event of a batch before looking around.
const PATIENCE: Duration = Duration::from_secs(1);
/// As much of an answer is read, so that its connection can be used again.
const ANSWER: u64 = 64 << 10;
/// Who posts.
const AGENT: &str = concat!("flyball/", env!("CARGO_PKG_VERSION"));

/// A web address that gets every event. Not for showing: it holds the secret.
#[derive(Clone)]
pub struct Webhook {
    /// For log and metrics; the address itself may be a secret and is never logged.
    pub name: String,
    /// `https://…`, or `http://…` where that was allowed.
    pub url: String,
    /// Signs every request.
    pub secret: String,
    /// Most events in one request; 1 posts a single event instead of an array.
    pub batch: usize,
    /// How long a first event waits for others.
    pub linger: Duration,
    /// Longest wait for an answer.
    pub timeout: Duration,
    /// Most events that wait.
    pub waiting: usize,
    /// Whom to trust; the system's authorities without it.
    pub ca: Option<PathBuf>,
}

/// What became of one request.
enum Answer {
    Taken,
    Refused(String),
    Later(String, Option<Duration>),
}

struct Post {
    hook: Webhook,
    agent: Agent,
    clock: WallClock,
    pauses: Pauses,
    satchel: Arc<Satchel>,
}

impl Webhook {
    /// Starts the courier. `clock` dates the signatures.
    pub fn start(self, clock: WallClock) -> Result<CourierSink, CourierError> {
        let agent = self.agent()?;
        let (name, waiting) = (self.name.clone(), self.waiting);
        CourierSink::start(&name, waiting, move |satchel| {
            let pauses = Pauses::new(&self.name);
            Post { hook: self, agent, clock, pauses, satchel: Arc::clone(satchel) }.run();
        })
    }

    fn agent(&self) -> Result<Agent, CourierError> {
        let config = Agent::config_builder()
            .timeout_global(Some(self.timeout))
            .http_status_as_error(false)
            .max_redirects(0)
            .user_agent(AGENT);
        if !self.url.starts_with("https://") {
            return Ok(config.build().into());
        }
        let trusted = tls::authorities(&self.name, self.ca.as_deref())?;
        let trusted: Vec<_> = trusted.iter().map(|found| Certificate::from_der(found).to_owned()).collect();
        let roots = RootCerts::new_with_certs(&trusted);
        Ok(config.tls_config(TlsConfig::builder().root_certs(roots).build()).build().into())
    }
}

impl Post {
    fn run(mut self) {
        while let Some(batch) = self.satchel.take(self.hook.batch, self.hook.linger, PATIENCE) {
            if !batch.is_empty() && !self.hand_over(&batch) {
                return;
            }
        }
    }

    /// Until it is taken or refused; false when the end came first.
    fn hand_over(&mut self, batch: &[Recorded]) -> bool {
        loop {
            match self.attempt(batch) {
                Answer::Taken => {
                    self.taken(batch.len());
                    return true;
                }
                Answer::Refused(why) => return self.refused(batch, &why),
                Answer::Later(why, asked) => {
                    let pause = self.pauses.next(asked);
                    self.failed(&why, pause);
                    if !self.satchel.rest(pause) {
                        return false;
                    }
                }
            }
        }
    }

    fn attempt(&self, batch: &[Recorded]) -> Answer {
        let (kind, body) = self.body(batch);
        let at = (self.clock)().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let request = self.agent.post(&self.hook.url).content_type(kind);
        let request = request.header(sign::HEADER, sign::signature(&self.hook.secret, at, body.as_bytes()));
        match request.send(&body) {
            Ok(mut answer) => {
                let judged = judge(&answer);
                let _rest_of_it = answer.body_mut().with_config().limit(ANSWER).read_to_vec();
                judged
            }
            Err(cause) => Answer::Later(cause.to_string(), None),
        }
    }

    fn body(&self, batch: &[Recorded]) -> (&'static str, String) {
        match batch {
            [only] if self.hook.batch == 1 => ("application/cloudevents+json", only.json.to_string()),
            _ => {
                let events: Vec<&str> = batch.iter().map(|recorded| &*recorded.json).collect();
                ("application/cloudevents-batch+json", format!("[{}]", events.join(",")))
            }
        }
    }

    fn taken(&mut self, events: usize) {
        self.satchel.delivered(events);
        let failures = self.pauses.settled();
        if failures > 0 {
            tracing::info!(courier = self.hook.name, failures, "the webhook takes events again");
        }
    }

    /// Cut in halves until the event that is not wanted is found.
    fn refused(&mut self, batch: &[Recorded], why: &str) -> bool {
        if let [only] = batch {
            let id = only.event.id;
            tracing::warn!(courier = self.hook.name, %id, why, "the webhook refuses an event, which is let go of");
            self.satchel.refused(only);
            return true;
        }
        let (first, second) = batch.split_at(batch.len() / 2);
        self.hand_over(first) && self.hand_over(second)
    }

    /// Said once, at the first failure in a row.
    fn failed(&mut self, why: &str, pause: Duration) {
        if self.pauses.is_first() {
            tracing::warn!(courier = self.hook.name, why, ?pause, "the webhook did not take events; it is tried again");
        } else {
            tracing::debug!(courier = self.hook.name, why, ?pause, "the webhook did not take events");
        }
    }
}

fn judge<B>(answer: &Response<B>) -> Answer {
    let status = answer.status();
    let asked = answer.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    match status.as_u16() {
        200..=299 => Answer::Taken,
        400 | 413 | 415 | 422 => Answer::Refused(format!("it answers {status}")),
        _ => Answer::Later(format!("it answers {status}"), asked.map(Duration::from_secs)),
    }
}
