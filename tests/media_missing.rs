//! A machine without the decoder plugin. In a process of its own, because the registry is the whole process's.
#![cfg(feature = "media")]
#![allow(clippy::unwrap_used, reason = "a failed preparation fails the test")]

mod media_support;

use flyball::media::decode_file;
use gstreamer as gst;

#[test]
fn a_missing_decoder_names_the_package_to_install() {
    let folder = tempfile::tempdir().unwrap();
    let clip = media_support::h264_clip(folder.path(), "clip.mp4", 5, "");
    let registry = gst::Registry::get();
    for decoder in ["nvh264dec", "nvh264sldec", "avdec_h264", "openh264dec"] {
        if let Some(feature) = registry.lookup_feature(decoder) {
            registry.remove_feature(&feature);
        }
    }
    let problem = decode_file(&clip, drop).unwrap_err().to_string();
    assert_eq!(problem, "GStreamer's `avdec_h264` is missing: install it with `apt-get install gstreamer1.0-libav`");
}
