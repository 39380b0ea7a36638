//! The HTTP server of a run, asked as a supervisor, a scraper, a browser and a stranger ask it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Command;

use serde_json::{Value, json};
use support::{BAD_INPUT, DONE, FAILED, Place, Running, flyball, free_port, refused, text};
use ureq::http::Response;

/// Three cameras' worth of room; the world never ends by itself.
const WORLD: &str = "synthetic = { width = 320, height = 240, fps = 30, faces = 1, seed = 1 }";
const LOCAL: &str = "[server]\nlisten = \"127.0.0.1:0\"\n";

/// A run with a server, and where it listens.
struct Served {
    running: Running,
    base: String,
    agent: ureq::Agent,
    _place: Place,
}

fn serve(place: Place, more: &str) -> Served {
    let file = place.light_deployment(&[("gate", WORLD)], more);
    let mut running = Running::start(flyball(&["run", text(&file), "--plain"]));
    let line = running.wait_for("listening on");
    let base = line.split("listening on ").nth(1).unwrap().trim().to_owned();
    let agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    Served { running, base, agent, _place: place }
}

impl Served {
    fn get(&self, path: &str, headers: &[(&str, &str)]) -> Response<ureq::Body> {
        let request = self.agent.get(format!("{}{path}", self.base));
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).call().unwrap()
    }

    fn status(&self, path: &str, headers: &[(&str, &str)]) -> u16 {
        self.get(path, headers).status().as_u16()
    }

    fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.get(path, &[]).body_mut().read_to_string().unwrap()).unwrap()
    }

    fn post(&self, path: &str, kind: &str, token: &str, body: &str) -> Response<ureq::Body> {
        let request =
            self.agent.post(format!("{}{path}", self.base)).header("authorization", format!("Bearer {token}"));
        request.content_type(kind).send(body).unwrap()
    }

    fn delete(&self, path: &str) -> u16 {
        self.agent.delete(format!("{}{path}", self.base)).call().unwrap().status().as_u16()
    }

    /// Sends SIGTERM; the run must end well.
    fn end(self) {
        self.running.signal("TERM");
        let ended = self.running.end();
        assert_eq!(ended.code, Some(DONE), "{ended:#?}");
    }
}

#[test]
fn a_run_says_how_it_fares_and_who_is_there() {
    let mut served = serve(Place::new(), LOCAL);
    // The stream first: it must show somebody who appears while we read.
    let stream = served.get("/api/v1/events?camera=gate", &[]).into_body().into_reader();
    let event = BufReader::new(stream)
        .lines()
        .map(Result::unwrap)
        // `head` events come first: they say how far the numbering is.
        .find_map(|line| line.strip_prefix("data: ").filter(|data| data.contains("specversion")).map(str::to_owned));
    let event: Value = serde_json::from_str(&event.unwrap()).unwrap();
    assert_eq!((event["specversion"].as_str(), event["partitionkey"].as_str()), (Some("1.0"), Some("gate")));

    assert_eq!(served.get("/healthz", &[]).body_mut().read_to_string().unwrap(), "ok\n");
    assert_eq!(served.json("/readyz"), json!({ "ready": true, "ending": false, "cameras": 1, "live": 1 }));
    let cameras = served.json("/api/v1/cameras");
    assert_eq!(
        (cameras["cameras"][0]["id"].as_str(), cameras["cameras"][0]["state"].as_str()),
        (Some("gate"), Some("live"))
    );
    assert!(cameras["cameras"][0]["frames"].as_u64().unwrap() > 0, "{cameras}");
    every_metric_is_there(&served.get("/metrics", &[]).body_mut().read_to_string().unwrap());
    let mut page = served.get("/", &[]);
    assert!(page.headers()["content-security-policy"].to_str().unwrap().contains("default-src 'none'"));
    assert!(page.body_mut().read_to_string().unwrap().contains("/api/v1/events"));

    // A reader that never lets go does not hold up the end.
    let held = served.get("/api/v1/events", &[]);
    served.running.wait_for("gate");
    served.end();
    drop(held);
}

