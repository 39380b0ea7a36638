//! Caps as senders make them, mutated at random: whatever fields they have, with whatever types, they are read without a panic.

use std::str::FromStr;
use std::time::Duration;

use gstreamer as gst;
use gstreamer_video as gst_video;

use super::codec;
use super::container::shows_pictures;
use super::network::media_field;
use super::tail::announced_size;
use crate::media::{Clock, SystemClock};

const SEED: u64 = 20_261_125;

const CAPS: &[&str] = &[
    "application/x-rtp, media=(string)video, encoding-name=(string)H264, payload=(int)96, clock-rate=(int)90000, \
     sprop-parameter-sets=(string)\"Z0IAH5WoFAFuQA==,aM48gA==\", packetization-mode=(string)1",
    "application/x-rtp, media=(string)video, encoding-name=(string)JPEG, x-dimensions=(string)\"1280,720\", payload=(int)26",
    "application/x-rtp, media=(string)audio, encoding-name=(string)PCMU, clock-rate=(int)8000",
    "video/x-h264, stream-format=(string)avc, width=(int)1280, height=(int)720, codec_data=(buffer)0142001fffe1",
    "video/mpeg, mpegversion=(int)4, systemstream=(boolean)false",
    "video/x-raw, format=(string)NV12, width=(int)640, height=(int)480, colorimetry=(string)bt709, framerate=(fraction)30/1",
    "image/jpeg, width=(int)16, height=(int)16, parsed=(boolean)true",
];

const PIECES: &[&str] = &[
    "",
    ",",
    ";",
    "=",
    "(int)-1",
    "(int)2147483647",
    "(string)\"\"",
    "[ 1, 2 ]",
    "{ a, b }",
    "(buffer)00",
    "0/0",
    "video/x-raw",
    "(memory:CUDAMemory)",
    "media=(int)5",
    "mpegversion=(string)x",
    "width=(int)-5",
    "format=(string)",
    "(fraction)1/0",
    "ANY",
];

fn mutated(rng: &mut fastrand::Rng) -> String {
    let mut text: Vec<char> = CAPS[rng.usize(..CAPS.len())].chars().collect();
    for _ in 0..rng.u8(1..=6) {
        let (a, b) = (rng.usize(..=text.len()), rng.usize(..=text.len()));
        let (from, to) = (a.min(b), a.max(b).min(a.min(b) + 24));
        let piece = PIECES[rng.usize(..PIECES.len())].chars();
        drop(text.splice(from..if rng.bool() { from } else { to }, piece));
    }
    text.into_iter().filter(|c| *c != '\0').collect()
}

fn round(rng: &mut fastrand::Rng) {
    let Ok(caps) = gst::Caps::from_str(&mutated(rng)) else { return };
    let _read = (codec::from_caps(&caps), codec::demuxer(&caps), shows_pictures(&caps));
    for field in ["media", "encoding-name"] {
        let _known = codec::from_rtp(&media_field(&caps, field).unwrap_or_default());
    }
    if caps.is_fixed() && !caps.is_empty() && !caps.is_any() {
        let _size = announced_size(&gst::event::Caps::new(&caps));
        let _info = gst_video::VideoInfo::from_caps(&caps);
    }
}

#[test]
fn caps_with_anything_in_them_are_read() {
    super::ready().unwrap();
    let mut rng = fastrand::Rng::with_seed(SEED);
    (0..5_000).for_each(|_| round(&mut rng));
}

/// `FUZZ_SECONDS` bounds it; the seed is its last word.
#[test]
#[ignore = "ten minutes: `make fuzz-media`"]
#[allow(clippy::disallowed_methods, reason = "how long it runs is no part of a deployment")]
fn for_as_long_as_asked() {
    super::ready().unwrap();
    let seconds = std::env::var("FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(600);
    let (seed, begun, mut rounds) = (fastrand::u64(..), SystemClock.now(), 0_u64);
    tracing::info!(seed, "caps");
    let mut rng = fastrand::Rng::with_seed(seed);
    while begun.elapsed() < Duration::from_secs(seconds) {
        (0..1000).for_each(|_| round(&mut rng));
        rounds += 1000;
    }
    assert!(rounds > 0, "seed {seed}");
}
