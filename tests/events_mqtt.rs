//! MQTT against a real broker (mosquitto): QoS 1, login, encryption, a broker that goes away and comes back without a memory.
#![cfg(feature = "server")]
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking, and says when it is skipped")]

mod couriers_common;
mod support;

use std::{
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread::JoinHandle,
    time::Duration,
};

use couriers_common::{PATIENCE, World, numbers, started};
use flyball::events::{
    courier::{Courier, mqtt::Mqtt},
    wire::{Data, Event},
};
use rumqttc::{Client, MqttOptions, Packet, QoS};
use support::{Place, free_port};

/// The broker, if set-up installed it; says aloud when not.
fn mosquitto() -> Option<&'static Path> {
    let found = ["/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"].map(Path::new).into_iter().find(|p| p.exists());
    if found.is_none() {
        eprintln!("SKIPPED: mosquitto is missing, so MQTT was NOT tested; run `make setup`");
    }
    found
}

/// A running broker; it ends with this.
struct Broker(Child);

impl Broker {
    fn start(program: &Path, place: &Place, port: u16, more: &str) -> Self {
        let config = place.write("mosquitto.conf", format!("listener {port} 127.0.0.1\npersistence false\n{more}"));
        // As root it would become another user, who may not read the files of this test.
        let mut command = Command::new(program);
        command.args(["-c", config.to_str().unwrap()]).stdout(Stdio::null()).stderr(Stdio::null());
        let broker = Self(command.spawn().unwrap());
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            std::thread::yield_now();
        }
        broker
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ended_already = self.0.kill();
        let _status = self.0.wait();
    }
}

/// Hears topics and bodies of one broker, for as long as it is there.
struct Ear {
    heard: Receiver<(String, Vec<u8>)>,
    client: Client,
    thread: Option<JoinHandle<()>>,
}

impl Ear {
    fn listen(port: u16, filter: &str, user: Option<(&str, &str)>) -> Self {
        let mut options = MqttOptions::new(format!("ear-{port}"), "127.0.0.1", port);
        options.set_max_packet_size(1 << 20, 1 << 20);
        if let Some((user, password)) = user {
            options.set_credentials(user, password);
        }
        let (client, mut connection) = Client::new(options, 10);
        client.subscribe(filter, QoS::AtLeastOnce).unwrap();
        let ((tell, heard), (ready, is_ready)) = (channel(), channel());
        let listen = move || {
            for event in connection.iter() {
                match event {
                    Ok(rumqttc::Event::Incoming(Packet::SubAck(_))) => ready.send(()).unwrap(),
                    Ok(rumqttc::Event::Incoming(Packet::Publish(p))) => drop(tell.send((p.topic, p.payload.to_vec()))),
                    Ok(rumqttc::Event::Outgoing(rumqttc::Outgoing::Disconnect)) | Err(_) => return,
                    Ok(_) => {}
                }
            }
        };
        let thread = std::thread::Builder::new().spawn(listen).unwrap();
        is_ready.recv_timeout(PATIENCE).unwrap();
        Self { heard, client, thread: Some(thread) }
    }

    fn take(&self, messages: usize) -> Vec<(String, Vec<u8>)> {
        (0..messages)
            .map(|n| self.heard.recv_timeout(PATIENCE).unwrap_or_else(|e| panic!("{n} messages, then {e}")))
            .collect()
    }

    fn events(&self, count: usize) -> Vec<Event> {
        self.take(count).iter().map(|(_, body)| Event::from_json(body).unwrap()).collect()
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        let _gone_already = self.client.try_disconnect();
        let _ended = self.thread.take().map(JoinHandle::join);
    }
}

fn broker_at(port: u16) -> Mqtt {
    Mqtt {
        name: "broker".into(),
        url: format!("mqtt://127.0.0.1:{port}"),
        client_id: format!("flyball-test-{port}"),
        user: None,
        prefix: None,
        onvif: false,
        waiting: 1_000,
        ca: None,
    }
}

fn begin(mqtt: Mqtt) -> (World, Courier) {
    let sink = mqtt.start().unwrap();
    let courier = sink.courier();
    (started(Box::new(sink)), courier)
}

fn pem(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/certificates").join(name)
}

#[test]
#[allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "this test measures time, and says what it measured"
)]
fn many_events_are_acknowledged_at_some_speed() {
    let Some(program) = mosquitto() else { return };
    let (place, port) = (Place::new(), free_port());
    let _broker = Broker::start(program, &place, port, "allow_anonymous true\nmax_queued_messages 0\n");
    let (world, courier) = begin(Mqtt { waiting: 10_000, ..broker_at(port) });
    let begun = std::time::Instant::now();
    world.post(1..=5_000);
    while courier.figures().delivered < 5_000 {
        std::thread::park_timeout(Duration::from_millis(1));
    }
    let rate = 5_000.0 / begun.elapsed().as_secs_f64();
    println!("MQTT, QoS 1 over loopback: {rate:.0} events/s sent and acknowledged by mosquitto");
    world.end();
    assert_eq!((courier.figures().lost, courier.figures().waiting), (0, 0));
}

