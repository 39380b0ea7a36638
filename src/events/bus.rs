//! What a deployment says about Zenoh, checked without opening anything. The session itself is in `zenoh`.

use std::{collections::BTreeMap, fmt, net::IpAddr, path::PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::access::{Access, access_control};

/// Paths of Zenoh's configuration that only our own, checked settings may set.
const CHECKED: [&str; 4] = ["listen", "access_control", "transport/auth", "transport/link/tls"];

/// How to reach subscribers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BusConfig {
    /// Whether to talk to others directly, through a router, or to be the router.
    pub mode: BusMode,
    /// Where subscribers may connect: `tcp/127.0.0.1:7447`, `tls/0.0.0.0:7447`. Empty: nowhere.
    pub listen: Vec<String>,
    /// Routers or peers to connect to; tried again for as long as it takes.
    pub connect: Vec<String>,
    /// Certificates, for `tls/…` endpoints.
    pub tls: Option<Tls>,
    /// Whom to log in as.
    pub user: Option<User>,
    /// File of `user:password` lines: who may connect here. Left out, anybody who reaches the endpoint may.
    pub users_file: Option<PathBuf>,
    /// Who may hear or say what. Empty: everybody who may connect.
    pub access: Vec<Access>,
    /// How events are written on their own keys.
    pub encoding: Encoding,
    /// Any other of Zenoh's own settings: path, such as `transport/link/tx/lease`, and value as JSON5. Not for secrets.
    pub raw: BTreeMap<String, String>,
    /// Allows listening beyond this machine without TLS: everybody on the network can then read and forge events.
    pub insecure: bool,
    /// Finds other Zenoh nodes by multicast.
    pub multicast: bool,
}

/// The part this node plays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BusMode {
    /// Talks to whoever it is connected with.
    #[default]
    Peer,
    /// Talks to one router.
    Client,
    /// Passes on between those connected to it.
    Router,
}

/// How events are written on their own keys. Pages of them, history and heartbeats are JSON in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// `application/json;flyball.face.v1`.
    #[default]
    Json,
    /// `application/cbor;flyball.face.v1`: the same fields, smaller.
    Cbor,
}

/// Files for TLS, in PEM.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// Certificate of the authority both sides trust.
    pub ca: PathBuf,
    /// Our certificate; needed to listen, and to connect where both sides must show one.
    #[serde(default)]
    pub certificate: Option<PathBuf>,
    /// Its private key.
    #[serde(default)]
    pub key: Option<PathBuf>,
    /// Both sides must show a certificate.
    #[serde(default)]
    pub mutual: bool,
}

/// A login. The password is never shown and never written.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// The name.
    pub name: String,
    /// The password.
    #[serde(skip_serializing)]
    pub password: String,
}

