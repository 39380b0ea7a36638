//! `[server]`: the HTTP server as people type it.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::Ice;

/// The HTTP server: health, metrics, cameras, events, and pictures that browsers send.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Server {
    /// The address to listen on, such as `127.0.0.1:8080`; port 0 takes one that is free.
    #[serde(default = "local")]
    #[schemars(extend("format" = "socket"))]
    pub(crate) listen: String,
    /// Who this server is; with it everything is encrypted.
    #[serde(default)]
    pub(crate) tls: Option<ServerTls>,
    /// Who may ask, one `[[server.client]]` each. Default: anybody who reaches the port.
    #[serde(default)]
    pub(crate) client: Vec<Client>,
    /// Allow listening beyond this machine without TLS and clients: anyone who reaches the port reads every event and
    /// watches every camera.
    #[serde(default)]
    pub(crate) insecure: bool,
    /// Web pages of other servers that may ask, such as `https://ops.example:8443`.
    #[serde(default)]
    #[schemars(schema_with = "origins")]
    pub(crate) origins: Vec<String>,
    /// Pictures of cameras for browsers that watch them (WHEP).
    #[serde(default)]
    pub(crate) view: View,
}

/// On what terms browsers may watch.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct View {
    /// Most viewers at once, over all cameras; each costs an encoder (a quarter of a core for 720p at 15 pictures a second).
    /// 0: nobody may watch.
    #[schemars(range(max = 64))]
    pub(crate) most: u16,
    /// How viewers find this machine.
    pub(crate) ice: Ice,
}

impl Default for View {
    fn default() -> Self {
        Self { most: 4, ice: Ice::default() }
    }
}

/// Who this server is.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServerTls {
    /// The certificate and those that vouch for it: a PEM file, relative to this file.
    pub(crate) certificate: String,
    /// Its private key: a PEM file, relative to this file.
    pub(crate) key: String,
}

/// Somebody who may ask, known by a token.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Client {
    /// A name for the log.
    #[schemars(extend("format" = "id"))]
    pub(crate) name: String,
    /// A file whose first line is the token, relative to this file. `openssl rand -hex 32` makes a good one.
    #[schemars(length(min = 1))]
    pub(crate) token_file: String,
    /// What it may do.
    #[schemars(length(min = 1))]
    pub(crate) roles: Vec<Role>,
    /// The cameras it may send pictures for, or watch. Default: all of them.
    #[serde(default)]
    #[schemars(schema_with = "ids")]
    pub(crate) cameras: Option<Vec<String>>,
}

/// What a client may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Read events, cameras and metrics.
    Read,
    /// Send pictures.
    Publish,
    /// Watch cameras' pictures.
    View,
    /// Add and remove cameras.
    Control,
}

fn local() -> String {
    "127.0.0.1:8080".to_owned()
}

fn origins(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "array", "items": { "type": "string", "format": "origin" } })
}

fn ids(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "array", "items": { "type": "string", "format": "id" } })
}
