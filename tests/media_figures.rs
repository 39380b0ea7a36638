//! Figures, not verdicts: `make bench-glass`, or `cargo test --test media_figures -- --ignored --nocapture`, on a quiet machine.
#![cfg(feature = "media")]
#![allow(clippy::print_stderr, reason = "what is skipped or measured is said aloud")]
#![allow(clippy::unwrap_used, reason = "a failed preparation fails the test")]
#![allow(clippy::disallowed_methods, reason = "this measures time")]

mod media_support;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use flyball::media::{FrameSink, Offer, Transport, decode_file};
use flyball::memory::{MemoryMeter, ProcessMeter};
use flyball::scene::{Frame, TimeSource};
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_rtsp_server as gst_rtsp_server;
use gstreamer_rtsp_server::prelude::*;
use media_support::{Running, rtsp, visible_bytes};

const WIDTH: usize = 1280;
const SIDE: usize = 16;
const BITS: usize = 40;
const FPS: u64 = 15;

fn mosaic() -> Option<PathBuf> {
    let clip = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("samples/footage/mosaic4_720p.mp4");
    if !clip.exists() {
        eprintln!("SKIPPED: {} is not there; run `make demo` once", clip.display());
        return None;
    }
    Some(clip)
}

fn cpu() -> Duration {
    let clock = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = clock.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

#[test]
#[ignore = "a measurement"]
fn cpu_per_decoded_frame() {
    let Some(clip) = mosaic() else { return };
    for round in 0..3 {
        let (before, begun) = (cpu(), Instant::now());
        let summary = decode_file(&clip, drop).unwrap();
        let each = |d: Duration| d.as_secs_f64() * 1e3 / summary.frames as f64;
        let (busy, wall) = (each(cpu().checked_sub(before).unwrap()), each(begun.elapsed()));
        eprintln!(
            "round {round}: {} frames by {}, {busy:.2} ms CPU and {wall:.2} ms wall each",
            summary.frames, summary.decoder
        );
    }
}

/// Writes the microseconds since `epoch` into the upper rows, one square a bit.
fn stamp(luma: &mut [u8], micros: u64) {
    for bit in 0..BITS {
        let level = if micros >> bit & 1 == 1 { 235 } else { 16 };
        for y in 0..SIDE {
            let at = y * WIDTH + bit * SIDE;
            luma[at..at + SIDE].fill(level);
        }
    }
}

fn read_stamp(frame: &Frame) -> u64 {
    let (luma, stride) = frame.pixels.plane(0);
    let middle = |bit: usize| luma[SIDE / 2 * stride + bit * SIDE + SIDE / 2];
    (0..BITS).map(|bit| u64::from(middle(bit) > 125) << bit).sum()
}

/// A live 720p server that stamps each picture before it is encoded.
fn stamping_server(pictures: Vec<Vec<u8>>, epoch: Instant) -> (gst_rtsp_server::glib::MainLoop, u16) {
    let factory = gst_rtsp_server::RTSPMediaFactory::new();
    factory.set_launch(
        "( appsrc name=feed is-live=true do-timestamp=true format=time ! x264enc tune=zerolatency speed-preset=ultrafast \
         bitrate=3000 key-int-max=30 ! rtph264pay name=pay0 config-interval=-1 )",
    );
    factory.set_shared(true);
    let pictures = Arc::new(pictures);
    factory.connect_media_configure(move |_, media| {
        let feed = media.element().downcast::<gst::Bin>().unwrap().by_name("feed").unwrap();
        let feed = feed.downcast::<gst_app::AppSrc>().unwrap();
        let caps = format!("video/x-raw,format=I420,width=1280,height=720,framerate={FPS}/1");
        feed.set_caps(Some(&caps.parse::<gst::Caps>().unwrap()));
        let pictures = Arc::clone(&pictures);
        std::thread::spawn(move || {
            let tick = crossbeam_channel::tick(Duration::from_millis(1000 / FPS));
            for picture in pictures.iter().cycle() {
                tick.recv().unwrap();
                let mut bytes = picture.clone();
                stamp(&mut bytes, epoch.elapsed().as_micros() as u64);
                if feed.push_buffer(gst::Buffer::from_mut_slice(bytes)).is_err() {
                    break;
                }
            }
        });
    });
    let server = gst_rtsp_server::RTSPServer::new();
    server.set_service("0");
    server.mount_points().unwrap().add_factory("/sample", factory);
    let context = gst_rtsp_server::glib::MainContext::new();
    server.attach(Some(&context)).unwrap();
    let main_loop = gst_rtsp_server::glib::MainLoop::new(Some(&context), false);
    let runs = main_loop.clone();
    let port = server.bound_port() as u16;
    std::thread::spawn(move || {
        let _server = server;
        runs.run();
    });
    (main_loop, port)
}

/// Milliseconds, each frame's: from its stamp to us; and by how much its capture time misses its stamp, where the sender has
/// reported.
struct Latencies {
    epoch: (Instant, SystemTime),
    late: Mutex<Vec<f64>>,
    off: Mutex<Vec<f64>>,
    frames: AtomicU64,
}

impl FrameSink for Latencies {
    fn offer(&self, frame: Frame) -> Offer {
        let (now, stamp) = (self.epoch.0.elapsed().as_micros() as u64, read_stamp(&frame));
        self.late.lock().unwrap().push(now.saturating_sub(stamp) as f64 / 1e3);
        if frame.captured.source == TimeSource::RtcpSr {
            let (taken, told) = (self.epoch.1 + Duration::from_micros(stamp), frame.captured.wall);
            let off = told.duration_since(taken).unwrap_or_else(|error| error.duration());
            self.off.lock().unwrap().push(off.as_secs_f64() * 1e3);
        }
        self.frames.fetch_add(1, Ordering::Relaxed);
        Offer::Taken
    }
}

fn at(sorted: &[f64], share: f64) -> f64 {
    sorted.get((sorted.len() as f64 * share) as usize).copied().unwrap_or(f64::NAN)
}

#[test]
#[ignore = "a measurement"]
fn glass_to_callback_latency_at_720p15() {
    let Some(clip) = mosaic() else { return };
    let mut pictures = Vec::new();
    decode_file(&clip, |frame| {
        if pictures.len() < 45 {
            pictures.push(visible_bytes(&frame.pixels));
        }
    })
    .unwrap();
    let epoch = (Instant::now(), SystemTime::now());
    let (main_loop, port) = stamping_server(pictures, epoch.0);
    for transport in [Transport::Tcp, Transport::Udp] {
        let ears =
            Arc::new(Latencies { epoch, late: Mutex::default(), off: Mutex::default(), frames: AtomicU64::new(0) });
        let camera =
            Running::start_into(rtsp("gate", &format!("rtsp://127.0.0.1:{port}/sample"), transport), ears.clone());
        while ears.frames.load(Ordering::Relaxed) < 15 * 12 {
            std::thread::park_timeout(Duration::from_millis(20));
        }
        camera.stop();
        let (mut late, mut off) =
            (ears.late.lock().unwrap().split_off(15), std::mem::take(&mut *ears.off.lock().unwrap()));
        late.sort_by(f64::total_cmp);
        off.sort_by(f64::total_cmp);
        let [p50, p95, p99] = [0.5, 0.95, 0.99].map(|share| at(&late, share));
        eprintln!(
            "{transport:?}: glass to callback p50 {p50:.1} ms, p95 {p95:.1} ms, p99 {p99:.1} ms of {}",
            late.len()
        );
        let [p50, p95, most] = [0.5, 0.95, 0.999].map(|share| at(&off, share));
        eprintln!(
            "{transport:?}: capture time off by p50 {p50:.2} ms, p95 {p95:.2} ms, at most {most:.2} ms of {}",
            off.len()
        );
    }
    main_loop.quit();
}

#[test]
#[ignore = "a measurement"]
fn memory_per_further_720p_camera() {
    let Some(clip) = mosaic() else { return };
    let source =
        || flyball::media::SourceSpec::File { path: clip.clone(), pace: flyball::media::Pace::Realtime, repeat: true };
    let mut cameras = Vec::new();
    let mut figures = Vec::new();
    for count in 1..=6 {
        let camera = Running::start(media_support::camera(&format!("c{count}"), source()));
        camera.ears.wait_for_frames(15);
        cameras.push(camera);
        for camera in &cameras {
            camera.ears.wait_for_frames(camera.ears.look(|h| h.hashes.len()) + 10);
        }
        figures.push(ProcessMeter.read().unwrap().ours >> 20);
    }
    eprintln!("resident MiB with 1 to 6 cameras: {figures:?}");
}
