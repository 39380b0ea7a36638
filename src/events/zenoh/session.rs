//! Opening a session. Everything Zenoh would do by itself (listen on all interfaces, scout, gossip, share memory) is off
//! unless the deployment asks for it.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use ::zenoh::{Config, Session, Wait, liveliness::LivelinessToken, query::Queryable};
use serde_json::{Value, json};

use super::nodes::serves;
use crate::events::{
    bus::{BusConfig, BusError, BusMode, Encoding},
    keys::{Origin, PlaceId, Topic},
};
use crate::memory::promptly;
use crate::scene::CameraId;

/// How long a client waits for its router before it gives up, in milliseconds. A peer and a router never wait: they go on
/// trying in the background.
const CLIENT_PATIENCE_MS: i64 = 10_000;

/// An open session. Dropping it takes back its tokens and closes it.
pub struct ZenohBus {
    pub(super) session: Session,
    pub(super) queryables: Vec<Queryable<()>>,
    pub(super) encoding: Encoding,
    tokens: Vec<LivelinessToken>,
}

impl ZenohBus {
    /// Checks the configuration and opens the session. May be called from any thread except a current-thread tokio one.
    pub fn open(config: &BusConfig) -> Result<Self, BusError> {
        config.check()?;
        let resolved = resolved(config)?;
        let session = promptly(|| ::zenoh::open(resolved).wait()).map_err(refused)?;
        Ok(Self { session, queryables: Vec::new(), encoding: config.encoding, tokens: Vec::new() })
    }

    /// Lets others see that this node and its cameras are served, for as long as this bus lives.
    pub fn announce(&mut self, site: &PlaceId, node: &PlaceId, cameras: &[CameraId]) -> Result<(), BusError> {
        let node = Origin::Node(site.clone(), node.clone());
        let cameras = cameras.iter().map(|camera| Origin::Camera(site.clone(), camera.clone()));
        for origin in std::iter::once(node).chain(cameras) {
            let key = origin.key(Topic::Alive).to_string();
            self.tokens.push(self.session.liveliness().declare_token(key).wait().map_err(refused)?);
        }
        Ok(())
    }
}

/// Shows others which cameras are served as they come and go. Holds the session open for as long as it lives.
pub struct Presence {
    session: Session,
    site: PlaceId,
    node: PlaceId,
    /// A camera has two: one says that it is there, one that this node serves it.
    tokens: Mutex<BTreeMap<CameraId, [LivelinessToken; 2]>>,
}

impl ZenohBus {
    /// For cameras of this node that come and go while this bus is open.
    pub fn presence(&self, site: &PlaceId, node: &PlaceId) -> Presence {
        let (site, node) = (site.clone(), node.clone());
        Presence { session: self.session.clone(), site, node, tokens: Mutex::default() }
    }
}

impl Presence {
    /// A camera is served from now on.
    pub fn came(&self, camera: &CameraId) -> Result<(), BusError> {
        let alive = Origin::Camera(self.site.clone(), camera.clone()).key(Topic::Alive).to_string();
        let token = |key| self.session.liveliness().declare_token(key).wait().map_err(refused);
        let tokens = [token(alive)?, token(serves(&self.site, &self.node, camera))?];
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).insert(camera.clone(), tokens);
        Ok(())
    }

    /// It is not any more.
    pub fn went(&self, camera: &CameraId) {
        // Taken back when dropped, which is not done under the lock: it speaks to the network.
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner).remove(camera);
        drop(tokens);
    }
}

#[allow(clippy::needless_pass_by_value, reason = "it is handed to `map_err`")]
pub(super) fn refused(cause: ::zenoh::Error) -> BusError {
    BusError::Zenoh(without_places(&cause.to_string()))
}

/// Zenoh's messages name the lines of its own source (` at /…/tcp.rs:61.`), which tell nobody what to do.
fn without_places(text: &str) -> String {
    let mut parts = text.split(" at /");
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest =
            part.split_once(".rs:").map_or("", |(_, rest)| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
        kept.push_str(rest.strip_prefix('.').unwrap_or(rest));
    }
    kept
}

/// Zenoh's own configuration.
fn resolved(config: &BusConfig) -> Result<Config, BusError> {
    let mut zenoh = Config::default();
    for (key, value) in settings(config) {
        zenoh.insert_json5(key, &value.to_string()).map_err(refused)?;
    }
    for (path, value) in &config.raw {
        zenoh.insert_json5(path, value).map_err(|cause| BusError::Zenoh(format!("setting `{path}`: {cause}")))?;
    }
    Ok(zenoh)
}

fn settings(config: &BusConfig) -> Vec<(&'static str, Value)> {
    let mode = match config.mode {
        BusMode::Peer => "peer",
        BusMode::Client => "client",
        BusMode::Router => "router",
    };
    let mut settings = vec![
        ("mode", json!(mode)),
        // Said even when empty: Zenoh's defaults listen on every interface.
        ("listen/endpoints", json!(config.listen)),
        ("connect/endpoints", json!(config.connect)),
        ("scouting/multicast/enabled", json!(config.multicast)),
        ("scouting/gossip/enabled", json!(config.multicast)),
        ("timestamping/enabled", json!(true)),
        // On by default with the feature; its own comments warn of a race under load, and events are small.
        ("transport/shared_memory/enabled", json!(false)),
    ];
    if config.mode == BusMode::Client {
        settings.push(("connect/timeout_ms", json!(CLIENT_PATIENCE_MS)));
    }
    settings.extend(tls_settings(config));
    settings.extend(user_settings(config));
    settings.extend(config.access_control().map(|rules| ("access_control", rules)));
    settings
}

fn tls_settings(config: &BusConfig) -> Vec<(&'static str, Value)> {
    let Some(tls) = &config.tls else {
        return Vec::new();
    };
    let mut settings = vec![
        ("transport/link/tls/root_ca_certificate", json!(tls.ca)),
        ("transport/link/tls/enable_mtls", json!(tls.mutual)),
    ];
    if let (Some(certificate), Some(key)) = (&tls.certificate, &tls.key) {
        settings.push(("transport/link/tls/listen_certificate", json!(certificate)));
        settings.push(("transport/link/tls/listen_private_key", json!(key)));
        settings.push(("transport/link/tls/connect_certificate", json!(certificate)));
        settings.push(("transport/link/tls/connect_private_key", json!(key)));
    }
    settings
}

fn user_settings(config: &BusConfig) -> Vec<(&'static str, Value)> {
    let mut settings = Vec::new();
    if let Some(user) = &config.user {
        settings.push(("transport/auth/usrpwd/user", json!(user.name)));
        settings.push(("transport/auth/usrpwd/password", json!(user.password)));
    }
    if let Some(file) = &config.users_file {
        settings.push(("transport/auth/usrpwd/dictionary_file", json!(file)));
    }
    settings
}
