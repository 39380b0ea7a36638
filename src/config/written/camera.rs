//! `[[camera]]`: a live input as people type it.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::{Health, Wait};

/// One live input.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Camera {
    /// The camera's id, part of every key expression: letters, digits, `-`, `_` and `.`.
    #[schemars(extend("format" = "id"))]
    pub(crate) id: String,
    /// Where its pictures come from, such as `{ file = "clip.mp4" }` or `{ rtsp = "rtsp://host/path" }`.
    pub(crate) source: Source,
    /// What is taken of it at most.
    #[serde(default)]
    pub(crate) limits: Limits,
    /// What decodes it.
    #[serde(default)]
    pub(crate) decoder: Decoder,
    /// How long a network camera is waited for, and how long it rests between attempts.
    #[serde(default)]
    pub(crate) wait: Wait,
    /// When its picture counts as bad.
    #[serde(default)]
    pub(crate) health: Health,
}

/// Where a camera's pictures come from.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Source {
    /// A video file.
    File(FileSource),
    /// A network camera.
    Rtsp(RtspSource),
    /// A browser or an encoder sends to this program's own server.
    Whip(WhipSource),
    /// Another server's WebRTC stream.
    Whep(WhepSource),
    /// A playlist of segments.
    Hls(HlsSource),
    /// MPEG-TS over SRT.
    Srt(SrtSource),
    /// FLV over RTMP.
    Rtmp(RtmpSource),
    /// A camera of this machine.
    Device(DeviceSource),
    /// Pictures made up here.
    Synthetic(SyntheticSource),
}

/// A video file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileSource {
    /// The file, relative to this file.
    #[schemars(length(min = 1))]
    pub(crate) file: String,
    /// How fast it plays.
    #[serde(default)]
    pub(crate) pace: Pace,
    /// Whether it starts again at its end.
    #[serde(default)]
    pub(crate) repeat: bool,
}

/// A network camera.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RtspSource {
    /// The camera's address, such as `rtsp://host:554/path`.
    #[schemars(extend("format" = "rtsp-url"))]
    pub(crate) rtsp: String,
    /// The user to log in as.
    pub(crate) user: Option<String>,
    /// The password; write `"${NAME}"` to take it from the environment.
    pub(crate) password: Option<String>,
    /// A file whose first line is the password, relative to this file.
    pub(crate) password_file: Option<String>,
    /// How pictures travel.
    #[serde(default)]
    pub(crate) transport: Transport,
    /// For `rtsps`: a PEM file with the certificates that may sign the camera's, relative to this file. Default: those the
    /// system trusts.
    #[schemars(length(min = 1))]
    pub(crate) tls_ca: Option<String>,
    /// For `rtsps`: the SHA-256 fingerprint of the camera's own certificate, in hexadecimal; no other one is accepted.
    #[schemars(extend("format" = "fingerprint"))]
    pub(crate) tls_pin: Option<String>,
    /// For `rtsps`: accept any certificate. The line is encrypted, but anybody may sit at its other end.
    #[serde(default)]
    pub(crate) insecure_tls: bool,
}

/// A browser or an encoder sends to this program's own server, at `/whip/<id>`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WhipSource {
    /// How senders reach us; `{}` will do on a local network.
    pub(crate) whip: Ice,
}

/// Another server's WebRTC stream.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WhepSource {
    /// The stream's address, such as `https://media.example/whep/gate`.
    #[schemars(extend("format" = "http-url"))]
    pub(crate) whep: String,
    /// A file whose first line is the token to show, relative to this file.
    pub(crate) token_file: Option<String>,
    /// How we reach that server; left out, it will do on a local network.
    #[serde(default)]
    pub(crate) ice: Ice,
}

/// A playlist of segments over HTTP.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HlsSource {
    /// The playlist's address, such as `https://host/live/index.m3u8`.
    #[schemars(extend("format" = "http-url"))]
    pub(crate) hls: String,
}

