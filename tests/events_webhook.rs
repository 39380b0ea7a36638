//! Webhooks against a real HTTP server: one that fails first, one that refuses, one nobody should trust.
#![cfg(feature = "server")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod couriers_common;
mod support;

use std::{
    collections::VecDeque,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use couriers_common::{PATIENCE, SECRET, World, numbers, started};
use flyball::events::{
    courier::{Courier, sign, webhook::Webhook},
    wire::{Data, Event},
};
use serde_json::Value;
use support::{Place, Running, flyball, program, root, text};

/// One request as it came.
#[derive(Clone, Debug)]
struct Request {
    headers: HeaderMap,
    body: Bytes,
    /// Events in it that were taken.
    taken: usize,
    answered: StatusCode,
}

/// What the receiver will answer, and what it got.
#[derive(Default)]
struct Desk {
    got: Mutex<Vec<Request>>,
    changed: Condvar,
    /// Answers to give first; 204 afterwards.
    first: Mutex<VecDeque<StatusCode>>,
    /// Refuse bodies with this number in them.
    poison: Option<u64>,
    /// Answer 503 while it is set.
    closed: AtomicBool,
}

impl Desk {
    fn answering(first: &[u16]) -> Arc<Self> {
        let first = first.iter().map(|code| StatusCode::from_u16(*code).unwrap()).collect();
        Arc::new(Self { first: Mutex::new(first), ..Self::default() })
    }

    /// Requests that were taken, once there are events of this many numbers in them.
    fn wait_for(&self, events: usize) -> Vec<Request> {
        let few = |got: &mut Vec<Request>| got.iter().map(|request| request.taken).sum::<usize>() < events;
        let (got, late) = self.changed.wait_timeout_while(self.got.lock().unwrap(), PATIENCE, few).unwrap();
        assert!(!late.timed_out(), "only {:?} came", taken(&got).iter().map(|e| e.sequence.0).collect::<Vec<_>>());
        got.clone()
    }
}

async fn receive(State(desk): State<Arc<Desk>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let poisoned = desk
        .poison
        .is_some_and(|poison| events(&body).iter().any(|e| e.sequence.0 == poison && !matches!(e.data, Data::Gap(_))));
    let first = desk.first.lock().unwrap().pop_front();
    let answered = first.unwrap_or(match poisoned {
        _ if desk.closed.load(Ordering::Acquire) => StatusCode::SERVICE_UNAVAILABLE,
        true => StatusCode::UNPROCESSABLE_ENTITY,
        false => StatusCode::NO_CONTENT,
    });
    let taken = if answered.is_success() { events(&body).len() } else { 0 };
    desk.got.lock().unwrap().push(Request { headers, body, taken, answered });
    desk.changed.notify_all();
    answered
}

/// The events of a body, whether it is one or several.
fn events(body: &[u8]) -> Vec<Event> {
    match serde_json::from_slice(body).unwrap() {
        Value::Array(events) => events.into_iter().map(|event| serde_json::from_value(event).unwrap()).collect(),
        one => vec![serde_json::from_value(one).unwrap()],
    }
}

/// Every event that was taken, in order.
fn taken(got: &[Request]) -> Vec<Event> {
    got.iter().filter(|request| request.answered.is_success()).flat_map(|request| events(&request.body)).collect()
}

/// A receiver on a port of its own; it ends with the runtime.
fn serve(desk: &Arc<Desk>, certificate: Option<&str>) -> (tokio::runtime::Runtime, String) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    let app = Router::new().route("/hook", post(receive)).with_state(Arc::clone(desk));
    match certificate {
        None => {
            runtime.spawn(async move {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                axum::serve(listener, app).await.unwrap();
            });
            (runtime, format!("http://{address}/hook"))
        }
        Some(name) => {
            let _whoever_was_first = rustls::crypto::ring::default_provider().install_default();
            let (pem, key) = (pem(&format!("{name}.pem")), pem(&format!("{name}.key")));
            let config = axum_server::tls_rustls::RustlsConfig::from_pem_file(pem, key);
            let config = runtime.block_on(config).unwrap();
            let within = runtime.enter();
            let server = axum_server::from_tcp_rustls(listener, config).unwrap();
            drop(within);
            runtime.spawn(async move { server.serve(app.into_make_service()).await.unwrap() });
            (runtime, format!("https://{address}/hook"))
        }
    }
}

