//! Everything that can be wrong with an input, in one sentence each: which one, what is wrong, what to try.
//! `input` is a path or an address without user and password.

use std::path::PathBuf;
use std::time::Duration;

/// Why an input gives no pictures.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// No such file.
    #[error("`{}` does not exist: check the path", .0.display())]
    NoSuchFile(PathBuf),
    /// A folder, a socket, a device.
    #[error("`{}` is no regular file: name one video file", .0.display())]
    NotAFile(PathBuf),
    /// Zero bytes.
    #[error("`{}` is empty (0 bytes): copy or record it again", .0.display())]
    EmptyFile(PathBuf),
    /// The system does not let us read it.
    #[error("`{}` cannot be read: {reason}: check who may read it", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: std::io::Error,
    },
    /// The bytes are something else.
    #[error("`{input}` is no video file we know ({found}): use MP4, Matroska, WebM, AVI, MPEG-TS, Ogg or FLV")]
    NotVideo {
        /// The file.
        input: String,
        /// What it seems to be.
        found: String,
    },
    /// Sound or subtitles only.
    #[error("`{input}` has no video track: name a file or stream that shows pictures")]
    NoVideoTrack {
        /// The input.
        input: String,
    },
    /// It breaks the rules of its own format.
    #[error("`{input}` is damaged or cut short ({why}): copy or record it again")]
    Damaged {
        /// The input.
        input: String,
        /// What the demuxer or decoder says.
        why: String,
    },
    /// We have no decoder for it.
    #[error(
        "`{input}` is encoded as {codec}, which is not supported: use H.264, H.265, VP8, VP9, AV1, MPEG-2/4 or JPEG"
    )]
    UnsupportedCodec {
        /// The input.
        input: String,
        /// The codec as caps or SDP name it.
        codec: String,
    },
    /// A plugin is not installed.
    #[error("GStreamer's `{element}` is missing: install it with `apt-get install {package}`")]
    MissingPlugin {
        /// The element.
        element: String,
        /// The Debian package that holds it.
        package: &'static str,
    },
    /// The decoder was asked for, and does not open.
    #[error("`{input}`: no NVDEC decoder opens for {codec}: check the NVIDIA driver, or set `decoder = \"auto\"`")]
    NoHardwareDecoder {
        /// The input.
        input: String,
        /// The codec.
        codec: &'static str,
    },
    /// The picture is above the limit.
    #[error(
        "`{input}` shows {w}x{h} pixels, above the limit of {max} pixels: raise `max_pixels` or use a smaller stream"
    )]
    TooLarge {
        /// The input.
        input: String,
        /// Width in pixels.
        w: u32,
        /// Height in pixels.
        h: u32,
        /// The limit in pixels.
        max: u64,
    },
    /// The decoder gave up.
    #[error("`{input}`: decoder `{element}` failed: {why}")]
    Decoder {
        /// The input.
        input: String,
        /// The element.
        element: String,
        /// What it says.
        why: String,
    },
    /// An address that cannot be used. It is not repeated: it may hold a password.
    #[error("the camera's address cannot be used: {why}")]
    BadAddress {
        /// What is wrong with it.
        why: &'static str,
    },
    /// User or password refused, or missing.
    #[error("`{input}` refused the user or the password: check the credentials")]
    Unauthorized {
        /// The address.
        input: String,
    },
    /// Nobody answers.
    #[error("`{input}` cannot be reached: {why}: check address, port, network and (rtsps) certificate")]
    Unreachable {
        /// The address.
        input: String,
        /// What the connection says.
        why: String,
    },
    /// It answers, but has no such stream.
    #[error("`{input}` has no such stream: check the path")]
    NoSuchStream {
        /// The address.
        input: String,
    },
    /// It offers no video over the transport we asked for.
    #[error("`{input}` offers no video over the transport asked for: set `transport = \"auto\"`, check the path")]
    TransportRefused {
        /// The address.
        input: String,
    },
    /// It took too long.
    #[error("`{input}`: {waiting_for} did not come within {} ms", limit.as_millis())]
    TooSlow {
        /// The address.
        input: String,
        /// What did not come.
        waiting_for: &'static str,
        /// The limit that passed.
        limit: Duration,
    },
    /// The sender ended a live stream or closed the connection.
    #[error("`{input}` ended the stream")]
    Hangup {
        /// The address.
        input: String,
    },
    /// The two ends of a WebRTC connection did not come together.
    #[error("`{input}`: WebRTC was not agreed on: {why}; try again, or look at the sender's own log")]
    Disagreed {
        /// The input.
        input: String,
        /// What is missing.
        why: String,
    },
    /// GStreamer says something we have no better word for.
    #[error("`{input}`: {why}")]
    Other {
        /// The input.
        input: String,
        /// What GStreamer says.
        why: String,
    },
    /// GStreamer does not start at all.
    #[error("GStreamer does not start: {why}: install gstreamer1.0-plugins-base")]
    NoGStreamer {
        /// What it says.
        why: String,
    },
    /// A sample camera cannot listen.
    #[error("cannot listen on {listen}: {why}: choose another port with --listen")]
    CannotListen {
        /// The address.
        listen: String,
        /// What the system says.
        why: String,
    },
    /// This program was built without the `media` feature.
    #[error("`{input}` cannot be opened: this build has no GStreamer; build with `--features media`")]
    NotBuilt {
        /// The input.
        input: String,
    },
}

/// When another attempt makes sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Soon: the network or the camera may come back.
    Retry,
    /// Later: somebody has to change something at the camera.
    RetryLater,
    /// Much later: asking again soon does harm, because cameras lock accounts.
    RetryMuchLater,
    /// Never: something has to change on this machine.
    GiveUp,
}

impl MediaError {
    /// Whether a hardware decoder is to blame, so that a software one may do.
    pub fn is_hardware(&self) -> bool {
        match self {
            Self::Decoder { element, .. } => element.starts_with("nv"),
            _ => false,
        }
    }

    /// When another attempt makes sense.
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Unauthorized { .. } => Remedy::RetryMuchLater,
            Self::NoSuchStream { .. }
            | Self::TransportRefused { .. }
            | Self::UnsupportedCodec { .. }
            | Self::NoVideoTrack { .. }
            | Self::TooLarge { .. } => Remedy::RetryLater,
            Self::MissingPlugin { .. }
            | Self::NoHardwareDecoder { .. }
            | Self::BadAddress { .. }
            | Self::NoGStreamer { .. }
            | Self::NotBuilt { .. } => Remedy::GiveUp,
            _ => Remedy::Retry,
        }
    }
}
