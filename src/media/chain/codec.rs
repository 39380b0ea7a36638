//! The codecs we decode: how GStreamer's caps and RTP name them, what stands before the decoder, and which decoders may
//! be used, best first. One table; to add a codec, add a row.

use gstreamer as gst;

/// A codec and everything needed to get from its packets to pictures.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::media) struct Codec {
    /// For people and metrics.
    pub(in crate::media) name: &'static str,
    /// Caps of the encoded stream.
    pub(super) media_types: &'static [&'static str],
    /// RTP `encoding-name`, depayloader, and the caps forced behind it.
    pub(super) rtp: Option<(&'static str, &'static str, &'static str)>,
    /// Splits the stream into pictures and tells their size before they are decoded.
    pub(super) parser: Option<&'static str>,
    /// Hardware decoders, best first. Chosen here and not by rank: in 1.22 `nvh264dec` and `avdec_h264` have equal rank
    /// and the tie is broken by name.
    pub(super) hardware: &'static [&'static str],
    /// Software decoders, best first.
    pub(super) software: &'static [&'static str],
}

/// `avc,au` is forced behind rtph264depay: left to itself it hands out byte-stream, and where a sender repeats SPS/PPS
/// before each slice of a key frame the parser then splits the picture, silently, at every key frame.
const CODECS: &[Codec] = &[
    Codec {
        name: "H.264",
        media_types: &["video/x-h264"],
        rtp: Some(("H264", "rtph264depay", "video/x-h264,stream-format=avc,alignment=au")),
        parser: Some("h264parse"),
        hardware: &["nvh264dec", "nvh264sldec"],
        software: &["avdec_h264", "openh264dec"],
    },
    Codec {
        name: "H.265",
        media_types: &["video/x-h265"],
        rtp: Some(("H265", "rtph265depay", "video/x-h265,stream-format=hvc1,alignment=au")),
        parser: Some("h265parse"),
        hardware: &["nvh265dec", "nvh265sldec"],
        software: &["avdec_h265"],
    },
    Codec {
        name: "JPEG",
        media_types: &["image/jpeg"],
        rtp: Some(("JPEG", "rtpjpegdepay", "image/jpeg")),
        parser: None,
        hardware: &[],
        software: &["jpegdec", "avdec_mjpeg"],
    },
    Codec {
        name: "VP8",
        media_types: &["video/x-vp8"],
        rtp: Some(("VP8", "rtpvp8depay", "video/x-vp8")),
        parser: None,
        hardware: &["nvvp8dec", "nvvp8sldec"],
        software: &["vp8dec", "avdec_vp8"],
    },
    Codec {
        name: "VP9",
        media_types: &["video/x-vp9"],
        rtp: Some(("VP9", "rtpvp9depay", "video/x-vp9")),
        parser: Some("vp9parse"),
        hardware: &["nvvp9dec", "nvvp9sldec"],
        software: &["vp9dec", "avdec_vp9"],
    },
    Codec {
        name: "AV1",
        media_types: &["video/x-av1"],
        rtp: None,
        parser: Some("av1parse"),
        hardware: &["nvav1dec"],
        software: &["dav1ddec", "av1dec"],
    },
    Codec {
        name: "MPEG-4 part 2",
        media_types: &["video/mpeg:4", "video/x-divx", "video/x-xvid"],
        rtp: Some(("MP4V-ES", "rtpmp4vdepay", "video/mpeg,mpegversion=4")),
        parser: Some("mpeg4videoparse"),
        hardware: &[],
        software: &["avdec_mpeg4"],
    },
    Codec {
        name: "MPEG-2",
        media_types: &["video/mpeg:1", "video/mpeg:2"],
        rtp: None,
        parser: Some("mpegvideoparse"),
        hardware: &[],
        software: &["avdec_mpeg2video"],
    },
];

/// The codec of an encoded stream.
pub(in crate::media) fn from_caps(caps: &gst::CapsRef) -> Option<&'static Codec> {
    let structure = caps.structure(0)?;
    let name = match structure.get::<i32>("mpegversion") {
        Ok(version) => format!("{}:{version}", structure.name()),
        Err(_) => structure.name().to_string(),
    };
    CODECS.iter().find(|codec| codec.media_types.contains(&name.as_str()))
}

/// The codec an RTP stream says it carries.
pub(in crate::media) fn from_rtp(encoding: &str) -> Option<&'static Codec> {
    CODECS.iter().find(|codec| codec.rtp.is_some_and(|rtp| rtp.0 == encoding))
}

/// The names of all codecs.
pub(in crate::media) fn codec_names() -> impl Iterator<Item = &'static str> {
    CODECS.iter().map(|codec| codec.name)
}

/// Parser and software decoders of a codec, best first.
pub(in crate::media) fn codec(name: &str) -> Option<(Option<&'static str>, &'static [&'static str])> {
    CODECS.iter().find(|codec| codec.name == name).map(|codec| (codec.parser, codec.software))
}

/// Containers we open: caps found by typefind, and the demuxer. Elementary streams are missing on purpose: they carry no
/// times.
const CONTAINERS: &[(&str, &str)] = &[
    ("video/quicktime", "qtdemux"),
    ("application/x-3gp", "qtdemux"),
    ("audio/x-m4a", "qtdemux"),
    ("video/x-matroska", "matroskademux"),
    ("video/webm", "matroskademux"),
    ("audio/x-matroska", "matroskademux"),
    ("audio/webm", "matroskademux"),
    ("video/x-msvideo", "avidemux"),
    ("video/mpegts", "tsdemux"),
    ("video/mpeg", "mpegpsdemux"),
    ("video/x-flv", "flvdemux"),
    ("application/ogg", "oggdemux"),
    ("video/ogg", "oggdemux"),
];

/// The demuxer for a container.
pub(super) fn demuxer(caps: &gst::CapsRef) -> Option<&'static str> {
    let structure = caps.structure(0)?;
    let elementary = structure.get::<bool>("systemstream") == Ok(false);
    let known = CONTAINERS.iter().find(|(name, _)| structure.name() == *name && !elementary);
    known.map(|(_, demuxer)| *demuxer)
}
