//! Files: every kind decodes to the pictures another decoder sees, at the pace asked for.
#![cfg(feature = "media")]
#![allow(clippy::print_stderr, reason = "what is skipped or measured is said aloud")]
#![allow(clippy::unwrap_used, reason = "a failed preparation fails the test")]
#![allow(clippy::disallowed_methods, reason = "tests measure how long things take")]

mod media_support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use flyball::media::{CameraEnd, CameraState, Pace, SourceSpec, decode_file};
use flyball::memory::{ColorMatrix, ColorRange, PixelFormat};
use flyball::scene::{Size, TimeSource};
use media_support::{MOVING, Running, camera, decode, h264_clip, make_clip, picture_hash, raw, visible_bytes};

/// What ffmpeg makes of a file: planar 4:2:0, upright, one picture after the other. `None` without ffmpeg, aloud.
fn ffmpeg(path: &Path) -> Option<Vec<u8>> {
    let arguments = ["-v", "error", "-i"];
    let rest = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-fps_mode", "passthrough", "-"];
    match Command::new("ffmpeg").args(arguments).arg(path).args(rest).output() {
        Ok(output) if output.status.success() => Some(output.stdout),
        Ok(output) => panic!("ffmpeg: {}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => {
            eprintln!("SKIPPED: the comparison of {} with ffmpeg: {error}", path.display());
            None
        }
    }
}

#[test]
fn eight_bit_files_decode_to_the_very_bytes_ffmpeg_sees() {
    let folder = tempfile::tempdir().unwrap();
    let encoders = [
        ("h264.mp4", "x264enc bframes=2 key-int-max=3 ! h264parse ! mp4mux"),
        ("sliced.mkv", "x264enc tune=zerolatency threads=4 sliced-threads=true ! h264parse ! matroskamux"),
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
            let off = ours[..luma].iter().zip(theirs).map(|(a, b)| u64::from(a.abs_diff(*b))).sum::<u64>();
            let mean = off as f64 / luma as f64;
            assert!(mean < 1.0, "{name}: luma is off by {mean} on average");
        }
    }
}

#[test]
fn jpeg_keeps_its_full_range() {
    let folder = tempfile::tempdir().unwrap();
    let clip = make_clip(folder.path(), "mjpeg.avi", &format!("{} ! jpegenc ! avimux", raw("I420", 320, 240)));
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
        ("huge.mp4", 7680, 4320, "x264enc speed-preset=ultrafast ! h264parse ! mp4mux"),
    ];
    for (name, w, h, encoder) in kinds {
        let source = raw("I420", w, h).replace("num-buffers=6", "num-buffers=2").replace(MOVING, "pattern=ball");
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
    let source = ["-v", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "1x1", "-r", "10", "-i"];
    let encoder = ["-c:v", "libx264", "-pix_fmt", "yuv444p"];
    let Ok(made) = Command::new("ffmpeg").args(source).arg(&pixels).args(encoder).arg(&clip).status() else {
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
    let turns =
        [("90", [0, 1, -1, 0], (240, 320)), ("180", [-1, 0, 0, -1], (320, 240)), ("270", [0, -1, 1, 0], (240, 320))];
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

#[test]
fn a_file_at_real_time_pace_takes_its_time_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = h264_clip(folder.path(), "clip.mp4", 30, "");
    let reference: Vec<u64> = decode(&path).unwrap().0.iter().map(|f| picture_hash(&f.pixels)).collect();
    let begun = Instant::now();
    let running = Running::start(camera("paced", SourceSpec::File { path, pace: Pace::Realtime, repeat: false }));
    let ears = running.ears.clone();
    assert!(matches!(running.join(), CameraEnd::Ended));
    assert!(begun.elapsed() >= Duration::from_millis(960), "one second of video took {:?}", begun.elapsed());
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
    let reference: Vec<u64> = decode(&path).unwrap().0.iter().map(|f| picture_hash(&f.pixels)).collect();
    let running = Running::start(camera("loop", SourceSpec::File { path, pace: Pace::Fast, repeat: true }));
    let seen = running.ears.wait_for_frames(60);
    media_support::follows(&seen, &reference, false).unwrap();
    let ears = running.ears.clone();
    assert!(matches!(running.stop(), CameraEnd::Stopped));
    let (count, last) = ears.look(|h| (h.hashes.len() as u64, h.last.clone().unwrap()));
    assert_eq!(last.sequence, count - 1);
    let position = last.captured.pts.unwrap().as_secs_f64();
    assert!((position - (count - 1) as f64 / 30.0).abs() < 0.02, "picture {count} lies at {position} s");
}

/// A machine so slow that the first picture takes a thousand times too long: told why, begun anew with more patience each time,
/// and played to its end.
#[test]
fn a_file_that_shows_nothing_in_time_is_begun_anew_until_it_does() {
    let folder = tempfile::tempdir().unwrap();
    let path = h264_clip(folder.path(), "clip.mp4", 6, "");
    let reference: Vec<u64> = decode(&path).unwrap().0.iter().map(|f| picture_hash(&f.pixels)).collect();
    let mut input = camera("slow", SourceSpec::File { path, pace: Pace::Fast, repeat: false });
    input.limits.first_frame = Duration::from_millis(1);
    input.limits.retry_min = Duration::from_millis(1);
    input.limits.retry_max = Duration::from_millis(20);
    let running = Running::start(input);
    let ears = running.ears.clone();
    assert!(matches!(running.join(), CameraEnd::Ended));
    let why = ears.wait_for_state("a slow start", 0, |s| matches!(s, CameraState::Lost { .. }));
    assert!(why.contains("clip.mp4") && why.ends_with("the first frame did not come within 1 ms"), "{why}");
    let seen = ears.look(|h| h.hashes.clone());
    assert!(seen.ends_with(&reference), "{} pictures", seen.len());
}

/// Taken away at every moment of its start. Cause: the demuxer was taken down by the thread that woke it, which ended the program
/// about once in a hundred times.
#[test]
fn a_file_may_be_taken_away_while_it_starts() {
    let folder = tempfile::tempdir().unwrap();
    let path = h264_clip(folder.path(), "clip.mp4", 6, "");
    for round in 0..600_u32 {
        let source = SourceSpec::File { path: path.clone(), pace: Pace::Fast, repeat: false };
        let running = Running::start(camera("hasty", source));
        std::thread::park_timeout(Duration::from_micros(u64::from(round % 60) * 100));
        let end = running.stop();
        assert!(matches!(end, CameraEnd::Stopped | CameraEnd::Ended), "round {round}: {end:?}");
    }
}

/// Real recordings, when they are there; the small ones, for time's sake.
#[test]
fn sample_footage_decodes_completely() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/footage");
    let clips: Vec<_> = std::fs::read_dir(&folder).into_iter().flatten().flatten().map(|e| e.path()).collect();
    let is_small = |p: &&PathBuf| std::fs::metadata(p).is_ok_and(|found| found.len() < 1 << 20);
    let is_video = |p: &&PathBuf| p.extension().is_some_and(|e| e == "mp4" || e == "mov");
    let videos: Vec<_> = clips.iter().filter(is_video).filter(is_small).collect();
    if videos.is_empty() {
        eprintln!("SKIPPED: no sample footage in {}; run `make demo` once", folder.display());
        return;
    }
    for clip in videos {
        let mut frames = 0_u64;
        let summary = decode_file(clip, |_| frames += 1).unwrap_or_else(|e| panic!("{e}"));
        assert!(frames > 0 && frames == summary.frames, "{}: {summary:?}", clip.display());
        eprintln!("{}: {summary:?}", clip.display());
    }
}
