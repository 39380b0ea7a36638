//! Who may hear events and who may not, on a real Zenoh over TLS, by what a deployment file says: certificates, users and
//! passwords, keys. Refusals are in the log; secrets are in none, at any level.
#![cfg(all(feature = "cli", feature = "zenoh"))]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    io::{self, Write},
    net::TcpListener,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, Once},
    time::{Duration, Instant},
};

use flyball::{
    config::Environment,
    events::{
        BusConfig, BusMode, EventSink, MemoryBus, Recorded, Tls, User,
        wire::Event,
        zenoh::{Delivery, Filter, ZenohBus},
    },
    scene::CameraId,
    topology::{Assembly, assemble, open},
};
use tempfile::TempDir;
use uuid::Uuid;
use zenoh::Wait as _;

/// Passwords that no log may have: of those in the users' file, and the one tried in vain.
const SECRETS: [&str; 3] = ["desk-pw-51c7", "chief-pw-e02b", "guess-pw-77aa"];
/// In which something that is allowed has happened.
const PATIENCE: Duration = Duration::from_secs(20);
/// In which something that is forbidden would have happened: heartbeats come every second.
const WHILE: Duration = Duration::from_secs(3);

const PIPELINE: &str = "[pipeline]\nname = \"shapes\"\n[[stage]]\nkind = \"detect\"\nmodel = \"shapes\"\n\
                        [[stage]]\nkind = \"track\"\n[[stage]]\nkind = \"publish\"\n";

#[allow(clippy::disallowed_methods, reason = "the deadlines count from here")]
fn now() -> Instant {
    Instant::now()
}

fn certificate(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/certificates/zenoh").join(name)
}

/// Everything logged in this process, at every level.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn of_this_process() -> Self {
        static BEGUN: Once = Once::new();
        static LOG: Mutex<Option<Log>> = Mutex::new(None);
        let log = LOG.lock().unwrap().get_or_insert_default().clone();
        let writer = log.clone();
        BEGUN.call_once(|| {
            let builder = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false);
            builder.with_writer(move || writer.clone()).init();
        });
        log
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }

    /// Secrets are looked for, and not shown: a test's output is a log too.
    fn has_no_secret(&self) {
        // Zenoh's word of its whole configuration, at DEBUG; `telemetry` keeps it out of every log of a real run.
        let is_configuration = |line: &&str| line.contains("zenoh::api::session: Config:");
        let text: String = self.text().lines().filter(|line| !is_configuration(line)).flat_map(|l| [l, "\n"]).collect();
        assert!(text.lines().count() > 100, "nothing was logged, and so nothing was looked through");
        let keys = ["node.key", "desk.key", "stranger.key"].map(|key| fs::read_to_string(certificate(key)).unwrap());
        let keys = keys.iter().map(|key| key.lines().nth(1).unwrap());
        for (n, secret) in SECRETS.into_iter().chain(keys).enumerate() {
            let line = text.lines().find(|line| line.contains(secret)).map(|line| line.replace(secret, "…"));
            assert_eq!(line, None, "secret {n} was logged");
        }
    }
}

/// A deployment that runs: two cameras with somebody in front of each.
struct Running {
    assembly: Assembly,
    events: MemoryBus,
    endpoint: String,
    _folder: TempDir,
}

impl Running {
    /// `zenoh` is what `[events.zenoh]` says beside its endpoint.
    fn start(zenoh: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let endpoint = format!("tls/127.0.0.1:{port}");
        let users = format!("desk:{}\nchief:{}\n", SECRETS[0], SECRETS[1]);
        fs::write(folder.path().join("users"), users).unwrap();
        fs::write(folder.path().join("pipeline.toml"), PIPELINE).unwrap();
        let camera = |id| {
            let shapes = "width = 320, height = 180, fps = 10, faces = 1, seed = 7";
            format!("[[camera]]\nid = \"{id}\"\nsource = {{ synthetic = {{ {shapes} }} }}\n")
        };
        let text = format!(
            "[deployment]\nname = \"t\"\nsite = \"hq\"\npipeline = \"pipeline.toml\"\n[models]\ndir = \".\"\n\
             [governor]\nenabled = false\n[events.journal]\npath = \"events.redb\"\n{}{}\
             [events.zenoh]\nlisten = [\"{endpoint}\"]\n{zenoh}",
            camera("gate"),
            camera("hall"),
        );
        let file = folder.path().join("deployment.toml");
        fs::write(&file, text).unwrap();
        let opened = open(&file, &Environment::of(&[]));
        let (Some(deployment), Some(graph)) = (opened.deployment, opened.graph) else {
            panic!("{:#?}", opened.problems)
        };
        let events = MemoryBus::default();
        let assembly = assemble(&deployment, &graph, vec![Box::new(events.clone())]).unwrap();
        let running = Self { assembly, events, endpoint, _folder: folder };
        for camera in ["gate", "hall"] {
            let begun = now();
            while !running.events.events().iter().any(|e| e.partitionkey == camera && e.visit().is_some()) {
                assert!(begun.elapsed() < PATIENCE, "nobody came to {camera}");
                std::thread::yield_now();
            }
        }
        running
    }