/// MPEG-TS over SRT; we are the ones who call.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SrtSource {
    /// The sender's address, such as `srt://host:9000`.
    #[schemars(extend("format" = "srt-url"))]
    pub(crate) srt: String,
    /// A file whose first line is the passphrase, relative to this file.
    pub(crate) passphrase_file: Option<String>,
}

/// FLV over RTMP.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RtmpSource {
    /// The stream's address, such as `rtmp://host/app/stream`.
    #[schemars(extend("format" = "rtmp-url"))]
    pub(crate) rtmp: String,
    /// A file whose first line is the stream key, put behind the address; relative to this file.
    pub(crate) key_file: Option<String>,
}

/// A camera of this machine.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeviceSource {
    /// The device, such as `/dev/video0`.
    #[schemars(extend("format" = "video-device"))]
    pub(crate) v4l2: String,
}

/// How two ends of a WebRTC connection find each other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Ice {
    /// Servers that help: `stun://host:3478` or `turn://user:password@host:3478`. Default: none.
    #[schemars(schema_with = "ice_servers")]
    pub(crate) servers: Vec<String>,
    /// This machine's addresses to offer. Default: all but loopback.
    #[schemars(schema_with = "addresses")]
    pub(crate) addresses: Vec<String>,
}

fn ice_servers(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "array", "items": { "type": "string", "format": "ice-server" } })
}

fn addresses(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "array", "items": { "type": "string", "format": "ip" } })
}

/// Pictures made up here.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SyntheticSource {
    /// What to make up.
    pub(crate) synthetic: Synthetic,
}

/// How fast a file plays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Pace {
    /// As it was recorded, like a live camera; frames nobody takes in time are lost.
    #[default]
    Realtime,
    /// As fast as the graph takes them; none is lost.
    Fast,
}

/// How pictures travel from a network camera.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// TCP first, UDP when the camera refuses it.
    #[default]
    Auto,
    /// Inside the RTSP connection: passes firewalls, loses nothing.
    Tcp,
    /// Datagrams: a little less delay, and holes under load.
    Udp,
}

/// What decodes a camera's video.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Decoder {
    /// NVDEC when present, the CPU otherwise.
    #[default]
    Auto,
    /// The CPU.
    Software,
    /// NVDEC, or an error.
    Nvdec,
}

/// Pictures made up here: discs that move like faces, the same for the same seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Synthetic {
    /// Width in pixels, 16 to 7680.
    #[schemars(range(min = 16, max = 7680))]
    pub width: u32,
    /// Height in pixels, 16 to 4320.
    #[schemars(range(min = 16, max = 4320))]
    pub height: u32,
    /// Frames a second, above 0 and at most 240.
    #[schemars(range(max = 240), extend("exclusiveMinimum" = 0))]
    pub fps: f32,
    /// Faces on each frame, 0 to 64.
    #[schemars(range(min = 0, max = 64))]
    pub faces: u32,
    /// Frames to make; 0 makes them without end.
    pub frames: u64,
    /// How fast they come.
    pub pace: Pace,
    /// The seed of every movement.
    pub seed: u64,
}

impl Default for Synthetic {
    fn default() -> Self {
        Self { width: 640, height: 384, fps: 15.0, faces: 1, frames: 0, pace: Pace::Realtime, seed: 1 }
    }
}

/// What is taken of a camera at most.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Frames a second, above 0 and at most 240. Default: as many as it sends.
    #[schemars(range(max = 240), extend("exclusiveMinimum" = 0))]
    pub fps: Option<f32>,
    /// Widest picture accepted in pixels, 16 to 7680. Default: any.
    #[schemars(range(min = 16, max = 7680))]
    pub width: Option<u32>,
    /// Tallest picture accepted in pixels, 16 to 4320. Default: any.
    #[schemars(range(min = 16, max = 4320))]
    pub height: Option<u32>,
}
