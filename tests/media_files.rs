//! Files: every kind decodes to the pictures another decoder sees, or is refused in one clear sentence.
#![cfg(feature = "media")]
#![allow(clippy::print_stderr, reason = "what is skipped or measured is said aloud")]
#![allow(clippy::unwrap_used, reason = "a failed preparation fails the test")]
#![allow(clippy::disallowed_methods, reason = "tests measure how long things take")]

mod media_support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use flyball::media::{CameraEnd, CameraState, MediaError, Pace, SourceSpec, Summary, TlsTrust, Transport, decode_file};
use flyball::memory::{ColorMatrix, ColorRange, PixelFormat};
use flyball::scene::{Frame, Size, TimeSource};
use media_support::{MOVING, Running, camera, h264_clip, make_clip, picture_hash, visible_bytes};

fn raw(format: &str, w: u32, h: u32) -> String {
    format!("videotestsrc num-buffers=6 {MOVING} ! video/x-raw,format={format},width={w},height={h},framerate=30/1")
}

fn decode(path: &Path) -> Result<(Vec<Frame>, Summary), MediaError> {
    let mut frames = Vec::new();
    let summary = decode_file(path, |frame| frames.push(frame))?;
    Ok((frames, summary))
}

/// What ffmpeg makes of a file: planar 4:2:0, upright, one picture after the other. `None` without ffmpeg, aloud.
fn ffmpeg(path: &Path) -> Option<Vec<u8>> {
    let arguments = ["-v", "error", "-i"];
    let rest = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-fps_mode", "passthrough", "-"];
    match Command::new("ffmpeg").args(arguments).arg(path).args(rest).output() {
        Ok(output) if output.status.success() => Some(output.stdout),
        Ok(output) => panic!("ffmpeg: {}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => {
            eprintln!("SKIPPED the comparison of {} with ffmpeg: {error}", path.display());
            None
        }
    }
}

#[test]
fn eight_bit_files_decode_to_the_very_bytes_ffmpeg_sees() {
    let folder = tempfile::tempdir().unwrap();
    let encoders = [
        ("h264.mp4", "x264enc bframes=2 key-int-max=3 ! h264parse ! mp4mux"),
        (
            "sliced.mkv",
            "x264enc tune=zerolatency threads=4 sliced-threads=true ! h264parse ! matroskamux",
        ),
        ("h265.mp4", "x265enc ! h265parse ! mp4mux"),
        ("vp8.webm", "vp8enc ! webmmux"),
        ("vp9.webm", "vp9enc ! webmmux"),
        ("h264.ts", "x264enc bframes=2 ! h264parse ! mpegtsmux"),
        ("h264.flv", "x264enc ! h264parse ! flvmux"),
        ("mpeg4.avi", "avenc_mpeg4 ! mpeg4videoparse ! avimux"),
    ];
    for (name, encoder) in encoders {
        let clip = make_clip(folder.path(), name, &format!("{} ! {encoder}", raw("I420", 322, 242)));
        let (frames, summary) = decode(&clip).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!((frames.len(), summary.frames), (6, 6), "{name}");
        assert!(frames.iter().all(|f| f.size() == Size::new(322, 242)), "{name}");
        let ours: Vec<u8> = frames.iter().flat_map(|f| visible_bytes(&f.pixels)).collect();
        if let Some(theirs) = ffmpeg(&clip) {
            assert!(ours == theirs, "{name}: the pictures differ");
        }
    }
}

#[test]
fn deep_and_full_chroma_video_becomes_eight_bit_420_within_rounding() {
    let folder = tempfile::tempdir().unwrap();
    let kinds = [
        ("10bit.mp4", "I420_10LE", "x264enc ! h264parse ! mp4mux"),
        ("10bit-hevc.mp4", "I420_10LE", "x265enc ! h265parse ! mp4mux"),
        ("444.mp4", "Y444", "x264enc ! h264parse ! mp4mux"),
        ("422.mp4", "Y42B", "x264enc ! h264parse ! mp4mux"),
    ];
    for (name, format, encoder) in kinds {
        let clip = make_clip(folder.path(), name, &format!("{} ! {encoder}", raw(format, 320, 240)));
        let (frames, _) = decode(&clip).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(frames.len(), 6, "{name}");
        let Some(theirs) = ffmpeg(&clip) else { return };
        let luma = 320 * 240;
        for (frame, theirs) in frames.iter().zip(theirs.chunks(luma * 3 / 2)) {
            let ours = visible_bytes(&frame.pixels);
            let off = ours[..luma]
                .iter()
                .zip(theirs)
                .map(|(a, b)| u64::from(a.abs_diff(*b)))
                .sum::<u64>();
            let mean = off as f64 / luma as f64;
            assert!(mean < 1.0, "{name}: luma is off by {mean} on average");
        }
    }
}

