//! Cameras that are guarded (certificates, passwords) and cameras of every codec, against a real RTSP server.
#![cfg(feature = "media")]
#![allow(clippy::unwrap_used, reason = "a failed preparation fails the test")]

mod media_support;

use std::path::{Path, PathBuf};

use flyball::media::{
    CameraInput, CameraState, Credentials, RunningSampleCamera, SampleCamera, SourceSpec, TlsTrust, Transport,
};
use media_support::{MOVING, Running, h264_clip, make_clip, rtsp};

const QUICK: &str = "tune=zerolatency key-int-max=10 speed-preset=ultrafast";

fn certificate(name: &str, kind: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/certificates/{name}.{kind}"))
}

fn serve_tls(clip: &Path, name: &str) -> RunningSampleCamera {
    let tls = Some((certificate(name, "pem"), certificate(name, "key")));
    SampleCamera { tls, ..SampleCamera::new(clip) }.start().unwrap()
}

fn trusting(server: &RunningSampleCamera, tls: TlsTrust) -> CameraInput {
    let mut input = rtsp("gate", &server.url(), Transport::Tcp);
    if let SourceSpec::Rtsp(source) = &mut input.source {
        source.tls = tls;
    }
    input
}

/// SHA-256 of the certificate's bytes: what `openssl x509 -fingerprint -sha256` prints.
fn pin(name: &str) -> [u8; 32] {
    use sha2::{Digest, Sha256};
    let text = std::fs::read_to_string(certificate(name, "pem")).unwrap();
    let body: String = text.lines().filter(|line| !line.starts_with("-----")).collect();
    Sha256::digest(gstreamer::glib::base64_decode(&body)).into()
}

#[test]
fn a_certificate_is_trusted_exactly_as_far_as_the_deployment_says() {
    let folder = tempfile::tempdir().unwrap();
    let clip = h264_clip(folder.path(), "clip.mp4", 30, QUICK);
    let ours = || TlsTrust::Authority(certificate("ca", "pem"));
    let table = [
        ("good", ours(), true),
        ("good", TlsTrust::System, false),
        ("good", TlsTrust::Pinned(pin("good")), true),
        ("good", TlsTrust::Pinned(pin("expired")), false),
        ("expired", ours(), false),
        ("wrong_name", ours(), false),
        ("wrong_name", TlsTrust::Pinned(pin("wrong_name")), true),
        ("expired", TlsTrust::Anything, true),
    ];
    for (name, trust, shows) in table {
        let server = serve_tls(&clip, name);
        let camera = Running::start(trusting(&server, trust.clone()));
        if shows {
            camera.ears.wait_for_frames(3);
        } else {
            let why = camera.ears.wait_for_state(name, 0, |state| matches!(state, CameraState::Unreachable { .. }));
            assert!(why.contains("certificate"), "{name} {trust:?}: {why}");
            assert!(camera.ears.look(|heard| heard.hashes.is_empty()), "{name} {trust:?} was watched");
        }
        camera.stop();
    }
}

#[test]
fn a_basic_password_opens_and_a_wrong_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let clip = h264_clip(folder.path(), "clip.mp4", 30, QUICK);
    let credentials = Some(Credentials::new("cam", "p@ss:w/rd"));
    let server = SampleCamera { credentials, basic: true, ..SampleCamera::new(clip) }.start().unwrap();
    let with = |userinfo: &str| server.url().replace("rtsp://", &format!("rtsp://{userinfo}@"));
    let right = Running::start(rtsp("right", &with("cam:p%40ss%3Aw%2Frd"), Transport::Tcp));
    right.ears.wait_for_frames(3);
    let wrong = Running::start(rtsp("wrong", &with("cam:guess"), Transport::Tcp));
    wrong.ears.wait_for_state("a refusal", 0, |state| matches!(state, CameraState::AuthenticationFailed { .. }));
    right.stop();
    wrong.stop();
}

#[test]
fn every_codec_a_camera_may_speak_is_shown_over_tcp_and_udp() {
    let folder = tempfile::tempdir().unwrap();
    let raw =
        format!("videotestsrc num-buffers=30 {MOVING} ! video/x-raw,format=I420,width=320,height=240,framerate=30/1");
    let encoders = [
        ("H.265", "x265enc speed-preset=ultrafast tune=zerolatency key-int-max=10 ! h265parse ! mp4mux"),
        ("JPEG", "jpegenc ! matroskamux"),
        ("VP8", "vp8enc deadline=1 keyframe-max-dist=10 ! matroskamux"),
        ("VP9", "vp9enc deadline=1 cpu-used=8 keyframe-max-dist=10 ! matroskamux"),
    ];
    for (codec, encoder) in encoders {
        let clip = make_clip(folder.path(), codec, &format!("{raw} ! {encoder}"));
        let server = SampleCamera::new(clip).start().unwrap();
        for transport in [Transport::Tcp, Transport::Udp] {
            let camera = Running::start(rtsp("gate", &server.url(), transport));
            camera.ears.wait_for_frames(5);
            let live = camera.ears.wait_for_state("live", 0, |state| state == CameraState::Live);
            assert!(live.starts_with(codec), "{live}");
            camera.stop();
        }
    }
}

/// What is not video is not even asked for.
#[test]
fn sound_and_metadata_are_not_set_up() {
    let line = "( videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=15/1 ! x264enc tune=zerolatency \
                key-int-max=15 ! rtph264pay name=pay0 pt=96 audiotestsrc is-live=true ! alawenc ! rtppcmapay name=pay1 pt=8 )";
    let server = SampleCamera { pipeline: Some(line.to_owned()), ..SampleCamera::new("") }.start().unwrap();
    let camera = Running::start(rtsp("gate", &server.url(), Transport::Tcp));
    camera.ears.wait_for_frames(5);
    let live = camera.ears.wait_for_state("live", 0, |state| state == CameraState::Live);
    assert!(live.starts_with("H.264"), "{live}");
    camera.stop();
}
