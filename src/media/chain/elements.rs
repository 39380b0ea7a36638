//! Making GStreamer elements, and saying which Debian package to install when one is missing.

use std::sync::Once;

use gstreamer as gst;
use gstreamer::prelude::*;

use super::quiet;
use crate::media::MediaError;

/// Which package holds an element, by the start of its name; the first match counts. Debian 12.
const PACKAGES: &[(&str, &str)] = &[
    ("avdec_", "gstreamer1.0-libav"),
    ("x264", "gstreamer1.0-plugins-ugly"),
    ("webrtcbin", BAD),
    ("nice", "gstreamer1.0-nice"),
    ("dtls", BAD),
    ("srt", BAD),
    ("rtmp", BAD),
    ("h264parse", BAD),
    ("h265parse", BAD),
    ("vp9parse", BAD),
    ("av1", BAD),
    ("jpegparse", BAD),
    ("mpegvideoparse", BAD),
    ("mpeg4videoparse", BAD),
    ("openh264", BAD),
    ("tsdemux", BAD),
    ("mpegpsdemux", BAD),
    ("nv", BAD),
    ("oggdemux", BASE),
    ("typefind", "libgstreamer1.0-0"),
    ("filesrc", "libgstreamer1.0-0"),
    ("fakesink", "libgstreamer1.0-0"),
    ("capsfilter", "libgstreamer1.0-0"),
    ("videoconvert", BASE),
    ("videoscale", BASE),
    ("app", BASE),
];
const BAD: &str = "gstreamer1.0-plugins-bad";
const BASE: &str = "gstreamer1.0-plugins-base";
/// Demuxers, RTSP, RTP, JPEG, VP8/9 and videoflip.
const ELSEWHERE: &str = "gstreamer1.0-plugins-good";

/// Starts GStreamer once a process.
pub(in crate::media) fn ready() -> Result<(), MediaError> {
    static NOTED: Once = Once::new();
    gst::init().map_err(|error| MediaError::NoGStreamer { why: error.to_string() })?;
    NOTED.call_once(|| {
        quiet::lead_through_ours();
        tracing::debug!(version = %gst::version_string(), "GStreamer is ready");
    });
    Ok(())
}

/// Makes an element, or names the package that holds it.
pub(in crate::media) fn require(name: &str) -> Result<gst::Element, MediaError> {
    gst::ElementFactory::make(name).build().map_err(|_| missing(name))
}

pub(super) fn missing(name: &str) -> MediaError {
    MediaError::MissingPlugin { element: name.to_owned(), package: package_of(name) }
}

/// The Debian package that holds an element.
pub(in crate::media) fn package_of(name: &str) -> &'static str {
    PACKAGES.iter().find(|(start, _)| name.starts_with(start)).map_or(ELSEWHERE, |p| p.1)
}

/// Adds elements to a running pipeline, links them in order and brings them to its state.
pub(super) fn append(pipeline: &gst::Pipeline, elements: &[gst::Element]) -> Result<(), gst::glib::BoolError> {
    pipeline.add_many(elements)?;
    gst::Element::link_many(elements)?;
    // From the far end: whoever receives must be ready before whoever sends.
    elements.iter().rev().try_for_each(gst::Element::sync_state_with_parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The list above is only as good as the machine agrees: ask the registry which plugin holds each element.
    #[test]
    fn every_package_named_is_the_one_that_holds_the_element() {
        ready().unwrap();
        let known = [
            ("avdec_h264", "gst-libav"),
            ("x264enc", "gst-plugins-ugly"),
            ("h264parse", "gst-plugins-bad"),
            ("av1parse", "gst-plugins-bad"),
            ("tsdemux", "gst-plugins-bad"),
            ("oggdemux", "gst-plugins-base"),
            ("videoconvert", "gst-plugins-base"),
            ("appsink", "gst-plugins-base"),
            ("qtdemux", "gst-plugins-good"),
            ("rtspsrc", "gst-plugins-good"),
            ("jpegdec", "gst-plugins-good"),
            ("videoflip", "gst-plugins-good"),
            ("vp8dec", "gst-plugins-good"),
            ("hlsdemux2", "gst-plugins-good"),
            ("souphttpsrc", "gst-plugins-good"),
            ("v4l2src", "gst-plugins-good"),
            ("srtsrc", "gst-plugins-bad"),
            ("srtpdec", "gst-plugins-bad"),
            ("rtmp2src", "gst-plugins-bad"),
        ];
        for (element, source) in known {
            let package = missing(element).to_string();
            let wanted = source.trim_start_matches("gst-");
            assert!(package.ends_with(&format!("{wanted}`")), "{element}: {package}");
            let plugin = gst::ElementFactory::find(element).and_then(|f| f.plugin());
            let found = plugin.map(|p| p.source().to_string());
            assert!(found.is_none_or(|found| found.contains(source)), "{element} is not in {source}");
        }
    }
}