fn pem(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/certificates").join(name)
}

fn hook(url: &str) -> Webhook {
    Webhook {
        name: "desk".into(),
        url: url.into(),
        secret: SECRET.into(),
        batch: 10,
        linger: Duration::from_millis(20),
        timeout: Duration::from_secs(5),
        waiting: 1_000,
        ca: None,
    }
}

#[allow(clippy::disallowed_methods, reason = "signatures are dated")]
fn begin(hook: Webhook) -> (World, Courier) {
    let sink = hook.start(Arc::new(SystemTime::now)).unwrap();
    let courier = sink.courier();
    (started(Box::new(sink)), courier)
}

#[allow(clippy::disallowed_methods, reason = "signatures are dated")]
fn is_signed(request: &Request) -> bool {
    let header = request.headers[sign::HEADER].to_str().unwrap();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    sign::verify(SECRET, header, &request.body, now, Duration::from_mins(1)).is_ok()
        && sign::verify("another secret of some length", header, &request.body, now, Duration::from_mins(1)).is_err()
}

#[test]
fn a_receiver_that_fails_first_gets_everything_in_order_signed() {
    let desk = Desk::answering(&[503, 500, 429, 302, 401]);
    let (_runtime, url) = serve(&desk, None);
    let (world, courier) = begin(hook(&url));
    world.post(1..=40);
    let got = desk.wait_for(40);
    assert_eq!(numbers(&taken(&got)), (1..=40).collect::<Vec<_>>());
    assert!(got.iter().all(is_signed), "every attempt is signed anew");
    assert_eq!(got.iter().filter(|request| !request.answered.is_success()).count(), 5);
    assert!(got.iter().all(|r| r.headers["content-type"] == "application/cloudevents-batch+json"));
    assert!(got.iter().all(|r| events(&r.body).len() <= 10), "no batch is larger than asked for");
    world.end();
    let figures = courier.figures();
    assert_eq!((figures.delivered, figures.lost, figures.failures, figures.waiting), (40, 0, 5, 0));
}

#[test]
#[allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "this test measures time, and says what it measured"
)]
fn many_events_arrive_whole_and_at_some_speed() {
    for batch in [1, 50] {
        let desk = Desk::answering(&[]);
        let (_runtime, url) = serve(&desk, None);
        let (world, courier) = begin(Webhook { batch, waiting: 10_000, ..hook(&url) });
        let begun = std::time::Instant::now();
        world.post(1..=2_000);
        let got = desk.wait_for(2_000);
        let rate = 2_000.0 / begun.elapsed().as_secs_f64();
        println!("webhook, batches of {batch}: {rate:.0} events/s signed, sent and answered on loopback");
        assert_eq!(numbers(&taken(&got)), (1..=2_000).collect::<Vec<_>>());
        world.end();
        assert_eq!((courier.figures().delivered, courier.figures().lost), (2_000, 0));
    }
}

#[test]
fn with_a_batch_of_one_each_body_is_one_event() {
    let desk = Desk::answering(&[]);
    let (_runtime, url) = serve(&desk, None);
    let (world, _) = begin(Webhook { batch: 1, ..hook(&url) });
    world.post(1..=3);
    let got = desk.wait_for(3);
    assert!(got.iter().all(|r| r.headers["content-type"] == "application/cloudevents+json"), "{got:?}");
    assert!(got.iter().all(|r| r.body.starts_with(b"{")), "{got:?}");
    world.end();
}

