//! Sends spans as OTLP over HTTP, in its JSON form: what every OpenTelemetry collector takes at port 4318. Written out here
//! because the official exporter brings forty crates for one request.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{Builder, JoinHandle},
    time::{Duration, SystemTime},
};

use crossbeam_channel::{Receiver, RecvTimeoutError, after, select};
use serde_json::{Value, json};

use super::{Fact, Span, SpanQueue};

/// Spans gather this long before they are sent.
const BEAT: Duration = Duration::from_secs(1);
/// Most spans in one request; with their facts about 200 kB.
const MOST: usize = 512;
/// Longest wait for the receiver; what it did not take by then is lost.
const PATIENCE: Duration = Duration::from_secs(3);
/// A step inside this process, as OTLP numbers the kinds of spans.
const INTERNAL: u32 = 1;
/// Where receivers listen for traces, below their address.
const PATH: &str = "/v1/traces";

/// The thread that sends. [`Exporter::finish`] sends what still waits.
#[derive(Debug)]
pub struct Exporter {
    ending: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

/// What the thread works with.
struct Post {
    url: String,
    agent: ureq::Agent,
    resource: Value,
    queue: SpanQueue,
    /// Whether the last request failed: each change is told once.
    failing: bool,
}

impl Exporter {
    /// Begins to send to the receiver at `address`, such as `http://127.0.0.1:4318`, in the name of this site and node.
    pub fn start(address: &str, site: &str, node: &str) -> io::Result<(Self, SpanQueue)> {
        let (queue, spans) = SpanQueue::new();
        let address = address.trim_end_matches('/');
        let url = if address.ends_with(PATH) { address.to_owned() } else { format!("{address}{PATH}") };
        let config = ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).max_redirects(0);
        let resource = json!({ "attributes": [
            text("service.name", "flyball"),
            text("service.version", env!("CARGO_PKG_VERSION")),
            text("service.namespace", site),
            text("service.instance.id", node),
        ]});
        let post = Post { url, agent: config.build().into(), resource, queue: queue.clone(), failing: false };
        let ending = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&ending);
        let thread = Builder::new().name("traces".into()).spawn(move || post.work(&spans, &told))?;
        Ok((Self { ending, thread }, queue))
    }

    /// Sends what waits and ends; takes no longer than two unanswered requests.
    pub fn finish(self) {
        self.ending.store(true, Ordering::Release);
        // A panic of it would have been told by its thread; the run has ended anyway.
        let _told = self.thread.join();
    }
}

impl Post {
    fn work(mut self, spans: &Receiver<Span>, ending: &AtomicBool) {
        loop {
            let is_last = ending.load(Ordering::Acquire);
            let batch = gather(spans, is_last);
            if !batch.is_empty() {
                self.send(&batch);
            } else if is_last {
                return;
            }
        }
    }

    fn send(&mut self, spans: &[Span]) {
        let body = request(&self.resource, spans).to_string();
        let outcome = self.agent.post(&self.url).content_type("application/json").send(body);
        let count = spans.len() as u64;
        match outcome {
            Ok(_) => self.queue.count(count, 0),
            Err(_) => self.queue.count(0, count),
        }
        self.tell(outcome.err().as_ref());
    }

    fn tell(&mut self, failure: Option<&ureq::Error>) {
        match failure {
            Some(cause) if !self.failing => {
                tracing::warn!(%cause, "traces are lost: {} does not take them; check `otlp` in `[telemetry]`", self.url);
            }
            None if self.failing => tracing::info!("traces arrive again at {}", self.url),
            _ => {}
        }
        self.failing = failure.is_some();
    }
}

/// Spans of one beat, or a full request; at the end what is there, without waiting.
fn gather(spans: &Receiver<Span>, is_last: bool) -> Vec<Span> {
    if is_last {
        return spans.try_iter().take(MOST).collect();
    }
    let mut batch = match spans.recv_timeout(BEAT) {
        Ok(first) => vec![first],
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return Vec::new(),
    };
    let beat = after(BEAT);
    while batch.len() < MOST {
        select! {
            recv(spans) -> span => match span {
                Ok(span) => batch.push(span),
                Err(_) => break,
            },
            recv(beat) -> _ => break,
        }
    }
    batch
}

/// An `ExportTraceServiceRequest`; ids in hexadecimal and 64-bit numbers as text, as OTLP's JSON has them.
fn request(resource: &Value, spans: &[Span]) -> Value {
    let scope = json!({ "name": "flyball", "version": env!("CARGO_PKG_VERSION") });
    let spans: Vec<Value> = spans.iter().map(one).collect();
    json!({ "resourceSpans": [{ "resource": resource, "scopeSpans": [{ "scope": scope, "spans": spans }] }] })
}

fn one(span: &Span) -> Value {
    let facts: Vec<Value> = span.facts.iter().map(|(key, fact)| attribute(key, fact)).collect();
    let mut written = json!({
        "traceId": format!("{:032x}", span.trace),
        "spanId": format!("{:016x}", span.id),
        "name": span.name,
        "kind": INTERNAL,
        "startTimeUnixNano": nanos(span.begun),
        "endTimeUnixNano": nanos(span.ended),
        "attributes": facts,
    });
    if let Some(parent) = span.parent {
        written["parentSpanId"] = format!("{parent:016x}").into();
    }
    written
}

fn attribute(key: &str, fact: &Fact) -> Value {
    match fact {
        Fact::Text(words) => text(key, words),
        Fact::Number(number) => json!({ "key": key, "value": { "intValue": number.to_string() } }),
    }
}

fn text(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": { "stringValue": value } })
}

fn nanos(time: SystemTime) -> String {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_written_as_otlp_has_it() {
        let at = |ms| SystemTime::UNIX_EPOCH + Duration::from_millis(ms);
        let facts = vec![("flyball.camera", Fact::Text("gate".into())), ("flyball.sequence", Fact::Number(7))];
        let (begun, ended) = (at(1_500), at(1_501));
        let span = Span { trace: 0xab, id: 0xcd, parent: Some(0xef), name: "detect".into(), begun, ended, facts };
        let written = one(&span);
        assert_eq!(written["traceId"], "000000000000000000000000000000ab");
        assert_eq!(
            (&written["spanId"], &written["parentSpanId"]),
            (&"00000000000000cd".into(), &"00000000000000ef".into())
        );
        assert_eq!(
            (&written["startTimeUnixNano"], &written["endTimeUnixNano"]),
            (&"1500000000".into(), &"1501000000".into())
        );
        assert_eq!(written["attributes"][1], json!({ "key": "flyball.sequence", "value": { "intValue": "7" } }));
    }
}
