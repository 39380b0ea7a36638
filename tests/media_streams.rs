//! HLS, SRT, RTMP and devices, against real peers on loopback: pictures compared, losses survived, refusals clear. Every clip is
//! made on the spot.
#![cfg(feature = "media")]
#![allow(clippy::print_stderr, reason = "what is skipped is said aloud")]
#![allow(clippy::unwrap_used, reason = "a failed preparation fails the test")]
#![allow(clippy::disallowed_methods, reason = "tests play the other end, on threads of its own")]

mod media_support;

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flyball::media::{CameraEnd, CameraInput, CameraState, SourceSpec, StreamSource, decode_file};
use gstreamer as gst;
use gstreamer::prelude::*;
use media_support::{MOVING, Running, camera, follows, h264_clip, make_clip, picture_hash};

const ENCODER: &str = "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=15 threads=1";

fn stream(name: &str, address: &str, secret: Option<&str>) -> CameraInput {
    let source = StreamSource::parse(address, secret.map(str::to_owned)).unwrap();
    let mut input = camera(name, SourceSpec::Stream(source));
    input.limits.retry_min = Duration::from_millis(50);
    input.limits.retry_max = Duration::from_millis(200);
    input
}

fn reference(clip: &Path) -> Vec<u64> {
    let mut hashes = Vec::new();
    decode_file(clip, |frame| hashes.push(picture_hash(&frame.pixels))).unwrap();
    hashes
}

/// Serves the files of a folder, one request a connection.
fn serve_folder(folder: PathBuf) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let mut request = [0; 4096];
            let length = client.read(&mut request).unwrap_or(0);
            let request = String::from_utf8_lossy(&request[..length]).into_owned();
            let path = request.split_whitespace().nth(1).unwrap_or("/").trim_start_matches('/').to_owned();
            let path = path.split('?').next().unwrap_or_default().to_owned();
            let (status, body) =
                fs::read(folder.join(path)).map_or(("404 Not Found", Vec::new()), |body| ("200 OK", body));
            let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            let _gone = client.write_all(head.as_bytes()).and_then(|()| client.write_all(&body));
        }
    });
    address
}

#[test]
fn a_playlist_of_segments_shows_every_picture_and_is_asked_for_again_at_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let clip = h264_clip(folder.path(), "clip.mp4", 90, "tune=zerolatency key-int-max=30 threads=1");
    let place = folder.path().display();
    let line = format!(
        "filesrc location={place}/clip.mp4 ! qtdemux ! h264parse ! hlssink2 target-duration=1 max-files=0 playlist-length=0 \
         location={place}/s%03d.ts playlist-location={place}/live.m3u8"
    );
    play_to_end(&line);
    let address = serve_folder(folder.path().to_owned());
    let shown = Running::start(stream("hls", &format!("http://{address}/live.m3u8?token=hunter2"), None));
    let seen = shown.ears.wait_for_frames(90);
    follows(&seen[..90], &reference(&clip), false).unwrap();
    let live = shown.ears.wait_for_state("live", 0, |s| s == CameraState::Live);
    assert!(live.ends_with("over hls"), "{live}");
    let lost = shown.ears.wait_for_state("its end", 0, |s| matches!(s, CameraState::Lost { .. }));
    assert!(lost.contains("ended the stream") && !lost.contains("hunter2"), "{lost}");
    shown.ears.wait_for_state("its return", 1, |s| s == CameraState::Live);
    assert!(matches!(shown.stop(), CameraEnd::Stopped));

    let missing = Running::start(stream("hls", &format!("http://{address}/none.m3u8"), None));
    let why = missing.ears.wait_for_state("a refusal", 0, |s| matches!(s, CameraState::Unusable { .. }));
    assert!(why.contains("no such stream"), "{why}");
    missing.stop();
}

fn play_to_end(line: &str) {
    gst::init().unwrap();
    let pipeline = gst::parse::launch(line).unwrap_or_else(|e| panic!("{line}: {e}"));
    pipeline.set_state(gst::State::Playing).unwrap();
    let kinds = [gst::MessageType::Eos, gst::MessageType::Error];
    let message = pipeline.bus().unwrap().timed_pop_filtered(gst::ClockTime::from_seconds(60), &kinds).unwrap();
    assert_eq!(message.type_(), gst::MessageType::Eos, "{line}: {message:?}");
    pipeline.set_state(gst::State::Null).unwrap();
}

/// A pipeline that runs until it is dropped.
struct Sender(gst::Pipeline);

impl Sender {
    fn start(line: &str) -> Self {
        gst::init().unwrap();
        let pipeline = gst::parse::launch(line).unwrap_or_else(|e| panic!("{line}: {e}"));
        let pipeline = pipeline.downcast::<gst::Pipeline>().unwrap();
        pipeline.set_state(gst::State::Playing).unwrap();
        Self(pipeline)
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        let _gone = self.0.set_state(gst::State::Null);
    }
}

/// Pictures as they come from the sensor, at the pace of a camera; their order repeats with `frames`.
fn live_line(rest: &str) -> String {
    format!(
        "videotestsrc is-live=true {MOVING} ! video/x-raw,format=I420,width=320,height=240,framerate=30/1 ! {ENCODER} ! \
         h264parse config-interval=-1 ! {rest}"
    )
}