#[test]
fn what_is_too_much_is_announced_to_the_receiver_before_anything_newer() {
    let desk = Arc::new(Desk { closed: AtomicBool::new(true), ..Desk::default() });
    let (_runtime, url) = serve(&desk, None);
    // The first batch is in hand while the receiver fails; 5 more may wait.
    let (world, courier) = begin(Webhook { waiting: 5, batch: 5, linger: Duration::ZERO, ..hook(&url) });
    world.post(1..=1);
    while courier.figures().failures == 0 {
        std::thread::yield_now();
    }
    world.post(2..=30);
    while courier.figures().lost < 24 {
        std::thread::yield_now();
    }
    desk.closed.store(false, Ordering::Release);
    let got = taken(&desk.wait_for(7));
    world.end();
    let gaps: Vec<_> = got.iter().filter_map(|e| if let Data::Gap(gap) = &e.data { Some(gap) } else { None }).collect();
    let (lost, first, last) = (gaps[0].lost.unwrap(), gaps[0].first.unwrap(), gaps[0].last.unwrap());
    assert_eq!((gaps.len(), first, last, lost), (1, 2, 25, 24), "{got:#?}");
    assert_eq!(numbers(&got), [1, 25, 26, 27, 28, 29, 30], "the gap stands in the place of the last that is missing");
    assert_eq!(courier.figures().lost, 24);
}

#[test]
fn one_event_that_is_refused_does_not_hold_up_the_others() {
    let desk = Arc::new(Desk { poison: Some(7), ..Desk::default() });
    let (_runtime, url) = serve(&desk, None);
    let (world, courier) = begin(hook(&url));
    world.post(1..=20);
    let got = taken(&desk.wait_for(20));
    world.end();
    let mut kept: Vec<u64> = got.iter().filter(|e| !matches!(e.data, Data::Gap(_))).map(|e| e.sequence.0).collect();
    kept.sort_unstable();
    assert_eq!(kept, (1..=20).filter(|n| *n != 7).collect::<Vec<_>>());
    let gap = got.iter().find_map(|e| if let Data::Gap(gap) = &e.data { Some(gap) } else { None }).unwrap();
    assert_eq!((gap.first, gap.last, courier.figures().lost), (Some(7), Some(7), 1));
}

#[test]
fn a_certificate_is_checked() {
    let (ca, desk) = (Some(pem("ca.pem")), Desk::answering(&[]));
    let (_runtime, url) = serve(&desk, Some("good"));
    let (world, _) = begin(Webhook { ca: ca.clone(), ..hook(&url) });
    world.post(1..=1);
    assert_eq!(desk.wait_for(1).len(), 1);
    world.end();
    for (certificate, ca) in [("wrong_name", ca.clone()), ("expired", ca), ("good", Some(pem("wrong_name.pem")))] {
        let desk = Desk::answering(&[]);
        let (_runtime, url) = serve(&desk, Some(certificate));
        let (world, courier) = begin(Webhook { ca, ..hook(&url) });
        world.post(1..=1);
        while courier.figures().failures == 0 {
            std::thread::yield_now();
        }
        world.end();
        assert!(desk.got.lock().unwrap().is_empty(), "{certificate}: not even the request was sent");
        assert_eq!((courier.figures().delivered, courier.figures().waiting), (0, 1), "{certificate}");
    }
}

/// The whole program: from a deployment file to the sample receiver, and no secret in what is said.
#[test]
fn a_run_posts_to_the_sample_receiver() {
    let (place, port) = (Place::new(), support::free_port());
    let receiver = program(
        Path::new("python3"),
        root(),
        &["samples/receive_webhook.py", "--port", &port.to_string(), "--count", "3"],
    );
    let mut receiver = Running::start(with_secret(receiver));
    receiver.wait_for("listening on");
    let webhook = format!(
        "[[events.webhook]]\nname = \"desk\"\nurl = \"http://127.0.0.1:{port}/\"\nsecret = \"${{FLYBALL_SECRET}}\"\n"
    );
    let file = place.light_deployment(&[("gate", &support::synthetic(200))], &webhook);
    let ran = Running::start(with_secret(flyball(&["run", text(&file), "--events", "-"]))).end();
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    let heard = receiver.end();
    assert_eq!(heard.code, Some(0), "{heard:#?}");
    let (said, got) = (ran.json_lines(), heard.json_lines());
    assert_eq!(got[..], said[..3]);
    assert!(!ran.err.contains(SECRET) && !ran.out.contains(SECRET), "the secret was said aloud");
}

fn with_secret(mut command: Command) -> Command {
    command.env("FLYBALL_SECRET", SECRET);
    command
}
