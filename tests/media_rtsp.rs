//! Network cameras, against a real RTSP server: pixels, passwords, losses. Every clip is made on the spot.
#![cfg(feature = "media")]
#![allow(clippy::unwrap_used, reason = "a failed preparation fails the test")]
#![allow(clippy::disallowed_methods, reason = "tests measure how long things take and play the network's part")]

mod media_support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use flyball::media::{
    CameraEnd, CameraState, Credentials, FrameSink, Offer, RunningSampleCamera, SampleCamera, Transport, decode_file,
};
use flyball::scene::{Frame, TimeSource};
use media_support::{Ears, PATIENCE, Running, follows, h264_clip, picture_hash, rtsp};

/// Four slices a picture, SPS and PPS before each key frame: what breaks naive depayloading.
const SLICED: &str = "tune=zerolatency threads=4 sliced-threads=true key-int-max=10 speed-preset=ultrafast";
/// B-frames: pictures arrive in another order than they are shown.
const REORDERED: &str = "bframes=2 b-adapt=false key-int-max=15 threads=1 speed-preset=veryfast";

fn serve(clip: &Path, transport: Transport) -> RunningSampleCamera {
    let mut sample = SampleCamera::new(clip);
    sample.transport = transport;
    sample.start().unwrap()
}

fn reference(clip: &Path) -> Vec<u64> {
    let mut hashes = Vec::new();
    decode_file(clip, |frame| hashes.push(picture_hash(&frame.pixels))).unwrap();
    let mut unique = hashes.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), hashes.len(), "each picture of the clip must be unlike the others");
    hashes
}

/// Every picture must be, byte for byte, a picture of the clip. None may be missing either, unless datagrams were lost, or
/// this machine was so busy that the camera skipped pictures and said so by a gap in its numbers.
fn whole_and_in_order(camera: &Running, reference: &[u64], lossy: bool) {
    let (seen, numbers) = camera.ears.look(|heard| (heard.hashes.clone(), heard.sequences.clone()));
    let skipped = numbers.windows(2).any(|pair| pair[1] != pair[0] + 1);
    follows(&seen, reference, lossy || skipped).unwrap();
}

fn network_equals_file(clip: &Path, transport: Transport) {
    let reference = reference(clip);
    let server = serve(clip, transport);
    let camera = Running::start(rtsp("gate", &server.url(), transport));
    camera.ears.wait_for_frames(reference.len() + 15);
    whole_and_in_order(&camera, &reference, transport == Transport::Udp);
    assert!(matches!(camera.stop(), CameraEnd::Stopped));
}

#[test]
fn sliced_pictures_with_parameter_sets_in_band_arrive_whole_over_tcp() {
    let folder = tempfile::tempdir().unwrap();
    network_equals_file(&h264_clip(folder.path(), "sliced.mp4", 45, SLICED), Transport::Tcp);
}

#[test]
fn sliced_pictures_with_parameter_sets_in_band_arrive_whole_over_udp() {
    let folder = tempfile::tempdir().unwrap();
    network_equals_file(&h264_clip(folder.path(), "sliced.mp4", 45, SLICED), Transport::Udp);
}

#[test]
fn reordered_pictures_arrive_in_the_order_they_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    network_equals_file(&h264_clip(folder.path(), "reordered.mp4", 45, REORDERED), Transport::Tcp);
}

#[test]
fn a_server_without_tcp_is_reached_over_udp() {
    let folder = tempfile::tempdir().unwrap();
    let clip = h264_clip(folder.path(), "clip.mp4", 30, SLICED);
    let server = serve(&clip, Transport::Udp);
    let camera = Running::start(rtsp("gate", &server.url(), Transport::Auto));
    camera.ears.wait_for_frames(5);
    let live = camera.ears.wait_for_state("live", 0, |s| s == CameraState::Live);
    assert!(live.ends_with("over udp"), "{live}");
    camera.stop();
}

