//! `[[events.webhook]]` and `[[events.mqtt]]`: ways for events to leave beside Zenoh, as people type them.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::stages::duration;

/// A web address that gets every event, by signed POST requests.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Webhook {
    /// A name for log and metrics.
    #[schemars(extend("format" = "id"))]
    pub(crate) name: String,
    /// Where to post, such as `https://ops.example/flyball`.
    #[schemars(extend("format" = "http-url"))]
    pub(crate) url: String,
    /// What both sides know, to sign with; write `"${NAME}"` to take it from the environment.
    #[serde(default, skip_serializing)]
    pub(crate) secret: Option<String>,
    /// A file whose first line is the secret, relative to this file. `openssl rand -hex 32` makes a good one.
    #[serde(default)]
    pub(crate) secret_file: Option<String>,
    /// Most events in one request, 1 to 1000. 1 posts a single event; more always post an array of events.
    #[serde(default = "batch")]
    #[schemars(range(min = 1, max = 1000))]
    pub(crate) batch: u32,
    /// How long a first event waits for others, to go with them.
    #[serde(default = "linger", with = "duration")]
    #[schemars(with = "duration::Written")]
    pub(crate) linger: Duration,
    /// Longest wait for an answer; then it is tried again.
    #[serde(default = "timeout", with = "duration")]
    #[schemars(with = "duration::Written")]
    pub(crate) timeout: Duration,
    /// Most events that wait while nobody takes them, 1 to 1000000, about 2 KB each. The oldest go first, and are announced.
    #[serde(default = "waiting")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub(crate) waiting: u32,
    /// The authority to trust: a PEM file, relative to this file. Default: those the system trusts.
    #[serde(default)]
    pub(crate) ca: Option<String>,
    /// Allow `http://` beyond this machine: anyone on the way reads every event.
    #[serde(default)]
    pub(crate) insecure: bool,
}

/// An MQTT broker that gets every event, with QoS 1.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mqtt {
    /// A name for log and metrics.
    #[schemars(extend("format" = "id"))]
    pub(crate) name: String,
    /// The broker, such as `mqtts://broker.example:8883` or `mqtt://127.0.0.1`.
    #[schemars(extend("format" = "mqtt-url"))]
    pub(crate) url: String,
    /// Who we are to the broker. Default: `flyball-<site>-<node>-<name>`.
    #[serde(default)]
    #[schemars(length(min = 1, max = 128))]
    pub(crate) client_id: Option<String>,
    /// The user to log in as.
    #[serde(default)]
    pub(crate) user: Option<String>,
    /// The password; write `"${NAME}"` to take it from the environment.
    #[serde(default, skip_serializing)]
    pub(crate) password: Option<String>,
    /// A file whose first line is the password, relative to this file.
    #[serde(default)]
    pub(crate) password_file: Option<String>,
    /// In front of every topic, such as `building-7`. Default: topics begin with `flyball/v1/`.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub(crate) topic_prefix: Option<String>,
    /// Most events that wait while the broker is away, 1 to 1000000, about 2 KB each. The oldest go first, and are announced.
    #[serde(default = "waiting")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub(crate) waiting: u32,
    /// The authority to trust: a PEM file, relative to this file. Default: those the system trusts.
    #[serde(default)]
    pub(crate) ca: Option<String>,
    /// Allow `mqtt://` beyond this machine: anyone on the way reads every event, and the password.
    #[serde(default)]
    pub(crate) insecure: bool,
}

fn batch() -> u32 {
    50
}

fn linger() -> Duration {
    Duration::from_millis(100)
}

fn timeout() -> Duration {
    Duration::from_secs(10)
}

fn waiting() -> u32 {
    10_000
}