/// Why the bus cannot be used as written, or cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// Everybody on the network could listen in.
    #[error(
        "events would be readable and forgeable by everybody who reaches `{0}`: use a `tls/…` endpoint with certificates, listen on \
         127.0.0.1, or set `insecure = true`"
    )]
    Exposed(String),
    /// Not `protocol/address`.
    #[error("`{0}` is no endpoint: write protocol/address, for example tcp/127.0.0.1:7447 or tls/10.0.0.5:7447")]
    Endpoint(String),
    /// TLS without its files.
    #[error("endpoint `{0}` needs `tls` with `ca`, and to listen also `certificate` and `key`")]
    NoCertificate(String),
    /// Encrypted, but open to anybody.
    #[error(
        "everybody who reaches `{0}` could read and forge events: ask for certificates (`tls.mutual = true`) or for passwords \
         (`users_file`), or set `insecure = true`"
    )]
    Anonymous(String),
    /// A rule that cannot work.
    #[error("{0}")]
    Access(&'static str),
    /// A way around the checks.
    #[error("`raw` may not set `{0}`: use the setting of that name, which is checked")]
    Raw(String),
    /// A file or a password is missing that a login needs.
    #[error("no login: {0}")]
    Login(String),
    /// A client has exactly one way out.
    #[error("a client needs a router to connect to: add an endpoint to `connect`, or use mode `peer`")]
    ClientWithoutRouter,
    /// Zenoh refused.
    #[error("zenoh: {0}; check that the address is free and reachable")]
    Zenoh(String),
    /// No thread could be started.
    #[error("the thread `{0}` cannot be started: {1}")]
    Thread(&'static str, std::io::Error),
    /// This build has no Zenoh in it.
    #[error("this flyball was built without zenoh; build it with `--features zenoh`")]
    NotBuilt,
}

impl Default for BusConfig {
    /// A peer that listens on this machine alone, at Zenoh's usual port.
    fn default() -> Self {
        Self {
            mode: BusMode::Peer,
            listen: vec!["tcp/127.0.0.1:7447".into()],
            connect: Vec::new(),
            tls: None,
            user: None,
            users_file: None,
            access: Vec::new(),
            encoding: Encoding::Json,
            raw: BTreeMap::new(),
            insecure: false,
            multicast: false,
        }
    }
}

impl BusConfig {
    /// A subscriber's side: waits there for as long as it takes, and listens nowhere. A client and not a peer, since a
    /// router passes nothing on between two peers.
    pub fn connecting_to(endpoint: &str) -> Self {
        let patient = BTreeMap::from([("connect/timeout_ms".into(), "-1".into())]);
        Self { raw: patient, ..Self::asking(endpoint) }
    }

    /// The same for a single question: gives up when nobody answers there.
    pub fn asking(endpoint: &str) -> Self {
        Self { mode: BusMode::Client, listen: Vec::new(), connect: vec![endpoint.to_owned()], ..Self::default() }
    }

    /// Checks endpoints and their safety; opens nothing.
    pub fn check(&self) -> Result<(), BusError> {
        for endpoint in &self.listen {
            self.check_listen(endpoint)?;
        }
        for endpoint in &self.connect {
            let (protocol, _) = split(endpoint)?;
            if protocol == "tls" && self.tls.is_none() {
                return Err(BusError::NoCertificate(endpoint.clone()));
            }
        }
        if let Some(problem) = self.access.iter().find_map(Access::problem) {
            return Err(BusError::Access(problem));
        }
        let checked = |path: &&String| CHECKED.iter().any(|ours| path.trim_start_matches('/').starts_with(ours));
        if let Some(path) = self.raw.keys().find(checked) {
            return Err(BusError::Raw(path.clone()));
        }
        if self.mode == BusMode::Client && self.connect.is_empty() {
            return Err(BusError::ClientWithoutRouter);
        }
        Ok(())
    }

    /// Zenoh's access control, when rules are written.
    pub fn access_control(&self) -> Option<serde_json::Value> {
        access_control(&self.access)
    }

    /// Whether who connects must show a certificate or a password.
    fn asks_who(&self) -> bool {
        self.users_file.is_some() || self.tls.as_ref().is_some_and(|tls| tls.mutual)
    }

    fn check_listen(&self, endpoint: &str) -> Result<(), BusError> {
        let (protocol, address) = split(endpoint)?;
        let certified = self.tls.as_ref().is_some_and(|t| t.certificate.is_some() && t.key.is_some());
        match protocol {
            "tls" if !certified => Err(BusError::NoCertificate(endpoint.to_owned())),
            "tls" if self.insecure || self.asks_who() || is_loopback(address) => Ok(()),
            "tls" => Err(BusError::Anonymous(endpoint.to_owned())),
            "unixsock-stream" => Ok(()),
            _ if self.insecure || is_loopback(address) => Ok(()),
            _ => Err(BusError::Exposed(endpoint.to_owned())),
        }
    }
}

/// `tcp/127.0.0.1:7447?options#more` → (`tcp`, `127.0.0.1:7447`).
fn split(endpoint: &str) -> Result<(&str, &str), BusError> {
    let refused = || BusError::Endpoint(endpoint.to_owned());
    let (protocol, rest) = endpoint.split_once('/').ok_or_else(refused)?;
    let address = rest.split(['?', '#']).next().unwrap_or_default();
    if protocol.is_empty() || address.is_empty() {
        return Err(refused());
    }
    Ok((protocol, address))
}

/// Whether only this machine can reach it. A name other than `localhost` may resolve to anything, so it does not count.
fn is_loopback(address: &str) -> bool {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let host = host.trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "User({}, ***)", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listening(endpoint: &str) -> BusConfig {
        BusConfig { listen: vec![endpoint.into()], ..BusConfig::default() }
    }

    #[test]
    fn only_this_machine_may_be_listened_to_in_the_clear() {
        for fine in ["tcp/127.0.0.1:7447", "tcp/[::1]:7447", "tcp/localhost:0", "unixsock-stream/tmp/flyball.sock"] {
            assert!(listening(fine).check().is_ok(), "{fine}");
        }
        for exposed in [
            "tcp/0.0.0.0:7447",
            "tcp/[::]:7447",
            "tcp/192.168.0.9:1",
            "tcp/camera-box:7447",
            "ws/10.0.0.1:80#x=127.0.0.1",
        ] {
            let problem = listening(exposed).check().unwrap_err();
            assert!(matches!(problem, BusError::Exposed(_)), "{exposed}: {problem}");
        }
        let insecure = BusConfig { insecure: true, ..listening("tcp/0.0.0.0:7447") };
        assert!(insecure.check().is_ok(), "the operator said so");
    }

    #[test]
    fn encryption_alone_does_not_say_who_is_there() {
        let tls = Tls { certificate: Some("c.pem".into()), key: Some("k.pem".into()), ..Tls::default() };
        let open = BusConfig { tls: Some(tls.clone()), ..listening("tls/0.0.0.0:7447") };
        assert!(matches!(open.check(), Err(BusError::Anonymous(_))));
        let users = BusConfig { users_file: Some("users".into()), ..open.clone() };
        let mutual = BusConfig { tls: Some(Tls { mutual: true, ..tls }), ..open };
        assert!(users.check().is_ok() && mutual.check().is_ok());
    }

    #[test]
    fn the_escape_hatch_does_not_lead_around_the_checks() {
        let raw = |path: &str| BusConfig { raw: BTreeMap::from([(path.into(), "[]".into())]), ..BusConfig::default() };
        assert!(matches!(raw("listen/endpoints").check(), Err(BusError::Raw(_))));
        assert!(raw("transport/link/tx/lease").check().is_ok());
    }

    #[test]
    fn what_cannot_work_is_said_beforehand() {
        assert!(matches!(listening("tls/0.0.0.0:7447").check(), Err(BusError::NoCertificate(_))));
        assert!(matches!(listening("7447").check(), Err(BusError::Endpoint(_))));
        let client = BusConfig { mode: BusMode::Client, ..BusConfig::default() };
        assert!(matches!(client.check(), Err(BusError::ClientWithoutRouter)));
    }

    #[test]
    fn a_password_is_neither_shown_nor_written() {
        let user = User { name: "gate".into(), password: "hunter2".into() };
        assert!(!format!("{user:?}").contains("hunter2"));
        assert!(!serde_json::to_string(&user).unwrap().contains("hunter2"));
    }
}
