//! What cannot be decoded is refused in one clear sentence, and what is half there is shown as far as it goes.
#![cfg(feature = "media")]
#![allow(clippy::print_stderr, reason = "the sentences are worth reading")]
#![allow(clippy::unwrap_used, reason = "a failed preparation fails the test")]

mod media_support;

use std::path::{Path, PathBuf};

use flyball::media::{CameraEnd, CameraState, MediaError, Pace, SourceSpec, TlsTrust, Transport};
use media_support::{Running, camera, decode, h264_clip, make_clip, picture_hash, raw};

/// Name, content, and what the sentence must say.
fn bad_files(folder: &Path) -> Vec<(PathBuf, &'static str)> {
    let good = std::fs::read(h264_clip(folder, "good.mp4", 30, "")).unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let noise: Vec<u8> = (0_u32..20_000).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let sound = "audiotestsrc num-buffers=20 ! vorbisenc ! oggmux";
    let theora = format!("{} ! theoraenc ! oggmux", raw("I420", 64, 64));
    vec![
        (folder.join("absent.mp4"), "does not exist"),
        (folder.to_owned(), "no regular file"),
        (write("empty.mp4", b""), "empty"),
        (write("text.mp4", "the quick brown fox\n".repeat(200).as_bytes()), "no video file"),
        (write("noise.mp4", &noise), "no video file"),
        (write("cut.mp4", &good[..good.len() / 2]), "damaged or cut short"),
        (write("head.mp4", &good[..40]), "damaged or cut short"),
        (make_clip(folder, "sound.ogg", sound), "no video"),
        (make_clip(folder, "theora.ogg", &theora), "not supported"),
        (make_clip(folder, "wav.mp4", "audiotestsrc num-buffers=20 ! wavenc"), "no video file"),
    ]
}

#[test]
fn bad_files_are_refused_in_one_clear_sentence() {
    let folder = tempfile::tempdir().unwrap();
    for (path, words) in bad_files(folder.path()) {
        let problem = decode(&path).map(|d| d.1).expect_err(&path.display().to_string()).to_string();
        eprintln!("{problem}");
        assert!(problem.contains(words), "{}: {problem}", path.display());
        assert!(problem.lines().count() == 1 && !problem.ends_with('.'), "{problem}");
        let ended = Running::start(camera("bad", SourceSpec::File { path, pace: Pace::Fast, repeat: true })).join();
        assert!(matches!(ended, CameraEnd::Failed(_)), "as a camera it ended {ended:?}");
    }
}

#[test]
fn a_file_cut_in_its_pictures_shows_what_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let line =
        format!("{} ! x264enc key-int-max=3 ! h264parse ! matroskamux", raw("I420", 320, 240).replace("=6", "=60"));
    let whole = make_clip(folder.path(), "whole.mkv", &line);
    let bytes = std::fs::read(&whole).unwrap();
    let cut = folder.path().join("cut.mkv");
    std::fs::write(&cut, &bytes[..bytes.len() * 2 / 3]).unwrap();
    let (all, _) = decode(&whole).unwrap();
    let (some, _) = decode(&cut).unwrap();
    assert!((20..60).contains(&some.len()), "{} of 60", some.len());
    let same = all.iter().zip(&some).filter(|(a, b)| picture_hash(&a.pixels) == picture_hash(&b.pixels)).count();
    assert!(same + 2 >= some.len(), "{same} of {} are as in the whole file", some.len());
}

#[test]
fn pictures_above_the_limit_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (name, encoder) in [("a.mp4", "x264enc ! h264parse ! mp4mux"), ("a.webm", "vp8enc ! webmmux")] {
        let path = make_clip(folder.path(), name, &format!("{} ! {encoder}", raw("I420", 640, 480)));
        let mut input = camera("big", SourceSpec::File { path, pace: Pace::Fast, repeat: false });
        input.max_pixels = 640 * 479;
        let running = Running::start(input);
        let ears = running.ears.clone();
        match running.join() {
            CameraEnd::Failed(MediaError::TooLarge { w: 640, h: 480, .. }) => {}
            other => panic!("{name}: {other:?}"),
        }
        assert!(ears.look(|h| h.hashes.is_empty()), "{name}: no frame gets through");
    }
}

#[test]
fn a_certificate_file_that_is_missing_is_named() {
    let mut input = media_support::rtsp("gate", "rtsps://127.0.0.1:9/x", Transport::Tcp);
    let SourceSpec::Rtsp(source) = &mut input.source else { unreachable!() };
    source.tls = TlsTrust::Authority(PathBuf::from("/nonexistent/ca.pem"));
    let running = Running::start(input);
    let detail = running.ears.wait_for_state("a loss", 0, |s| matches!(s, CameraState::Lost { .. }));
    assert!(detail.contains("/nonexistent/ca.pem"), "{detail}");
    running.stop();
}
