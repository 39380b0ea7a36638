//! Traces and reports of failures as their receivers get them, against small HTTP servers in this process; and log lines as JSON.
#![cfg(all(feature = "cli", feature = "server"))]
#![allow(clippy::unwrap_used, reason = "a failed preparation fails the test")]
#![allow(clippy::disallowed_methods, reason = "a server needs a thread a connection")]

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
    time::Duration,
};

use flyball::telemetry::{self, Dsn, Reporter};
use serde_json::Value;
use support::{DONE, FAILED, Place, flyball, free_port, run, synthetic, text};

/// One request as it came.
struct Request {
    head: String,
    body: String,
}

/// A server that takes everything and answers that all is well.
fn receiver() -> (u16, Receiver<Request>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, (tell, requests)) = (listener.local_addr().unwrap().port(), channel());
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let tell = tell.clone();
            thread::spawn(move || answer(&stream, &tell));
        }
    });
    (port, requests)
}

fn answer(stream: &TcpStream, tell: &Sender<Request>) {
    let mut from = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while from.read_line(&mut head).is_ok_and(|read| read > 2) {}
        let head = head.to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok());
        let Some(length) = length else { return };
        let mut body = vec![0; length];
        from.read_exact(&mut body).unwrap();
        let _test_is_over = tell.send(Request { head, body: String::from_utf8(body).unwrap() });
        (&*stream)
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}")
            .unwrap();
    }
}

/// All spans that arrived, by trace.
fn traces(requests: &Receiver<Request>) -> BTreeMap<String, Vec<Value>> {
    let mut traces: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for request in requests.try_iter() {
        assert!(
            request.head.starts_with("post /v1/traces ") && request.head.contains("application/json"),
            "{}",
            request.head
        );
        let body: Value = serde_json::from_str(&request.body).unwrap();
        let resource = &body["resourceSpans"][0]["resource"]["attributes"];
        assert!(
            resource
                .as_array()
                .unwrap()
                .iter()
                .any(|a| a["key"] == "service.name" && a["value"]["stringValue"] == "flyball")
        );
        for span in body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap() {
            traces.entry(span["traceId"].as_str().unwrap().to_owned()).or_default().push(span.clone());
        }
    }
    traces
}

fn attribute<'a>(span: &'a Value, key: &str) -> Option<&'a str> {
    let attributes = span["attributes"].as_array().unwrap();
    let value = &attributes.iter().find(|attribute| attribute["key"] == key)?["value"];
    value["stringValue"].as_str().or(value["intValue"].as_str())
}

#[test]
fn every_traced_frame_tells_its_stages_in_order() {
    let (port, requests) = receiver();
    let place = Place::new();
    let more = format!("[telemetry]\notlp = \"http://127.0.0.1:{port}\"\nevery = 1\n");
    let deployment = place.light_deployment(&[("gate", &synthetic(60))], &more);
    let ended = run(&["run", text(&deployment), "--plain", "--until-end"]);
    assert_eq!(ended.code, Some(DONE), "{ended:#?}");
    let traces = traces(&requests);
    assert!(traces.len() > 5, "{} frames of 60 were traced", traces.len());
    let mut sequences = BTreeSet::new();
    for spans in traces.values() {
        let names: BTreeSet<&str> = spans.iter().map(|span| span["name"].as_str().unwrap()).collect();
        assert_eq!(names, BTreeSet::from(["in lane", "detect", "track", "publish", "frame"]), "{spans:#?}");
        let whole = spans.iter().find(|span| span["name"] == "frame").unwrap();
        assert!(
            whole["parentSpanId"].is_null() && attribute(whole, "flyball.last_stage") == Some("publish"),
            "{whole}"
        );
        let nanos = |span: &Value, key: &str| span[key].as_str().unwrap().parse::<u64>().unwrap();
        for span in spans {
            assert_eq!(attribute(span, "flyball.camera"), Some("gate"));
            assert_eq!(attribute(span, "flyball.sequence"), attribute(whole, "flyball.sequence"));
            assert!(span == whole || span["parentSpanId"] == whole["spanId"], "{span}");
            assert!(nanos(span, "startTimeUnixNano") <= nanos(span, "endTimeUnixNano"), "{span}");
            assert!(nanos(span, "endTimeUnixNano") <= nanos(whole, "endTimeUnixNano"), "{span} outlives {whole}");
        }
        sequences.insert(attribute(whole, "flyball.sequence").unwrap().to_owned());
    }
    assert_eq!(sequences.len(), traces.len(), "a trace a frame");
}

/// A receiver that is not there costs its traces and nothing else; it is told once, as JSON like every other line.
#[test]
fn a_receiver_that_is_not_there_holds_up_nothing_and_log_lines_are_json() {
    let place = Place::new();
    let more = format!("[telemetry]\notlp = \"http://127.0.0.1:{}\"\nevery = 1\n", free_port());
    let deployment = place.light_deployment(&[("gate", &synthetic(90))], &more);
    let ended = run(&["run", text(&deployment), "--plain", "--log-json"]);
    assert_eq!(ended.code, Some(DONE), "{ended:#?}");
    let lines: Vec<Value> = ended.err.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for line in &lines {
        let is_there = |key: &str| line[key].is_string();
        assert!(
            is_there("timestamp") && is_there("level") && is_there("target") && line["fields"].is_object(),
            "{line}"
        );
    }
    let message = |line: &&Value| line["fields"]["message"].as_str().unwrap_or_default().starts_with("traces are lost");
    assert_eq!(lines.iter().filter(message).count(), 1, "{}", ended.err);
}

