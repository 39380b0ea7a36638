//! `[events]`: how events leave, as people type it.

use std::{collections::BTreeMap, time::Duration};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::courier::{Mqtt, Webhook};
use crate::events::{Access, Encoding};
use crate::stages::duration;

/// How events leave.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Events {
    /// Over Zenoh. Default: events stay in this process.
    pub(crate) zenoh: Option<Zenoh>,
    /// Kept on disk until subscribers have them. Default: not kept.
    pub(crate) journal: Option<Journal>,
    /// Web addresses that get every event, one `[[events.webhook]]` each.
    pub(crate) webhook: Vec<Webhook>,
    /// MQTT brokers that get every event, one `[[events.mqtt]]` each.
    pub(crate) mqtt: Vec<Mqtt>,
    /// Whether faces are also told in ONVIF's words, on a second key of Zenoh and MQTT.
    pub(crate) onvif: bool,
}

/// This node's Zenoh session.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Zenoh {
    /// Its part in the network.
    pub(crate) mode: Mode,
    /// Addresses to listen on, such as `tcp/127.0.0.1:7447`.
    #[schemars(schema_with = "endpoints")]
    pub(crate) listen: Vec<String>,
    /// Addresses to connect to, such as `tls/router.example:7447`.
    #[schemars(schema_with = "endpoints")]
    pub(crate) connect: Vec<String>,
    /// Whether to find others on the local network by multicast.
    pub(crate) multicast: bool,
    /// Certificates.
    pub(crate) tls: Option<Tls>,
    /// The user to log in as.
    pub(crate) user: Option<String>,
    /// The password; write `"${NAME}"` to take it from the environment.
    #[serde(skip_serializing)]
    pub(crate) password: Option<String>,
    /// A file whose first line is the password, relative to this file.
    pub(crate) password_file: Option<String>,
    /// File of `user:password` lines, relative to this file: who may connect here. Default: anybody who reaches the port.
    pub(crate) users_file: Option<String>,
    /// Who may hear or say what; as soon as there is one rule, nobody else may anything.
    pub(crate) access: Vec<Access>,
    /// How events are written on the wire.
    pub(crate) encoding: Encoding,
    /// Any other of Zenoh's own settings: path, such as `"transport/link/tx/lease"`, and its value as JSON5.
    pub(crate) raw: BTreeMap<String, String>,
    /// Allow listening beyond this machine without TLS: anyone who reaches the port reads every event.
    pub(crate) insecure: bool,
}

fn endpoints(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "array", "items": { "type": "string", "format": "endpoint" } })
}

/// A node's part in a Zenoh network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Talks to others directly.
    #[default]
    Peer,
    /// Talks through one router.
    Client,
    /// Routes for others too.
    Router,
}

/// Certificates.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Tls {
    /// The authority to trust: a PEM file, relative to this file.
    pub(crate) ca: Option<String>,
    /// This node's certificate: a PEM file, relative to this file.
    pub(crate) certificate: Option<String>,
    /// This node's private key: a PEM file, relative to this file.
    pub(crate) key: Option<String>,
    /// Whether others must show a certificate too.
    pub(crate) mutual: bool,
}

/// Where events are kept, and how many.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Journal {
    /// The store's file, relative to this file; made when it is not there.
    #[schemars(length(min = 1))]
    pub(crate) path: String,
    /// Older events may be dropped.
    #[serde(default = "week", with = "duration")]
    #[schemars(with = "duration::Written")]
    pub(crate) max_age: Duration,
    /// Above this size the oldest events are dropped.
    #[serde(default = "gibibyte")]
    #[schemars(extend("format" = "bytes"))]
    pub(crate) max_size: String,
}

fn week() -> Duration {
    Duration::from_hours(7 * 24)
}

fn gibibyte() -> String {
    "1 GiB".to_owned()
}
