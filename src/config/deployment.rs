//! A deployment, resolved: checked, defaults filled in, paths absolute, secrets read. What people type is in `written`; what
//! `topology` builds from is here.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use super::{
    Mqtt, Pipeline, Secret, Server, Telemetry, Webhook,
    format::{Budget, Device},
    place::Place,
    written::{Admission, Decoder, Flow, Health, Lever, Limits, Mode, Pace, Synthetic, Transport, Wait},
};
use crate::scene::CameraId;

/// Where a pipeline runs: one file, one process.
#[derive(Clone, Debug)]
pub struct Deployment {
    /// The file it was read from.
    pub file: PathBuf,
    /// Its name, for people.
    pub name: String,
    /// The site: the first part of every key expression.
    pub site: String,
    /// This machine's name among those of the site.
    pub node: String,
    /// What to run, with this deployment's overrides applied.
    pub pipeline: Pipeline,
    /// The live inputs, at least one, no id twice.
    pub cameras: Vec<Camera>,
    /// Where models lie and where they run.
    pub models: Models,
    /// The people known.
    pub gallery: Gallery,
    /// How events leave.
    pub events: Events,
    /// The budget.
    pub governor: Governor,
    /// The HTTP server; `None` runs none.
    pub server: Option<Server>,
    /// Where traces and reports of failures go.
    pub telemetry: Telemetry,
    /// Bounds of the graph as a whole.
    pub flow: Flow,
}

/// One live input.
#[derive(Clone, Debug)]
pub struct Camera {
    /// Its id.
    pub id: CameraId,
    /// Where its pictures come from.
    pub source: Source,
    /// What is taken of it at most.
    pub limits: Limits,
    /// What decodes it.
    pub decoder: Decoder,
    /// How long it is waited for.
    pub wait: Wait,
    /// When its picture counts as bad.
    pub health: Health,
    /// Where it is declared.
    pub place: Place,
}

/// How far a camera's certificate is trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TlsTrust {
    /// Certificates the system trusts.
    #[default]
    System,
    /// Certificates signed by those in this PEM file; absolute.
    Authority(PathBuf),
    /// The certificate with this SHA-256 fingerprint.
    Pinned([u8; 32]),
    /// Any.
    Anything,
}

impl Camera {
    /// Whether `other` asks for the same, wherever it is written.
    pub fn is_same(&self, other: &Self) -> bool {
        let Self { id, source, limits, decoder, wait, health, place: _ } = self;
        (id, source, limits, decoder) == (&other.id, &other.source, &other.limits, &other.decoder)
            && (wait, health) == (&other.wait, &other.health)
    }
}

/// Where a camera's pictures come from.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// A video file.
    File {
        /// Absolute.
        path: PathBuf,
        /// How fast it plays.
        pace: Pace,
        /// Whether it starts again at its end.
        repeat: bool,
    },
    /// A network camera.
    Rtsp {
        /// The address, without user and password.
        url: String,
        /// Who asks.
        credentials: Option<Credentials>,
        /// How pictures travel.
        transport: Transport,
        /// How far its certificate is trusted.
        tls: TlsTrust,
    },
    /// Whoever sends to this program's own server.
    Whip(Ice),
    /// Another server's WebRTC stream.
    Whep {
        /// The address.
        url: String,
        /// What to show there.
        token: Option<Secret>,
        /// How the two ends find each other.
        ice: Ice,
    },
    /// A live stream by its address: HLS, SRT, RTMP, or a device of this machine.
    Stream {
        /// The address, or the device's path.
        address: String,
        /// SRT's passphrase, or RTMP's stream key.
        secret: Option<Secret>,
    },
    /// Pictures made up here, for tests and benches.
    Synthetic(Synthetic),
}

/// How two ends of a WebRTC connection find each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ice {
    /// Addresses of servers that help; they may hold passwords.
    pub servers: Vec<Secret>,
    /// Addresses of this machine to offer; none: all but loopback.
    pub addresses: Vec<std::net::IpAddr>,
}

/// A user and a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The user.
    pub user: String,
    /// The password.
    pub password: Secret,
}

/// Where models lie and where they run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Models {
    /// The directory with one folder a model; absolute.
    pub dir: PathBuf,
    /// Where they run.
    pub device: Device,
    /// Whether models without a recorded licence or hash may run.
    pub allow_unlicensed: bool,
}

/// The people known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gallery {
    /// The store's file, absolute; `None` knows nobody.
    pub path: Option<PathBuf>,
}

/// How events leave; by default not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Events {
    /// Over Zenoh; `None` keeps them in this process.
    pub zenoh: Option<Zenoh>,
    /// Kept on disk; `None` keeps none.
    pub journal: Option<Journal>,
    /// Web addresses that get every event.
    pub webhooks: Vec<Webhook>,
    /// MQTT brokers that get every event.
    pub brokers: Vec<Mqtt>,
    /// Faces are also told in ONVIF's words, where there are keys.
    pub onvif: bool,
}

/// This node's Zenoh session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zenoh {
    /// Its part in the network.
    pub mode: Mode,
    /// Addresses it listens on.
    pub listen: Vec<String>,
    /// Addresses it connects to.
    pub connect: Vec<String>,
    /// Whether it finds others by multicast.
    pub multicast: bool,
    /// Certificates.
    pub tls: Option<Tls>,
    /// User and password, for a router that asks.
    pub credentials: Option<Credentials>,
    /// File of `user:password` lines, absolute: who may connect here.
    pub users_file: Option<PathBuf>,
    /// Who may hear or say what.
    pub access: Vec<crate::events::Access>,
    /// How events are written on the wire.
    pub encoding: crate::events::Encoding,
    /// Other settings of Zenoh's own.
    pub raw: std::collections::BTreeMap<String, String>,
    /// Whether listening to the world without TLS was asked for.
    pub insecure: bool,
}

/// Certificates; every path is absolute and was there when checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// Whom to trust.
    pub ca: Option<PathBuf>,
    /// Who this node is.
    pub certificate: Option<PathBuf>,
    /// Its private key.
    pub key: Option<PathBuf>,
    /// Whether others must show a certificate too.
    pub mutual: bool,
}

/// Where events are kept, and how many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journal {
    /// The store's file, absolute.
    pub path: PathBuf,
    /// Older events may be dropped.
    pub max_age: Duration,
    /// Above this many bytes the oldest are dropped.
    pub max_size: u64,
}

/// The budget, and what to give up first.
#[derive(Clone, Debug, PartialEq)]
pub struct Governor {
    /// Off: everything stays as the pipeline says.
    pub enabled: bool,
    /// Memory of the device that models run on.
    pub memory_budget: Budget,
    /// 95 of 100 frames are through, from capture to event, within this time.
    pub latency_p95: Duration,
    /// What to give up, first to last.
    pub levers: Vec<Lever>,
    /// Calm needed before each step up.
    pub dwell: Duration,
    /// What becomes of a camera that there is no room for.
    pub admission: Admission,
    /// Variants a model may run as; a model that is not named may run as any.
    pub variants: BTreeMap<String, Vec<String>>,
    /// Models whose stages may be switched off, the first to go first.
    pub optional: Vec<String>,
}