#[test]
fn events_arrive_on_their_keys_in_order_and_faces_in_onvifs_words_beside_them() {
    let Some(program) = mosquitto() else { return };
    let (place, port) = (Place::new(), free_port());
    let _broker = Broker::start(program, &place, port, "allow_anonymous true\n");
    let ear = Ear::listen(port, "house/#", None);
    let (world, courier) = begin(Mqtt { prefix: Some("house".into()), onvif: true, ..broker_at(port) });
    world.post(1..=300);
    let heard = ear.take(600);
    world.end();
    let (onvif, ours): (Vec<_>, Vec<_>) = heard.into_iter().partition(|(topic, _)| topic.contains("onvif-ej"));
    let events: Vec<_> = ours.iter().map(|(_, body)| Event::from_json(body).unwrap()).collect();
    assert_eq!(numbers(&events), (1..=300).collect::<Vec<_>>());
    let visit = &events[6].subject;
    assert_eq!(ours[6].0, format!("house/flyball/v1/hq/gate/faces/{visit}/updated"));
    assert_eq!(onvif.len(), 300);
    assert_eq!(onvif[0].0, "house/flyball/v1/hq/gate/onvif-ej/RuleEngine/Recognition/Face");
    let face: serde_json::Value = serde_json::from_slice(&onvif[0].1).unwrap();
    assert_eq!(face["Data"]["EnrollmentID"], "p-0042");
    let figures = courier.figures();
    assert_eq!((figures.delivered, figures.lost, figures.waiting), (300, 0, 0));
}

#[test]
fn a_broker_that_comes_back_without_its_memory_gets_what_it_had_not_acknowledged() {
    let Some(program) = mosquitto() else { return };
    let (place, port) = (Place::new(), free_port());
    let more = "allow_anonymous true\n";
    let (world, courier) = begin(broker_at(port));
    // Nobody is there yet: they wait.
    world.post(1..=50);
    while courier.figures().failures == 0 {
        std::thread::yield_now();
    }
    let broker = Broker::start(program, &place, port, more);
    while courier.figures().delivered < 50 {
        std::thread::yield_now();
    }
    drop(broker);
    world.post(51..=120);
    let _again = Broker::start(program, &place, port, more);
    let ear = Ear::listen(port, "flyball/#", None);
    world.post(121..=200);
    while courier.figures().delivered < 200 {
        std::thread::yield_now();
    }
    // What was delivered before this ear listened went to nobody; what comes after is whole and in order.
    let (mut heard, wanted) = (Vec::new(), 200);
    while heard.last() != Some(&wanted) {
        heard.extend(numbers(&ear.events(1)));
    }
    heard.dedup();
    assert_eq!(heard, (heard[0]..=wanted).collect::<Vec<_>>(), "in order, none missing");
    world.end();
    let figures = courier.figures();
    assert_eq!((figures.delivered, figures.lost, figures.waiting), (200, 0, 0), "every event was acknowledged");
}

#[test]
fn what_is_too_much_while_the_broker_is_away_is_announced() {
    let Some(program) = mosquitto() else { return };
    let (place, port) = (Place::new(), free_port());
    let (world, courier) = begin(Mqtt { waiting: 10, ..broker_at(port) });
    world.post(1..=30);
    while courier.figures().lost < 20 {
        std::thread::yield_now();
    }
    // The ear is there first: the courier connects some pause later.
    let _broker = Broker::start(program, &place, port, "allow_anonymous true\n");
    let ear = Ear::listen(port, "flyball/#", None);
    let heard = ear.events(11);
    world.end();
    let Data::Gap(gap) = &heard[0].data else { panic!("{heard:#?}") };
    assert_eq!((gap.first, gap.last, gap.lost), (Some(1), Some(20), Some(20)));
    assert_eq!(numbers(&heard), (20..=30).collect::<Vec<_>>());
}

#[test]
fn a_login_is_checked_and_no_password_is_tried_forever_in_haste() {
    let Some(program) = mosquitto() else { return };
    let (place, port) = (Place::new(), free_port());
    let users = place.write("users", "");
    let made = Command::new("mosquitto_passwd").args(["-b", users.to_str().unwrap(), "flyball", "right"]).status();
    assert!(made.unwrap().success());
    let more = format!("allow_anonymous false\nuser root\npassword_file {}\n", users.display());
    let _broker = Broker::start(program, &place, port, &more);
    let ear = Ear::listen(port, "flyball/#", Some(("flyball", "right")));
    let user = |password: &str| Some(("flyball".to_owned(), password.to_owned()));
    let (world, courier) = begin(Mqtt { user: user("wrong"), client_id: "wrong".into(), ..broker_at(port) });
    world.post(1..=1);
    while courier.figures().failures < 2 {
        std::thread::yield_now();
    }
    world.end();
    assert_eq!((courier.figures().delivered, courier.figures().waiting), (0, 1));
    let (world, _) = begin(Mqtt { user: user("right"), ..broker_at(port) });
    world.post(1..=1);
    assert_eq!(ear.events(1).len(), 1);
    world.end();
}

#[test]
fn a_certificate_is_checked() {
    let Some(program) = mosquitto() else { return };
    for (certificate, ca, is_trusted) in [
        ("good", "ca.pem", true),
        ("wrong_name", "ca.pem", false),
        ("expired", "ca.pem", false),
        ("good", "wrong_name.pem", false),
    ] {
        let (place, port) = (Place::new(), free_port());
        let [pem_file, key] = ["pem", "key"].map(|end| pem(&format!("{certificate}.{end}")));
        let files = format!("certfile {}\nkeyfile {}\n", pem_file.display(), key.display());
        let _broker = Broker::start(program, &place, port, &format!("{files}user root\nallow_anonymous true\n"));
        let url = format!("mqtts://127.0.0.1:{port}");
        let (world, courier) = begin(Mqtt { url, ca: Some(pem(ca)), ..broker_at(port) });
        world.post(1..=1);
        while courier.figures().failures == 0 && courier.figures().delivered == 0 {
            std::thread::park_timeout(Duration::from_millis(5));
        }
        world.end();
        assert_eq!(courier.figures().delivered, u64::from(is_trusted), "{certificate} with {ca}");
    }
}
