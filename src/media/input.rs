//! What a camera is: where its pictures come from, who decodes them, and how long we wait for it. Plain data, written by
//! the deployment file; [`super::run_camera`] turns it into frames.

use std::path::PathBuf;
use std::time::Duration;

use super::{Credentials, Doors, PictureLimits, RtspUrl, StreamSource, SyntheticSpec};
use crate::scene::CameraId;

/// Largest picture accepted unless the deployment says otherwise: 7680×4320. One such NV12 frame is 50 MB; what lies
/// above is a mistake or an attack on our memory.
pub const DEFAULT_MAX_PIXELS: u64 = 7680 * 4320;

/// One camera, ready to run.
#[derive(Clone, Debug)]
pub struct CameraInput {
    /// Its name; also seeds the jitter of its retries.
    pub camera: CameraId,
    /// Where its pictures come from.
    pub source: SourceSpec,
    /// Who decodes them.
    pub decoder: DecoderChoice,
    /// How long to wait for it.
    pub limits: Limits,
    /// Pictures with more pixels are refused before they are decoded.
    pub max_pixels: u64,
    /// When its picture counts as bad; `None` judges none.
    pub picture: Option<PictureLimits>,
}

impl CameraInput {
    /// A camera with the usual limits and decoders.
    pub fn new(camera: CameraId, source: SourceSpec) -> Self {
        Self {
            camera,
            source,
            decoder: DecoderChoice::default(),
            limits: Limits::default(),
            max_pixels: DEFAULT_MAX_PIXELS,
            picture: None,
        }
    }
}

/// Where pictures come from.
#[derive(Clone, Debug)]
pub enum SourceSpec {
    /// A recording.
    File {
        /// The file.
        path: PathBuf,
        /// How fast it plays.
        pace: Pace,
        /// Whether it starts again at its end, for ever.
        repeat: bool,
    },
    /// A network camera.
    Rtsp(RtspSource),
    /// Whoever sends to us over WebRTC, one at a time, through this camera's door.
    Whip(Doors, Ice),
    /// Another server's WebRTC stream, which we ask for.
    Whep(WhepSource),
    /// A live stream by its address: HLS, SRT, RTMP, or a device of this machine.
    Stream(StreamSource),
    /// Moving shapes, for tests and demonstrations without a camera.
    Synthetic(SyntheticSpec),
}

/// How two ends of a WebRTC connection find each other.
#[derive(Clone, Default)]
pub struct Ice {
    /// Servers that help, `stun://…` or `turn://user:password@…`; never shown, they may hold passwords.
    pub servers: Vec<String>,
    /// Addresses of this machine to offer; none: all but loopback.
    pub addresses: Vec<std::net::IpAddr>,
}

impl std::fmt::Debug for Ice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ice({} servers, {:?})", self.servers.len(), self.addresses)
    }
}

/// Another server's WebRTC stream.
#[derive(Clone)]
pub struct WhepSource {
    /// Its address, without secrets.
    pub url: String,
    /// What to show there; never shown.
    pub token: Option<String>,
    /// How the two ends find each other.
    pub ice: Ice,
}

impl std::fmt::Debug for WhepSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "WhepSource({}, {:?})", self.url, self.ice)
    }
}

/// A network camera's address and how to reach it.
#[derive(Clone, Debug)]
pub struct RtspSource {
    /// The address, without user and password.
    pub url: RtspUrl,
    /// User and password, if the camera asks for them.
    pub credentials: Option<Credentials>,
    /// How its packets travel.
    pub transport: Transport,
    /// How far an `rtsps` server is trusted.
    pub tls: TlsTrust,
}

impl RtspSource {
    /// Splits user and password off `text`, so that the address can be shown anywhere.
    pub fn parse(text: &str) -> Result<Self, super::MediaError> {
        let (url, credentials) = RtspUrl::parse(text)?;
        Ok(Self { url, credentials, transport: Transport::default(), tls: TlsTrust::default() })
    }
}

/// How fast a file plays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// As it was recorded, like a live camera. No frame is lost here; a sink that is full must say so itself.
    #[default]
    Realtime,
    /// As fast as the sink takes frames; the sink's `offer` may block. For benchmarks and batch work.
    Fast,
}

/// Which decoder to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DecoderChoice {
    /// NVDEC where it opens, software otherwise.
    #[default]
    Auto,
    /// Software only.
    Software,
    /// NVDEC or nothing: a camera whose decoder does not open fails.
    Nvdec,
}

/// How RTP packets travel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transport {
    /// TCP; UDP when the camera refuses TCP.
    #[default]
    Auto,
    /// Interleaved in the RTSP connection: passes firewalls, loses nothing.
    Tcp,
    /// Datagrams.
    Udp,
}

/// How far an `rtsps` server's certificate is trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TlsTrust {
    /// Certificates the system trusts.
    #[default]
    System,
    /// Certificates signed by (or equal to) those in this PEM file.
    Authority(PathBuf),
    /// The one certificate with this SHA-256 fingerprint, whatever its name, age and signer.
    Pinned([u8; 32]),
    /// Any certificate: encrypted, but not authenticated.
    Anything,
}

/// How long to wait for a network camera, and how long before trying again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// From the start of an attempt until the camera describes and starts its stream.
    pub connect: Duration,
    /// From there to the first decoded frame; covers a long key-frame interval.
    pub first_frame: Duration,
    /// Between two frames.
    pub stall: Duration,
    /// First pause before another attempt; doubles with each failure.
    pub retry_min: Duration,
    /// Longest pause between attempts.
    pub retry_max: Duration,
    /// Pause after a refused password: cameras lock accounts after a few wrong ones.
    pub retry_refused: Duration,
    /// Pause when the camera has no such stream, or none we can show: somebody has to change something there.
    pub retry_absent: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            first_frame: Duration::from_secs(10),
            stall: Duration::from_secs(3),
            retry_min: Duration::from_millis(250),
            // With its jitter 3 s: a camera that is well again is back within 5 s, and fifty of them ask 20 times a second.
            retry_max: Duration::from_millis(2500),
            retry_refused: Duration::from_mins(1),
            retry_absent: Duration::from_secs(30),
        }
    }
}