fn free_udp_port() -> u16 {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn srt_is_shown_with_its_passphrase_and_found_again_when_its_sender_returns() {
    let folder = tempfile::tempdir().unwrap();
    let line = format!(
        "videotestsrc num-buffers=600 {MOVING} ! video/x-raw,format=I420,width=320,height=240,framerate=30/1 ! {ENCODER} ! \
         h264parse ! mp4mux"
    );
    let pictures = reference(&make_clip(folder.path(), "clip.mp4", &line));
    let port = free_udp_port();
    let sink = format!(
        "mpegtsmux alignment=7 ! srtsink uri=srt://127.0.0.1:{port}?mode=listener passphrase=hunter2hunter2 \
         pbkeylen=16 wait-for-connection=false"
    );
    let sender = Sender::start(&live_line(&sink));
    let shown = Running::start(stream("srt", &format!("srt://127.0.0.1:{port}"), Some("hunter2hunter2")));
    let seen = shown.ears.wait_for_frames(20);
    follows(&seen, &pictures, true).unwrap();
    let live = shown.ears.wait_for_state("live", 0, |s| s == CameraState::Live);
    assert!(live.ends_with("over srt"), "{live}");
    drop(sender);
    shown.ears.wait_for_state("its loss", 0, |s| {
        matches!(s, CameraState::Lost { .. } | CameraState::Stalled | CameraState::Unreachable { .. })
    });
    let _again = Sender::start(&live_line(&sink));
    shown.ears.wait_for_state("its return", 1, |s| s == CameraState::Live);
    assert!(shown.ears.look(|h| h.states.iter().all(|(_, words)| !words.contains("hunter2"))));
    shown.stop();
}

/// ffmpeg serves one viewer and ends; here another takes its place until this is dropped.
struct OneAfterAnother {
    child: Arc<Mutex<Option<Child>>>,
    goes_on: Arc<AtomicBool>,
}

impl OneAfterAnother {
    fn serve(clip: &Path, address: &str) -> Self {
        let (child, goes_on) = (Arc::new(Mutex::new(None)), Arc::new(AtomicBool::new(true)));
        let (served, wanted, clip, address) =
            (Arc::clone(&child), Arc::clone(&goes_on), clip.to_owned(), address.to_owned());
        std::thread::spawn(move || {
            while wanted.load(Ordering::Relaxed) {
                let mut served = served.lock().unwrap();
                let is_over = served.as_mut().is_none_or(|child: &mut Child| !matches!(child.try_wait(), Ok(None)));
                if is_over && wanted.load(Ordering::Relaxed) {
                    *served = Some(one_viewer(&clip, &address));
                }
                drop(served);
                std::thread::park_timeout(Duration::from_millis(20));
            }
        });
        Self { child, goes_on }
    }
}

fn one_viewer(clip: &Path, address: &str) -> Child {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-re", "-i"]).arg(clip).args(["-c", "copy", "-f", "flv", "-listen", "1", address]);
    command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

impl Drop for OneAfterAnother {
    fn drop(&mut self) {
        self.goes_on.store(false, Ordering::Relaxed);
        if let Some(child) = self.child.lock().unwrap().as_mut() {
            let _gone = (child.kill(), child.wait());
        }
    }
}

/// ffmpeg's server numbers its stream 0, which is against the rules and common: the second element takes it.
#[test]
fn rtmp_is_shown_also_from_a_server_that_numbers_its_stream_wrongly() {
    if Command::new("ffmpeg").arg("-version").stdout(Stdio::null()).status().is_err() {
        eprintln!("SKIPPED: there is no ffmpeg to serve RTMP");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let clip = h264_clip(folder.path(), "clip.mp4", 450, "tune=zerolatency key-int-max=15 threads=1");
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = format!("rtmp://127.0.0.1:{port}/live/hunter2");
    let _server = OneAfterAnother::serve(&clip, &address);
    let mut input = stream("rtmp", &address, None);
    input.limits.connect = Duration::from_secs(3);
    let shown = Running::start(input);
    let seen = shown.ears.wait_for_frames(20);
    follows(&seen, &reference(&clip), true).unwrap();
    let live = shown.ears.wait_for_state("live", 0, |s| s == CameraState::Live);
    assert!(live.ends_with("over rtmp"), "{live}");
    assert!(shown.ears.look(|h| h.states.iter().all(|(_, words)| !words.contains("hunter2"))));
    shown.stop();
}

#[test]
fn what_is_not_there_is_told_and_called_again() {
    let (tcp, udp) = (TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port(), free_udp_port());
    let nobody = [
        format!("http://127.0.0.1:{tcp}/live.m3u8"),
        format!("srt://127.0.0.1:{udp}"),
        format!("rtmp://127.0.0.1:{tcp}/live/key"),
    ];
    for address in &nobody {
        told_and_called_again(address);
    }
}

fn told_and_called_again(address: &str) {
    let mut input = stream("gone", address, None);
    input.limits.connect = Duration::from_secs(2);
    let gone = Running::start(input);
    let failed = |s| matches!(s, CameraState::Unreachable { .. } | CameraState::Lost { .. });
    let why = gone.ears.wait_for_state("a second failure", 1, failed);
    assert!(why.contains(address.trim_end_matches("key")), "{address}: {why}");
    assert!(matches!(gone.stop(), CameraEnd::Stopped), "{address}");
}

#[test]
fn a_device_that_is_not_there_is_waited_for_and_a_missing_plugin_names_its_package() {
    gst::init().unwrap();
    told_and_called_again("/dev/video-none");
    // `v4l2src` is nobody else's in this program.
    let registry = gst::Registry::get();
    if let Some(feature) = registry.lookup_feature("v4l2src") {
        registry.remove_feature(&feature);
    }
    let ended = Running::start(stream("device", "/dev/null", None)).join();
    let CameraEnd::Failed(problem) = ended else { panic!("{ended:?}") };
    let wanted = "GStreamer's `v4l2src` is missing: install it with `apt-get install gstreamer1.0-plugins-good`";
    assert_eq!(problem.to_string(), wanted);
}
