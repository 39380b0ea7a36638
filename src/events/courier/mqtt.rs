//! Publishes events to an MQTT 3.1.1 broker with QoS 1: each is held until the broker has acknowledged it, and sent again
//! over the next connection otherwise. The topic is the event's key, `flyball/v1/<site>/<camera>/…`, after a prefix if one
//! is asked for; nothing is retained.
//!
//! Why every connection is a new client: rumqttc forgets what was not acknowledged when a broker comes back without the
//! session, which is what a broker without a disk does. Here the [`Window`] remembers, in order.

use std::{path::PathBuf, sync::Arc, thread, time::Duration};

use rumqttc::{Client, Connection, Event, MqttOptions, Packet, QoS, TlsConfiguration, Transport};
use rustls::{ClientConfig, RootCertStore, crypto::ring};

use super::{
    CourierError, CourierSink,
    pause::Pauses,
    satchel::Satchel,
    tls,
    window::{Message, Window},
};
use crate::events::{keys::Key, onvif, sink::Recorded};

/// Messages sent and not acknowledged yet, at most.
const IN_FLIGHT: usize = 64;
/// Silence after which the connection is tried with a ping.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// The largest message either way, in bytes; an event is about two thousand.
const LARGEST: usize = 1 << 20;
/// Longest wait before looking around.
const PATIENCE: Duration = Duration::from_millis(200);
/// Ports where none is written.
const PORTS: (u16, u16) = (1883, 8883);

/// A broker that gets every event. Not for showing: it may hold a password.
#[derive(Clone)]
pub struct Mqtt {
    /// For log and metrics.
    pub name: String,
    /// `mqtts://host[:port]`, or `mqtt://…` where that was allowed.
    pub url: String,
    /// Who we are to the broker; two connections with the same one end each other.
    pub client_id: String,
    /// User and password.
    pub user: Option<(String, String)>,
    /// In front of every topic, without a slash at its end.
    pub prefix: Option<String>,
    /// Also publish faces in ONVIF's words.
    pub onvif: bool,
    /// Most events that wait.
    pub waiting: usize,
    /// Whom to trust; the system's authorities without it.
    pub ca: Option<PathBuf>,
}

impl Mqtt {
    /// Starts the courier.
    pub fn start(self) -> Result<CourierSink, CourierError> {
        let options = self.options()?;
        let (name, waiting) = (self.name.clone(), self.waiting);
        CourierSink::start(&name, waiting, move |satchel| {
            let pauses = Pauses::new(&self.name);
            let link = Link { mqtt: self, satchel: Arc::clone(satchel), window: Window::new(IN_FLIGHT) };
            link.run(&options, pauses);
        })
    }

    fn options(&self) -> Result<MqttOptions, CourierError> {
        let (encrypted, host, port) = self.address().ok_or_else(|| CourierError::Address(self.name.clone()))?;
        let mut options = MqttOptions::new(&self.client_id, host, port);
        options.set_keep_alive(KEEP_ALIVE).set_clean_session(true).set_max_packet_size(LARGEST, LARGEST);
        options.set_inflight(IN_FLIGHT as u16);
        if let Some((user, password)) = &self.user {
            options.set_credentials(user, password);
        }
        if encrypted {
            options.set_transport(Transport::Tls(TlsConfiguration::Rustls(Arc::new(self.trust()?))));
        }
        Ok(options)
    }

    /// Whether it is encrypted, host and port.
    fn address(&self) -> Option<(bool, &str, u16)> {
        let plain = self.url.strip_prefix("mqtt://").map(|rest| (false, rest, PORTS.0));
        let (encrypted, rest, usual) = plain.or_else(|| Some((true, self.url.strip_prefix("mqtts://")?, PORTS.1)))?;
        let place = rest.trim_end_matches('/');
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
            _ => (place, usual),
        };
        Some((encrypted, host.trim_matches(['[', ']']), port))
    }

    fn trust(&self) -> Result<ClientConfig, CourierError> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(tls::authorities(&self.name, self.ca.as_deref())?);
        let refused = |why: String| CourierError::Certificates {
            name: self.name.clone(),
            path: self.ca.clone().unwrap_or_default(),
            why,
        };
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().map_err(|cause| refused(cause.to_string()))?;
        Ok(config.with_root_certificates(roots).with_no_client_auth())
    }

    /// What one event becomes: a message on its own key, and one in ONVIF's words if those are asked for.
    fn messages(&self, recorded: &Recorded) -> Vec<Message> {
        let Ok(key) = Key::of(&recorded.event) else { return Vec::new() };
        let mut messages = vec![Message { topic: self.topic(&key.to_string()), body: Arc::clone(&recorded.json) }];
        if let Some((key, body)) = self.onvif.then(|| onvif::message(&recorded.event)).flatten() {
            messages.push(Message { topic: self.topic(&key.replace('@', "")), body: body.into() });
        }
        messages
    }

    /// A key as a topic: `+` and `#` mean something else in MQTT.
    fn topic(&self, key: &str) -> String {
        let key = key.replace(['+', '#'], "_");
        self.prefix.as_ref().map_or(key.clone(), |prefix| format!("{prefix}/{key}"))
    }
}