#[test]
fn jpeg_keeps_its_full_range() {
    let folder = tempfile::tempdir().unwrap();
    let clip = make_clip(
        folder.path(),
        "mjpeg.avi",
        &format!("{} ! jpegenc ! avimux", raw("I420", 320, 240)),
    );
    let (frames, _) = decode(&clip).unwrap();
    assert_eq!((frames.len(), frames[0].pixels.range()), (6, ColorRange::Full));
}

#[test]
fn odd_tiny_and_huge_pictures_keep_their_size() {
    let folder = tempfile::tempdir().unwrap();
    let kinds = [
        ("odd.webm", 321, 243, "vp9enc cpu-used=8 ! webmmux"),
        ("odd8.webm", 35, 17, "vp8enc ! webmmux"),
        ("raw.mkv", 5, 3, "matroskamux"),
        ("small.mp4", 16, 16, "x264enc ! h264parse ! mp4mux"),
        (
            "huge.mp4",
            7680,
            4320,
            "x264enc speed-preset=ultrafast ! h264parse ! mp4mux",
        ),
    ];
    for (name, w, h, encoder) in kinds {
        let source = raw("I420", w, h)
            .replace("num-buffers=6", "num-buffers=2")
            .replace(MOVING, "pattern=ball");
        let clip = make_clip(folder.path(), name, &format!("{source} ! {encoder}"));
        let mut sizes = Vec::new();
        decode_file(&clip, |frame| sizes.push(frame.size())).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(sizes, [Size::new(w, h); 2], "{name}");
    }
}

#[test]
fn a_picture_of_one_pixel_is_a_picture() {
    let folder = tempfile::tempdir().unwrap();
    let clip = folder.path().join("one.mp4");
    let pixels = folder.path().join("one.rgb");
    std::fs::write(&pixels, [200, 0, 0, 200, 0, 0]).unwrap();
    let source = [
        "-v", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "1x1", "-r", "10", "-i",
    ];
    let encoder = ["-c:v", "libx264", "-pix_fmt", "yuv444p"];
    let Ok(made) = Command::new("ffmpeg")
        .args(source)
        .arg(&pixels)
        .args(encoder)
        .arg(&clip)
        .status()
    else {
        eprintln!("SKIPPED: no ffmpeg to make a clip of one pixel");
        return;
    };
    assert!(made.success());
    let (frames, _) = decode(&clip).unwrap();
    assert_eq!((frames.len(), frames[0].size()), (2, Size::new(1, 1)));
}

/// Writes a rotation into an MP4's track header: a, b, c, d of its matrix as 16.16 numbers (ISO 14496-12, 8.3.2).
fn turned(mut mp4: Vec<u8>, [a, b, c, d]: [i32; 4]) -> Vec<u8> {
    let header = mp4.windows(4).position(|w| w == b"tkhd").unwrap();
    let matrix = header + 4 + 40;
    for (place, value) in [(0, a), (1, b), (3, c), (4, d)] {
        let at = matrix + 4 * place;
        mp4[at..at + 4].copy_from_slice(&(value << 16).to_be_bytes());
    }
    mp4
}

#[test]
fn rotated_video_is_handed_over_as_displayed() {
    let folder = tempfile::tempdir().unwrap();
    let upright = h264_clip(folder.path(), "upright.mp4", 6, "");
    let turns = [
        ("90", [0, 1, -1, 0], (240, 320)),
        ("180", [-1, 0, 0, -1], (320, 240)),
        ("270", [0, -1, 1, 0], (240, 320)),
    ];
    for (turn, matrix, size) in turns {
        let clip = folder.path().join(format!("{turn}.mp4"));
        std::fs::write(&clip, turned(std::fs::read(&upright).unwrap(), matrix)).unwrap();
        let (frames, _) = decode(&clip).unwrap();
        assert_eq!(frames[0].size(), Size::new(size.0, size.1), "{turn}");
        let ours: Vec<u8> = frames.iter().flat_map(|f| visible_bytes(&f.pixels)).collect();
        if let Some(theirs) = ffmpeg(&clip) {
            assert!(ours == theirs, "{turn}: not turned as ffmpeg turns it");
        }
    }
}