fn every_metric_is_there(text: &str) {
    // What has happened to nothing yet is not shown: a made-up camera has no decoder, may have lost no frame, nothing is traced
    // and nobody is sent anything.
    let not_yet = [
        "flyball_camera_decoder",
        "flyball_dropped_frames",
        "flyball_governor_rung",
        "flyball_trace_spans",
        "flyball_courier_delivered",
        "flyball_courier_lost",
        "flyball_courier_failures",
        "flyball_courier_waiting",
    ];
    for metric in flyball::server::METRICS.iter().filter(|metric| !not_yet.contains(&metric.name)) {
        assert!(text.contains(&format!("# HELP {} ", metric.name)), "{} is missing:\n{text}", metric.name);
    }
    for shown in [
        "flyball_camera_state{camera=\"gate\",state=\"live\"} 1",
        "flyball_stage_frames_total{stage=\"detect\"} ",
        "flyball_latency_seconds{quantile=\"0.95\"} ",
        "flyball_memory_bytes{whose=\"ours\"} ",
        "flyball_events_total{type=\"",
    ] {
        assert!(text.contains(shown), "{shown} is missing:\n{text}");
    }
    let ours = flyball::server::METRICS;
    let known = |name: &str| ours.iter().any(|metric| metric.name == name.trim_end_matches("_total"));
    let names = text.lines().filter(|line| !line.starts_with('#')).map(|line| line.split(['{', ' ']).next().unwrap());
    names.for_each(|name| assert!(known(name), "{name} is not in the list"));
}

#[test]
fn cameras_come_and_go() {
    let served = serve(Place::new(), LOCAL);
    let hall =
        json!({ "id": "hall", "source": { "synthetic": { "width": 320, "height": 240, "fps": 30 } } }).to_string();
    let added = served.post("/api/v1/cameras", "application/json", "", &hall);
    assert_eq!((added.status().as_u16(), added.headers()["location"].to_str().unwrap()), (201, "/api/v1/cameras/hall"));
    assert_eq!(served.post("/api/v1/cameras", "application/json", "", &hall).status(), 409, "the id is taken");
    for (body, status, word) in [
        ("no json", 400, "no JSON"),
        ("{\"id\": \"x\"}", 422, "source"),
        ("{\"id\": \"x y\", \"source\": {\"synthetic\": {}}}", 422, "id"),
        ("{\"id\": \"x\", \"source\": {\"synthetic\": {}}, \"n\": null}", 422, "null"),
        (
            "{\"id\": \"x\", \"source\": {\"rtsp\": \"rtsp://10.0.0.1/\", \"user\": \"u\", \"password_file\": \"/etc/passwd\"}}",
            422,
            "file with a secret",
        ),
    ] {
        let mut answer = served.post("/api/v1/cameras", "application/json", "", body);
        let said = answer.body_mut().read_to_string().unwrap();
        assert!(answer.status() == status && said.contains(word), "{body}: {} {said}", answer.status());
    }
    assert_eq!(served.delete("/api/v1/cameras/hall"), 204);
    assert_eq!(served.delete("/api/v1/cameras/hall"), 404);
    assert_eq!(served.json("/readyz")["cameras"], 1);
    served.end();
}

#[test]
fn a_token_opens_its_own_doors_only() {
    let place = Place::new();
    for (name, token) in [("reader", "reader-token-0123456789"), ("sender", "sender-token-0123456789")] {
        place.write(&format!("{name}.token"), format!("{token}\n"));
    }
    let clients = "[[server.client]]\nname = \"reader\"\ntoken_file = \"reader.token\"\nroles = [\"read\"]\n\
                   [[server.client]]\nname = \"sender\"\ntoken_file = \"sender.token\"\nroles = [\"publish\"]\ncameras = [\"door\"]\n\
                   [[camera]]\nid = \"door\"\nsource = { whip = {} }\n[[camera]]\nid = \"yard\"\nsource = { whip = {} }\n";
    let served = serve(place, &format!("{LOCAL}{clients}"));
    let [reader, sender] = ["reader", "sender"].map(|name| format!("Bearer {name}-token-0123456789"));
    for path in ["/healthz", "/readyz", "/"] {
        assert_eq!(served.status(path, &[]), 200, "{path} is for anybody");
    }
    for path in ["/metrics", "/api/v1/cameras", "/api/v1/events"] {
        assert_eq!(served.status(path, &[]), 401, "{path}");
        assert_eq!(served.status(path, &[("authorization", "Bearer wrong")]), 401, "{path}");
        assert_eq!(served.status(path, &[("authorization", &sender)]), 403, "{path}");
        assert_eq!(served.status(path, &[("authorization", &reader)]), 200, "{path}");
    }
    let whip = |camera: &str, token: &str, body: &str| {
        served.post(&format!("/whip/{camera}"), "application/sdp", token, body).status().as_u16()
    };
    assert_eq!(whip("door", "reader-token-0123456789", "v=0"), 403, "readers do not send");
    assert_eq!(whip("yard", "sender-token-0123456789", "v=0"), 403, "not this sender's camera");
    assert_eq!(whip("door", "sender-token-0123456789", "hello"), 400, "no offer");
    assert_eq!(whip("door", "sender-token-0123456789", &"v=0\r\n".repeat(20_000)), 413, "longer than any offer");
    assert_eq!(served.post("/whip/door", "text/plain", "sender-token-0123456789", "v=0").status(), 415);
    let ended = {
        served.running.signal("TERM");
        served.running.end()
    };
    assert_eq!(ended.code, Some(DONE));
    assert!(
        !ended.err.contains("token-0123456789") && !ended.out.contains("token-0123456789"),
        "a token was said aloud"
    );
}