struct Link {
    mqtt: Mqtt,
    satchel: Arc<Satchel>,
    window: Window,
}

impl Link {
    /// Connects again and again, until everything is delivered or the end comes while the broker is away.
    fn run(self, options: &MqttOptions, mut pauses: Pauses) {
        loop {
            self.window.connecting();
            let (client, connection) = Client::new(options.clone(), IN_FLIGHT + 2);
            let ended = thread::scope(|scope| {
                let feeder = thread::Builder::new().name("courier-feed".into());
                let feeding = feeder.spawn_scoped(scope, || self.feed(&client));
                let ended = self.listen(connection, &mut pauses);
                self.window.down();
                feeding.map(drop).map_err(|cause| cause.to_string()).and(ended)
            });
            let Err(why) = ended else { return };
            let pause = pauses.next(None);
            if pauses.is_first() {
                tracing::warn!(courier = self.mqtt.name, why, ?pause, "the broker is away; it is tried again");
            } else {
                tracing::debug!(courier = self.mqtt.name, why, ?pause, "the broker is away");
            }
            if !self.satchel.rest(pause) {
                return;
            }
        }
    }

    /// Hears what the broker says until the connection ends; `Ok` when we ended it.
    fn listen(&self, mut connection: Connection, pauses: &mut Pauses) -> Result<(), String> {
        for heard in connection.iter() {
            match heard {
                Ok(Event::Incoming(Packet::ConnAck(_))) => {
                    self.window.up();
                    tracing::info!(courier = self.mqtt.name, "connected to the broker");
                }
                Ok(Event::Incoming(Packet::PubAck(_))) => {
                    pauses.settled(); // not earlier: a broker may greet us only to end the connection
                    self.acknowledged();
                }
                Ok(Event::Outgoing(rumqttc::Outgoing::Disconnect)) => return Ok(()),
                Ok(_) => {}
                Err(cause) => return Err(cause.to_string()),
            }
        }
        Ok(())
    }

    /// Brokers acknowledge in the order of what they got.
    fn acknowledged(&self) {
        if self.window.acknowledged() {
            self.satchel.delivered(1);
        }
    }

    /// Sends over one connection: first what an earlier one left unacknowledged, then what waits.
    fn feed(&self, client: &Client) {
        if !self.window.wait_until_up() {
            return;
        }
        while self.window.is_up() {
            while let Some(message) = self.window.next() {
                if !send(client, &message) {
                    return;
                }
            }
            if !self.window.all_sent(PATIENCE) {
                continue;
            }
            match self.satchel.take(1, Duration::ZERO, PATIENCE) {
                Some(taken) => taken.iter().for_each(|recorded| self.hold(recorded)),
                None => return self.part(client),
            }
        }
    }

    fn hold(&self, recorded: &Recorded) {
        match self.mqtt.messages(recorded) {
            none if none.is_empty() => self.satchel.refused(recorded),
            messages => self.window.hold(messages),
        }
    }

    /// Nothing waits and nothing will: the last acknowledgements, then goodbye.
    fn part(&self, client: &Client) {
        while self.window.is_up() && !self.window.is_empty(PATIENCE) {}
        let _gone_already = client.try_disconnect();
    }
}

/// The client's queue holds more than the window lets through, so this fails only when the connection is over.
fn send(client: &Client, message: &Message) -> bool {
    client.try_publish(&message.topic, QoS::AtLeastOnce, false, message.body.as_bytes()).is_ok()
}