#[test]
fn colour_follows_the_stream() {
    let folder = tempfile::tempdir().unwrap();
    for (colorimetry, matrix) in [("bt709", ColorMatrix::Bt709), ("bt601", ColorMatrix::Bt601)] {
        let source = format!("{},colorimetry={colorimetry}", raw("I420", 320, 240));
        let clip = make_clip(
            folder.path(),
            &format!("{colorimetry}.mp4"),
            &format!("{source} ! x264enc ! h264parse ! mp4mux"),
        );
        let (frames, _) = decode(&clip).unwrap();
        assert_eq!(frames[0].pixels.matrix(), matrix, "{colorimetry}");
        assert_eq!(frames[0].pixels.format(), PixelFormat::I420);
    }
}

/// Name, content, and what the sentence must say.
fn bad_files(folder: &Path) -> Vec<(PathBuf, &'static str)> {
    let good = std::fs::read(h264_clip(folder, "good.mp4", 30, "")).unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let noise: Vec<u8> = (0_u32..20_000)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    let sound = "audiotestsrc num-buffers=20 ! vorbisenc ! oggmux";
    let theora = format!("{} ! theoraenc ! oggmux", raw("I420", 64, 64));
    vec![
        (folder.join("absent.mp4"), "does not exist"),
        (folder.to_owned(), "no regular file"),
        (write("empty.mp4", b""), "empty"),
        (
            write("text.mp4", "the quick brown fox\n".repeat(200).as_bytes()),
            "no video file",
        ),
        (write("noise.mp4", &noise), "no video file"),
        (write("cut.mp4", &good[..good.len() / 2]), "damaged or cut short"),
        (write("head.mp4", &good[..40]), "damaged or cut short"),
        (make_clip(folder, "sound.ogg", sound), "no video"),
        (make_clip(folder, "theora.ogg", &theora), "not supported"),
        (
            make_clip(folder, "wav.mp4", "audiotestsrc num-buffers=20 ! wavenc"),
            "no video file",
        ),
    ]
}

#[test]
fn bad_files_are_refused_in_one_clear_sentence() {
    let folder = tempfile::tempdir().unwrap();
    for (path, words) in bad_files(folder.path()) {
        let problem = decode(&path)
            .map(|d| d.1)
            .expect_err(&path.display().to_string())
            .to_string();
        eprintln!("{problem}");
        assert!(problem.contains(words), "{}: {problem}", path.display());
        assert!(problem.lines().count() == 1 && !problem.ends_with('.'), "{problem}");
        let ended = Running::start(camera(
            "bad",
            SourceSpec::File {
                path,
                pace: Pace::Fast,
                repeat: true,
            },
        ))
        .join();
        assert!(matches!(ended, CameraEnd::Failed(_)), "as a camera it ended {ended:?}");
    }
}

#[test]
fn a_file_cut_in_its_pictures_shows_what_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let line = format!(
        "{} ! x264enc key-int-max=3 ! h264parse ! matroskamux",
        raw("I420", 320, 240).replace("=6", "=60")
    );
    let whole = make_clip(folder.path(), "whole.mkv", &line);
    let bytes = std::fs::read(&whole).unwrap();
    let cut = folder.path().join("cut.mkv");
    std::fs::write(&cut, &bytes[..bytes.len() * 2 / 3]).unwrap();
    let (all, _) = decode(&whole).unwrap();
    let (some, _) = decode(&cut).unwrap();
    assert!((20..60).contains(&some.len()), "{} of 60", some.len());
    let same = all
        .iter()
        .zip(&some)
        .filter(|(a, b)| picture_hash(&a.pixels) == picture_hash(&b.pixels))
        .count();
    assert!(
        same + 2 >= some.len(),
        "{same} of {} are as in the whole file",
        some.len()
    );
}