#[test]
fn the_right_password_opens_and_the_wrong_one_is_reported_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut sample = SampleCamera::new(h264_clip(folder.path(), "clip.mp4", 30, SLICED));
    sample.credentials = Some(Credentials::new("cam", "p@ss:w/rd"));
    let server = sample.start().unwrap();
    let with = |userinfo: &str| server.url().replace("rtsp://", &format!("rtsp://{userinfo}@"));

    let right = Running::start(rtsp("right", &with("cam:p%40ss%3Aw%2Frd"), Transport::Tcp));
    right.ears.wait_for_frames(5);
    right.stop();

    let begun = Instant::now();
    let wrong = Running::start(rtsp("wrong", &with("cam:hunter2"), Transport::Tcp));
    let refused = |s| matches!(s, CameraState::AuthenticationFailed { retry_in } if retry_in > Duration::from_secs(40));
    let detail = wrong.ears.wait_for_state("a refusal", 0, refused);
    assert!(begun.elapsed() < Duration::from_secs(10), "it took {:?}", begun.elapsed());
    assert!(!detail.contains("hunter2") && detail.contains("credentials"), "{detail}");
    assert!(matches!(wrong.stop(), CameraEnd::Stopped), "stopping does not wait for the long pause");
}

#[test]
fn a_refused_port_is_unreachable_and_tried_again() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let camera = Running::start(rtsp("gate", &format!("rtsp://{free}/x"), Transport::Tcp));
    let unreachable = |s| matches!(s, CameraState::Unreachable { .. });
    let detail = camera.ears.wait_for_state("a third failure", 2, unreachable);
    assert!(detail.contains(&free.to_string()), "{detail}");
    assert!(matches!(camera.stop(), CameraEnd::Stopped));
}

#[test]
fn a_path_that_does_not_exist_is_unusable() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(&h264_clip(folder.path(), "clip.mp4", 30, SLICED), Transport::Tcp);
    let url = server.url().replace("/sample", "/nothing");
    let camera = Running::start(rtsp("gate", &url, Transport::Tcp));
    let detail = camera.ears.wait_for_state("unusable", 0, |s| matches!(s, CameraState::Unusable { .. }));
    assert!(detail.contains("check the path"), "{detail}");
    camera.stop();
}

#[test]
fn a_silent_peer_runs_into_the_connect_limit() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut input = rtsp("gate", &format!("rtsp://{}/x", listener.local_addr().unwrap()), Transport::Tcp);
    input.limits.connect = Duration::from_millis(400);
    let camera = Running::start(input);
    let failed = |s| matches!(s, CameraState::Lost { .. } | CameraState::Unreachable { .. });
    camera.ears.wait_for_state("two failures", 1, failed);
    camera.stop();
}

#[test]
fn a_restarted_server_is_found_again_and_no_other_camera_notices() {
    let folder = tempfile::tempdir().unwrap();
    let clip = h264_clip(folder.path(), "clip.mp4", 60, SLICED);
    let reference = reference(&clip);
    let (steady, failing) = (serve(&clip, Transport::Tcp), serve(&clip, Transport::Tcp));
    let address = failing.address();
    let witness = Running::start(rtsp("witness", &steady.url(), Transport::Tcp));
    let victim = Running::start(rtsp("victim", &failing.url(), Transport::Tcp));
    let before = victim.ears.wait_for_frames(10).len();
    witness.ears.wait_for_frames(10);

    drop(failing);
    let lost = |s| matches!(s, CameraState::Lost { .. } | CameraState::Unreachable { .. });
    victim.ears.wait_for_state("the loss", 0, lost);
    let _again = serve_at(&clip, address);
    victim.ears.wait_for_state("its return", 1, |s| s == CameraState::Live);
    victim.ears.wait_for_frames(before + 30);

    whole_and_in_order(&witness, &reference, false);
    let numbers = victim.ears.look(|heard| heard.sequences.clone());
    assert!(numbers.iter().copied().eq(0..numbers.len() as u64), "numbers go on where they stopped");
    victim.stop();
    witness.stop();
}