    /// A subscriber's configuration, with a certificate and a user if it has any.
    fn client(&self, certificate_name: Option<&str>, user: Option<(&str, &str)>) -> BusConfig {
        let file = |ending: &str| certificate_name.map(|name| certificate(&format!("{name}.{ending}")));
        let tls = Tls {
            ca: certificate("ca.pem"),
            certificate: file("pem"),
            key: file("key"),
            mutual: certificate_name.is_some(),
        };
        let patience = [("connect/timeout_ms".to_owned(), "3000".to_owned())];
        BusConfig {
            mode: BusMode::Client,
            tls: Some(tls),
            user: user.map(|(name, password)| User { name: name.into(), password: password.into() }),
            raw: patience.into(),
            ..BusConfig::asking(&self.endpoint)
        }
    }

    fn stop(self) {
        self.assembly.running.stop();
        self.assembly.finish(now() + PATIENCE, now);
    }
}

/// The first event of a camera that a subscriber hears within `patience`, history included.
fn hears(bus: &ZenohBus, camera: &str, patience: Duration) -> Option<Event> {
    // Who may only hear one site's cameras names the site: a wider subscription is refused as a whole.
    let filter = Filter { site: Some("hq".into()), camera: Some(camera.into()) };
    let mut subscription = bus.subscribe(&filter, Some(0)).unwrap();
    let begun = now();
    while begun.elapsed() < patience {
        match subscription.next_within(patience.saturating_sub(begun.elapsed())) {
            Some(Delivery::Event(event, _)) => return Some(*event),
            Some(other) => panic!("{other:?}"),
            None => {}
        }
    }
    None
}

fn is_refused(config: &BusConfig, who: &str) {
    let opened = ZenohBus::open(config);
    let Ok(bus) = opened else { return };
    assert_eq!(hears(&bus, "gate", WHILE), None, "{who} hears events");
}

const PASSWORDS: &str = r#"
users_file = "users"
access = [
    { user = "desk", keys = ["flyball/v1/hq/gate/**"] },
    { user = "chief", keys = ["flyball/v1/**"] },
]
[events.zenoh.tls]
"#;

fn node_certificate(mutual: bool) -> String {
    let path = |name| certificate(name).display().to_string();
    format!(
        "ca = \"{}\"\ncertificate = \"{}\"\nkey = \"{}\"\nmutual = {mutual}\n",
        path("ca.pem"),
        path("node.pem"),
        path("node.key")
    )
}

#[test]
fn users_hear_what_their_keys_allow_and_say_nothing() {
    let log = Log::of_this_process();
    let running = Running::start(&format!("{PASSWORDS}{}", node_certificate(false)));
    is_refused(&running.client(None, Some(("desk", SECRETS[2]))), "a wrong password");
    is_refused(&running.client(None, Some(("nobody", SECRETS[0]))), "a user who is not in the file");
    is_refused(&running.client(None, None), "who gives no name");
    let desk = ZenohBus::open(&running.client(None, Some(("desk", SECRETS[0])))).unwrap();
    let chief = ZenohBus::open(&running.client(None, Some(("chief", SECRETS[1])))).unwrap();
    let heard = hears(&desk, "gate", PATIENCE).expect("the desk may hear its own camera");
    assert!(hears(&chief, "hall", PATIENCE).is_some(), "the chief may hear everything");
    assert_eq!(hears(&desk, "hall", WHILE), None, "the desk hears a camera that is not its own");
    let mut everything = desk.subscribe(&Filter::default(), Some(0)).unwrap();
    assert!(everything.next_within(WHILE).is_none(), "the desk hears all cameras by asking for all of them");
    drop(everything);
    forged_events_reach_nobody(&desk, &chief, heard);
    single_events_reach_whom_their_keys_allow(running);
    log.has_no_secret();
    for refusal in ["Invalid password", "Invalid user"] {
        assert!(log.text().contains(refusal), "`{refusal}` is not in the log");
    }
}

