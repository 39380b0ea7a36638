//! Which GStreamer elements cameras need, and whether they are there; for those who ask before anything runs.

use std::path::Path;

use gstreamer as gst;

use super::{MediaError, StreamKind, chain};

/// One thing that must be there: any of these elements does it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Best first; the first names the package.
    pub any_of: Vec<&'static str>,
    /// What it is for.
    pub purpose: &'static str,
    /// Whether most cameras need it; a codec few cameras speak is none.
    pub usual: bool,
}

impl Part {
    fn usual(name: &'static str, purpose: &'static str) -> Self {
        Self { any_of: vec![name], purpose, usual: true }
    }
}

/// What every camera that is decoded needs.
pub fn picture_parts() -> Vec<Part> {
    let tail = ["videoconvert", "videoflip", "appsink", "capsfilter"];
    tail.into_iter().map(|name| Part::usual(name, "handing over pictures")).chain(codec_parts("H.264")).collect()
}

/// What a file of this name needs beside that.
pub fn file_parts(path: &Path) -> Vec<Part> {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
    let demuxer = match extension.as_str() {
        "mkv" | "webm" => "matroskademux",
        "avi" => "avidemux",
        "ts" | "m2ts" | "mts" => "tsdemux",
        "mpg" | "mpeg" => "mpegpsdemux",
        "flv" => "flvdemux",
        "ogv" | "ogg" => "oggdemux",
        _ => "qtdemux",
    };
    ["filesrc", "typefind", demuxer].into_iter().map(|name| Part::usual(name, "reading files")).collect()
}

/// What a network camera needs beside that.
pub fn network_parts() -> Vec<Part> {
    ["rtspsrc", "rtpbin", "udpsrc", "rtph264depay"]
        .into_iter()
        .map(|name| Part::usual(name, "network cameras"))
        .collect()
}

/// What a WebRTC camera needs beside that.
pub fn webrtc_parts() -> Vec<Part> {
    let names = ["webrtcbin", "nicesrc", "dtlsdec", "srtpdec", "rtpbin", "rtph264depay"];
    names.into_iter().map(|name| Part::usual(name, "WebRTC cameras")).collect()
}

/// What a live stream of this kind needs beside that.
pub fn stream_parts(kind: StreamKind) -> Vec<Part> {
    let (names, purpose): (&[_], _) = match kind {
        StreamKind::Hls => (&["souphttpsrc", "hlsdemux2"], "HLS streams"),
        StreamKind::Srt => (&["srtsrc", "typefind", "tsdemux"], "SRT streams"),
        StreamKind::Rtmp => (&["rtmp2src", "typefind", "flvdemux"], "RTMP streams"),
        StreamKind::V4l2 => (&["v4l2src"], "devices of this machine"),
    };
    names.iter().map(|name| Part::usual(name, purpose)).collect()
}

/// What the codecs beside H.264 need.
pub fn other_codec_parts() -> Vec<Part> {
    let names = chain::codec_names().filter(|name| *name != "H.264");
    names.flat_map(codec_parts).map(|part| Part { usual: false, ..part }).collect()
}

/// What `decoder = "nvdec"` needs for H.264.
pub fn hardware_parts() -> Vec<Part> {
    vec![Part { any_of: vec!["nvh264dec", "nvh264sldec"], purpose: "decoding H.264 on the GPU", usual: true }]
}

fn codec_parts(codec: &str) -> Vec<Part> {
    let Some((parser, decoders)) = chain::codec(codec) else { return Vec::new() };
    let parser = parser.map(|name| Part::usual(name, "reading encoded video"));
    let decoder = Part { any_of: decoders.to_vec(), purpose: "decoding on the CPU", usual: true };
    parser.into_iter().chain([decoder]).collect()
}

/// What this machine's GStreamer has.
#[derive(Debug)]
pub struct Plugins {
    /// Its version, such as `1.22.0`.
    pub version: String,
}

impl Plugins {
    /// Starts GStreamer, once a process, and reads its registry.
    pub fn look() -> Result<Self, MediaError> {
        chain::ready()?;
        let (major, minor, micro, _) = gst::version();
        Ok(Self { version: format!("{major}.{minor}.{micro}") })
    }

    /// Whether there is an element of that name whose plugin loads.
    pub fn has(&self, element: &str) -> bool {
        gst::ElementFactory::find(element)
            .is_some_and(|factory| gst::prelude::PluginFeatureExtManual::load(&factory).is_ok())
    }

    /// Whether GLib, under `rtspsrc`, has a TLS library to load.
    pub fn speaks_tls(&self) -> bool {
        use gstreamer_rtsp_server::gio::{TlsBackend, prelude::TlsBackendExt};
        TlsBackend::default().supports_tls()
    }

    /// The Debian package that holds it.
    pub fn package(&self, element: &str) -> &'static str {
        chain::package_of(element)
    }
}
