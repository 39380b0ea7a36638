//! What must not be left behind: passwords in logs, threads and file descriptors after a camera. One test, because it
//! looks at the whole process: its logs, its threads, its descriptors.
#![cfg(all(feature = "cli", feature = "media"))]
#![allow(clippy::unwrap_used, reason = "a failed preparation fails the test")]
#![allow(clippy::disallowed_methods, reason = "waiting with a deadline needs the clock")]

mod media_support;

use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use flyball::media::{CameraState, Credentials, Pace, SampleCamera, SourceSpec, Transport};
use gstreamer as gst;
use media_support::{PATIENCE, Running, camera, h264_clip, rtsp};
use tracing_subscriber::fmt::MakeWriter;

/// Everything logged, by us and by GStreamer.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Reads our own traces, and GStreamer's down to LOG in every room where addresses go.
fn listen() -> Log {
    let log = Log::default();
    tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).init();
    gst::init().unwrap();
    gst::log::remove_default_log_function();
    gst::log::set_active(true);
    // Where addresses go; everything at once slows a file's start so much that threads meet which never meet otherwise.
    gst::log::set_threshold_from_string("*:3,rtsp*:6,sdp*:6,GST_URI:6,GST_BUS:5,GST_PIPELINE:5,default:5", true);
    let written = log.clone();
    gst::log::add_log_function(move |_, _, _, _, _, _, message| {
        let line = message.get().map(|text| format!("{text}\n")).unwrap_or_default();
        written.0.lock().unwrap().extend_from_slice(line.as_bytes());
    });
    log
}

fn count(folder: &str) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

/// Threads and descriptors of this process.
fn belongings() -> (usize, usize) {
    (count("/proc/self/task"), count("/proc/self/fd"))
}

/// Threads end a moment after they are told to.
fn wait_until_no_more_than(limit: (usize, usize)) {
    let begun = Instant::now();
    loop {
        let now = belongings();
        if now.0 <= limit.0 && now.1 <= limit.1 {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "(threads, descriptors) were {limit:?} and are {now:?}");
        std::thread::yield_now();
    }
}

#[test]
fn a_camera_leaves_neither_its_password_nor_threads_nor_descriptors() {
    let folder = tempfile::tempdir().unwrap();
    let clip = h264_clip(folder.path(), "clip.mp4", 30, "tune=zerolatency key-int-max=10");
    let mut sample = SampleCamera::new(&clip);
    sample.credentials = Some(Credentials::new("cam", "right-Horse"));
    let server = sample.start().unwrap();
    let refused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let log = listen();

    let mut rounds = Vec::new();
    for _ in 0..4 {
        let with = |userinfo: &str| server.url().replace("rtsp://", &format!("rtsp://{userinfo}@"));
        let right = Running::start(rtsp("right", &with("cam:right-Horse"), Transport::Tcp));
        let wrong = Running::start(rtsp("wrong", &with("cam:wrong-Battery"), Transport::Udp));
        let nobody = Running::start(rtsp("nobody", &format!("rtsp://u:lost-Staple@{refused}/"), Transport::Auto));
        let path = clip.clone();
        let file = Running::start(camera("file", SourceSpec::File { path, pace: Pace::Fast, repeat: true }));
        right.ears.wait_for_frames(5);
        file.ears.wait_for_frames(65);
        wrong.ears.wait_for_state("a refusal", 0, |s| matches!(s, CameraState::AuthenticationFailed { .. }));
        nobody.ears.wait_for_state("a refusal", 1, |s| matches!(s, CameraState::Unreachable { .. }));
        for camera in [right, wrong, nobody, file] {
            camera.stop();
        }
        // The first round starts what GStreamer and glib keep for good: thread pools, resolvers, wake-up pipes.
        match rounds.first() {
            None => rounds.push(belongings()),
            Some(first) => wait_until_no_more_than(*first),
        }
    }

    let log = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(log.contains("127.0.0.1"), "nothing was logged, so nothing was tested");
    for secret in ["right-Horse", "wrong-Battery", "lost-Staple"] {
        let found = log.lines().find(|line| line.contains(secret));
        assert!(found.is_none(), "a password was logged: {found:?}");
    }
}