/// A session such as others have, with the desk's name.
fn another_desk(endpoint: &str) -> zenoh::Session {
    let mut config = zenoh::Config::default();
    let ca = certificate("ca.pem").display().to_string();
    for (key, value) in [
        ("mode", "\"client\"".to_owned()),
        ("connect/endpoints", format!("[\"{endpoint}\"]")),
        ("scouting/multicast/enabled", "false".into()),
        ("transport/link/tls/root_ca_certificate", format!("\"{ca}\"")),
        ("transport/auth/usrpwd/user", "\"desk\"".into()),
        ("transport/auth/usrpwd/password", format!("\"{}\"", SECRETS[0])),
    ] {
        config.insert_json5(key, &value).unwrap();
    }
    zenoh::open(config).wait().unwrap()
}

/// They are only sent while somebody wants them: that has to be known whatever keys that somebody may hear. The cameras go
/// away, the desk's own last, so that visits are closed at both.
fn single_events_reach_whom_their_keys_allow(running: Running) {
    let session = another_desk(&running.endpoint);
    let [own, other] = ["gate", "hall"]
        .map(|camera| session.declare_subscriber(format!("flyball/v1/hq/{camera}/faces/*/closed")).wait().unwrap());
    // Answered after the node has heard of both.
    let answer = session.get("flyball/v1/hq/gate/@history?since=0").wait().unwrap().recv_timeout(PATIENCE);
    assert!(answer.unwrap().is_some(), "the desk may ask for its camera's history");
    for camera in ["hall", "gate"] {
        running.assembly.running.cameras().remove(&CameraId::new(camera).unwrap(), PATIENCE).unwrap();
    }
    assert!(own.recv_timeout(PATIENCE).unwrap().is_some(), "the desk may hear single events of its own camera");
    assert!(other.drain().next().is_none(), "the desk hears single events of a camera that is not its own");
    running.stop();
}

/// Who may only listen publishes an event in a camera's name.
fn forged_events_reach_nobody(from: &ZenohBus, to: &ZenohBus, mut event: Event) {
    let mut subscription = to.subscribe(&Filter::default(), None).unwrap();
    let forged = Uuid::from_u128(77);
    (event.id, event.sequence.0) = (forged, event.sequence.0 + 1_000);
    let mut sink = from.sink().unwrap();
    sink.publish(&Recorded::new(event).unwrap());
    sink.finish();
    let begun = now();
    while begun.elapsed() < WHILE {
        if let Some(Delivery::Event(event, _)) = subscription.next_within(WHILE.saturating_sub(begun.elapsed())) {
            assert_ne!(event.id, forged, "a forged event arrived");
        }
    }
}

#[test]
fn certificates_let_in_whom_the_authority_knows_and_where_their_keys_reach() {
    let log = Log::of_this_process();
    let access = "access = [{ certificate = \"desk\", keys = [\"flyball/v1/hq/gate/**\"] }]\n[events.zenoh.tls]\n";
    let running = Running::start(&format!("{access}{}", node_certificate(true)));
    is_refused(&running.client(Some("stranger"), None), "a certificate of an unknown authority");
    is_refused(&running.client(None, None), "who shows no certificate");
    let unknown_node = BusConfig {
        tls: Some(Tls { ca: certificate("stranger.pem"), ..Tls::default() }),
        ..running.client(None, None)
    };
    is_refused(&unknown_node, "who does not trust the node's certificate");
    let desk = ZenohBus::open(&running.client(Some("desk"), None)).unwrap();
    assert!(hears(&desk, "gate", PATIENCE).is_some(), "the right certificate hears its camera");
    assert_eq!(hears(&desk, "hall", WHILE), None, "the desk hears a camera that is not its own");
    running.stop();
    log.has_no_secret();
    assert!(log.text().to_lowercase().contains("certificate"), "what was refused is in the log");
}