/// The envelope's event.
fn event(request: &Request, project: &str, key: &str) -> Value {
    assert!(request.head.starts_with(&format!("post /api/{project}/envelope/ ")), "{}", request.head);
    assert!(
        request.head.contains(&format!("sentry_key={key}")) && request.head.contains("sentry_version=7"),
        "{}",
        request.head
    );
    let lines: Vec<Value> = request.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [envelope, item, event] = lines.as_slice() else { panic!("three lines: {}", request.body) };
    assert!(item["type"] == "event" && envelope["event_id"] == event["event_id"], "{envelope} {item}");
    event.clone()
}

#[test]
fn a_run_that_fails_is_reported_without_its_secrets() {
    let (port, requests) = receiver();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = Place::new();
    let camera = "rtsp = \"rtsp://127.0.0.1:1/live\", user = \"me\", password = \"horse-Battery\"";
    let more = format!(
        "[server]\nlisten = \"{}\"\n[telemetry]\nsentry_dsn = \"http://abc123@127.0.0.1:{port}/42\"\n",
        taken.local_addr().unwrap()
    );
    let deployment = place.light_deployment(&[("gate", camera)], &more);
    let mut command = flyball(&["run", text(&deployment), "--plain", "--no-doctor"]);
    let ended = command.env("HOUSE_KEY", "under-the-mat").output().unwrap();
    assert_eq!(ended.status.code(), Some(FAILED));
    let request = requests.recv_timeout(Duration::from_secs(10)).unwrap();
    let event = event(&request, "42", "abc123");
    let exception = &event["exception"]["values"][0];
    assert!(exception["value"].as_str().unwrap().contains("cannot listen on"), "{event}");
    assert_eq!((&event["environment"], &event["level"]), (&"t".into(), &"fatal".into()));
    assert!(event["release"].as_str().unwrap().starts_with("flyball@"));
    for secret in ["horse-Battery", "under-the-mat", "abc123"] {
        assert!(!request.body.contains(secret), "{secret} was told: {}", request.body);
    }
    assert!(requests.try_recv().is_err(), "one failure, one report");
}

#[test]
fn nothing_is_reported_unless_asked_for_and_a_wrong_dsn_is_not_repeated() {
    let place = Place::new();
    let deployment =
        place.light_deployment(&[("gate", &synthetic(1))], "[telemetry]\nsentry_dsn = \"abc123key@host\"\n");
    let ended = run(&["check", text(&deployment)]);
    assert!(ended.out.contains("this is no DSN") && !ended.out.contains("abc123key"), "{ended:#?}");
}

/// A panic says where it was; the words are cleaned before they leave.
#[test]
fn a_panic_is_reported_with_its_place() {
    let (port, requests) = receiver();
    let dsn = Dsn::parse(&format!("http://k@127.0.0.1:{port}/base/7")).unwrap();
    let clean = |words: &str| words.replace("hunter2", "*******");
    let reporter =
        Reporter::start(&dsn, telemetry::Sender { environment: "site".into(), server: "node".into(), clean });
    reporter.report_panics();
    let fallen = thread::Builder::new().name("detect".into()).spawn(|| panic!("lost rtsp://me:hunter2@cam/")).unwrap();
    assert!(fallen.join().is_err());
    reporter.finish();
    let request = requests.recv_timeout(Duration::from_secs(10)).unwrap();
    let event = event_below(&request);
    let exception = &event["exception"]["values"][0];
    assert_eq!((&exception["type"], &event["tags"]["thread"]), (&"panic".into(), &"detect".into()));
    assert_eq!(exception["value"], "lost rtsp://me:*******@cam/");
    assert!(exception["stacktrace"]["frames"][0]["filename"].as_str().unwrap().ends_with("telemetry.rs"), "{event}");
    assert!(exception["stacktrace"]["frames"][0]["lineno"].is_u64(), "{event}");
}

fn event_below(request: &Request) -> Value {
    assert!(request.head.starts_with("post /base/api/7/envelope/ "), "{}", request.head);
    serde_json::from_str(request.body.lines().nth(2).unwrap()).unwrap()
}

#[test]
fn the_metrics_there_are_can_be_listed() {
    let list = run(&["metrics", "--json"]).json_lines().remove(0);
    let names: BTreeSet<&str> =
        list.as_array().unwrap().iter().map(|metric| metric["name"].as_str().unwrap()).collect();
    assert_eq!(names.len(), flyball::server::METRICS.len());
    assert!(names.contains("flyball_camera_frames_total") && names.contains("flyball_latency_seconds"), "{names:?}");
    let table = run(&["metrics"]).out;
    assert!(names.iter().all(|name| table.contains(name)), "{table}");
}