/// Passes bytes between a viewer and a server until told to hold: sockets stay open, nothing moves any more.
fn hold_between(server: SocketAddr) -> (SocketAddr, Arc<AtomicBool>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, held) = (listener.local_addr().unwrap(), Arc::new(AtomicBool::new(false)));
    let hold = Arc::clone(&held);
    std::thread::spawn(move || {
        for viewer in listener.incoming().flatten() {
            let server = TcpStream::connect(server).unwrap();
            pump(viewer.try_clone().unwrap(), server.try_clone().unwrap(), Arc::clone(&hold));
            pump(server, viewer, Arc::clone(&hold));
        }
    });
    (address, held)
}

fn pump(mut from: TcpStream, mut to: TcpStream, held: Arc<AtomicBool>) {
    std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = from.read(&mut bytes) {
            while held.load(Ordering::Relaxed) {
                std::thread::yield_now();
            }
            if to.write_all(&bytes[..count]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(std::net::Shutdown::Both);
    });
}

#[test]
fn a_sender_that_falls_silent_with_its_socket_open_is_noticed_and_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(&h264_clip(folder.path(), "clip.mp4", 60, SLICED), Transport::Tcp);
    let (between, held) = hold_between(server.address());
    let mut input = rtsp("gate", &format!("rtsp://{between}/sample"), Transport::Tcp);
    input.limits.stall = Duration::from_millis(700);
    input.limits.connect = Duration::from_secs(2);
    let camera = Running::start(input);
    camera.ears.wait_for_frames(10);
    held.store(true, Ordering::Relaxed);
    let begun = Instant::now();
    let stalled = camera.ears.wait_for_state("a stall", 0, |s| s == CameraState::Stalled);
    assert!(begun.elapsed() < Duration::from_secs(3), "noticed only after {:?}", begun.elapsed());
    assert!(stalled.contains("700 ms"), "{stalled}");
    held.store(false, Ordering::Relaxed);
    camera.ears.wait_for_state("its return", 1, |s| s == CameraState::Live);
    camera.stop();
}

/// Takes the port of a server that has just gone; its last connections may hold the port for a moment.
fn serve_at(clip: &Path, listen: SocketAddr) -> RunningSampleCamera {
    let begun = Instant::now();
    loop {
        let sample = SampleCamera { listen, ..SampleCamera::new(clip) };
        match sample.start() {
            Ok(server) => return server,
            Err(error) => assert!(begun.elapsed() < PATIENCE, "{error}"),
        }
        std::thread::yield_now();
    }
}

/// Takes 120 ms for each frame, which a sink must not: stands for a machine that cannot decode at 30 frames a second.
struct Slow(Arc<Ears>);

impl FrameSink for Slow {
    fn offer(&self, frame: Frame) -> Offer {
        let _ = crossbeam_channel::never::<()>().recv_timeout(Duration::from_millis(120));
        self.0.offer(frame)
    }
}

#[test]
fn a_machine_that_does_not_keep_up_skips_to_key_frames_and_never_shows_a_broken_picture() {
    let folder = tempfile::tempdir().unwrap();
    let clip = h264_clip(folder.path(), "clip.mp4", 60, SLICED);
    let reference = reference(&clip);
    let server = serve(&clip, Transport::Tcp);
    let ears = Arc::new(Ears::default());
    let camera = Running::start_into(rtsp("gate", &server.url(), Transport::Tcp), Arc::new(Slow(ears.clone())));
    let skipped = |numbers: &[u64]| numbers.last().is_some_and(|last| *last > numbers.len() as u64 + 10);
    let seen = ears.wait("skipped pictures", |heard| skipped(&heard.sequences).then(|| heard.hashes.clone()));
    follows(&seen, &reference, true).unwrap();
    camera.stop();
}

#[test]
fn capture_times_come_from_sender_reports() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(&h264_clip(folder.path(), "clip.mp4", 60, SLICED), Transport::Tcp);
    let camera = Running::start(rtsp("gate", &server.url(), Transport::Tcp));
    let captured = camera.ears.wait("a sender report", |heard| {
        let captured = heard.last.as_ref()?.captured;
        (captured.source == TimeSource::RtcpSr).then_some(captured)
    });
    let age = captured.ingested.duration_since(captured.wall).unwrap_or_default();
    assert!(age < Duration::from_millis(1500), "captured {age:?} before it arrived");
    camera.stop();
}