#[test]
fn pages_of_other_servers_may_ask_only_when_named() {
    let served = serve(Place::new(), &format!("{LOCAL}origins = [\"https://ops.example\"]\n"));
    assert_eq!(served.status("/readyz", &[("origin", &served.base)]), 200, "our own page");
    assert_eq!(served.status("/readyz", &[("origin", "https://evil.example")]), 403);
    assert_eq!(served.status("/readyz", &[("origin", "null")]), 403);
    assert_eq!(served.status("/readyz", &[("host", "evil.example")]), 403, "a name that was made to point here");
    let named = served.get("/readyz", &[("origin", "https://ops.example")]);
    assert_eq!(named.headers()["access-control-allow-origin"], "https://ops.example");
    let request = served.agent.options(format!("{}/whip/door", served.base)).header("origin", "https://ops.example");
    let asked_first = request.header("access-control-request-method", "POST").call().unwrap();
    assert_eq!(asked_first.status(), 204);
    assert!(asked_first.headers()["access-control-allow-headers"].to_str().unwrap().contains("authorization"));
    served.end();
}

#[test]
fn with_a_certificate_everything_is_encrypted() {
    let place = Place::new();
    let [certificate, key] = ["cert.pem", "key.pem"].map(|name| place.path(name));
    let subject = [
        "-subj",
        "/CN=localhost",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-addext",
        "basicConstraints=critical,CA:FALSE",
    ];
    let made = Command::new("openssl")
        .args(["req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
        .args(subject)
        .args(["-out", text(&certificate), "-keyout", text(&key)])
        .output();
    if !made.is_ok_and(|made| made.status.success()) {
        eprintln!("SKIPPED: openssl makes no certificate here");
        return;
    }
    let trust = ureq::tls::Certificate::from_pem(&std::fs::read(&certificate).unwrap()).unwrap();
    let mut served = serve(place, &format!("{LOCAL}[server.tls]\ncertificate = \"cert.pem\"\nkey = \"key.pem\"\n"));
    assert!(served.base.starts_with("https://"), "{}", served.base);
    let tls = ureq::tls::TlsConfig::builder().root_certs(ureq::tls::RootCerts::new_with_certs(&[trust])).build();
    served.agent = ureq::Agent::config_builder().tls_config(tls).build().into();
    assert_eq!(served.status("/healthz", &[]), 200);
    let mut plain = TcpStream::connect(served.base.trim_start_matches("https://")).unwrap();
    plain.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let mut heard = Vec::new();
    let _cut_off = plain.read_to_end(&mut heard);
    assert!(!String::from_utf8_lossy(&heard).contains("200 OK"), "nothing is said in the clear");
    served.end();
}

#[test]
fn what_cannot_be_served_is_said_before_anything_starts() {
    let place = Place::new();
    let port = free_port();
    let taken = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    let file = place.light_deployment(&[("gate", WORLD)], &format!("[server]\nlisten = \"127.0.0.1:{port}\"\n"));
    refused(&support::run(&["run", text(&file), "--plain"]), FAILED, &["address already in use", &port.to_string()]);
    drop(taken);
    for (more, words) in [
        ("[server]\nlisten = \"0.0.0.0:8080\"\n", ["other machines", "insecure = true"]),
        ("[server]\nlisten = \"everywhere\"\n", ["no address to listen on", "127.0.0.1:8080"]),
        (
            "[server]\n[[server.client]]\nname = \"a\"\ntoken_file = \"short\"\nroles = [\"read\"]\n",
            ["16 characters", "openssl rand"],
        ),
        ("[server]\n[server.tls]\ncertificate = \"c\"\nkey = \"k\"\n", ["there is no file", "PEM"]),
        ("[[camera]]\nid = \"w\"\nsource = { whip = {} }\n", ["nobody can send", "[server]"]),
    ] {
        place.write("short", "secret\n");
        let file = place.light_deployment(&[("gate", WORLD)], more);
        refused(&support::run(&["run", text(&file), "--plain"]), BAD_INPUT, &words);
    }
}