#[test]
fn pictures_above_the_limit_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (name, encoder) in [
        ("a.mp4", "x264enc ! h264parse ! mp4mux"),
        ("a.webm", "vp8enc ! webmmux"),
    ] {
        let path = make_clip(folder.path(), name, &format!("{} ! {encoder}", raw("I420", 640, 480)));
        let mut input = camera(
            "big",
            SourceSpec::File {
                path,
                pace: Pace::Fast,
                repeat: false,
            },
        );
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
fn a_file_at_real_time_pace_takes_its_time_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = h264_clip(folder.path(), "clip.mp4", 30, "");
    let reference: Vec<u64> = decode(&path)
        .unwrap()
        .0
        .iter()
        .map(|f| picture_hash(&f.pixels))
        .collect();
    let begun = Instant::now();
    let running = Running::start(camera(
        "paced",
        SourceSpec::File {
            path,
            pace: Pace::Realtime,
            repeat: false,
        },
    ));
    let ears = running.ears.clone();
    assert!(matches!(running.join(), CameraEnd::Ended));
    assert!(
        begun.elapsed() >= Duration::from_millis(960),
        "one second of video took {:?}",
        begun.elapsed()
    );
    assert_eq!(ears.look(|h| h.hashes.clone()), reference);
    let captured = ears.look(|h| h.last.as_ref().map(|f| f.captured)).unwrap();
    assert_eq!(captured.source, TimeSource::FilePosition);
    let states: Vec<_> = ears.look(|h| h.states.iter().map(|s| s.0).collect());
    assert_eq!(states, [CameraState::Connecting, CameraState::Live, CameraState::Ended]);
}

#[test]
fn a_repeated_file_goes_on_with_numbers_and_positions_and_leaves_no_threads_behind() {
    let folder = tempfile::tempdir().unwrap();
    let path = h264_clip(folder.path(), "clip.mp4", 6, "");
    let reference: Vec<u64> = decode(&path)
        .unwrap()
        .0
        .iter()
        .map(|f| picture_hash(&f.pixels))
        .collect();
    let running = Running::start(camera(
        "loop",
        SourceSpec::File {
            path,
            pace: Pace::Fast,
            repeat: true,
        },
    ));
    let seen = running.ears.wait_for_frames(60);
    media_support::follows(&seen, &reference, false).unwrap();
    let ears = running.ears.clone();
    assert!(matches!(running.stop(), CameraEnd::Stopped));
    let (count, last) = ears.look(|h| (h.hashes.len() as u64, h.last.clone().unwrap()));
    assert_eq!(last.sequence, count - 1);
    let position = last.captured.pts.unwrap().as_secs_f64();
    assert!(
        (position - (count - 1) as f64 / 30.0).abs() < 0.02,
        "picture {count} lies at {position} s"
    );
}

#[test]
fn a_certificate_file_that_is_missing_is_named() {
    let mut input = media_support::rtsp("gate", "rtsps://127.0.0.1:9/x", Transport::Tcp);
    let SourceSpec::Rtsp(source) = &mut input.source else {
        unreachable!()
    };
    source.tls = TlsTrust::Authority(PathBuf::from("/nonexistent/ca.pem"));
    let running = Running::start(input);
    let detail = running
        .ears
        .wait_for_state("a loss", 0, |s| matches!(s, CameraState::Lost { .. }));
    assert!(detail.contains("/nonexistent/ca.pem"), "{detail}");
    running.stop();
}

/// Real recordings, when they are there; the small ones, for time's sake.
#[test]
fn sample_footage_decodes_completely() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/footage");
    let clips: Vec<_> = std::fs::read_dir(&folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|e| e.path())
        .collect();
    let is_small = |p: &&PathBuf| std::fs::metadata(p).is_ok_and(|found| found.len() < 1 << 20);
    let is_video = |p: &&PathBuf| p.extension().is_some_and(|e| e == "mp4" || e == "mov");
    let videos: Vec<_> = clips.iter().filter(is_video).filter(is_small).collect();
    if videos.is_empty() {
        eprintln!(
            "SKIPPED: no sample footage in {}; run `make demo` once",
            folder.display()
        );
        return;
    }
    for clip in videos {
        let mut frames = 0_u64;
        let summary = decode_file(clip, |_| frames += 1).unwrap_or_else(|e| panic!("{e}"));
        assert!(
            frames > 0 && frames == summary.frames,
            "{}: {summary:?}",
            clip.display()
        );
        eprintln!("{}: {summary:?}", clip.display());
    }
}
