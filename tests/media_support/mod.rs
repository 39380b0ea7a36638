//! What the media tests share: clips made on the spot, pictures as hashes, and ears for frames and states.
#![allow(missing_docs, clippy::unwrap_used, reason = "test support: read it where it is used")]
#![allow(clippy::missing_panics_doc, clippy::must_use_candidate, reason = "idem")]
#![allow(clippy::disallowed_methods, reason = "waiting with a deadline needs the clock")]
#![allow(dead_code, reason = "each test binary uses its own part of this")]
#![allow(unreachable_pub, reason = "shared by including the file")]

use std::collections::hash_map::DefaultHasher;
use std::convert::Infallible;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;
use flyball::media::{
    CameraEnd, CameraInput, CameraReports, CameraState, FrameSink, Limits, MediaError, Offer, RtspSource, SourceSpec,
    Summary, SystemClock, Transport, decode_file, run_camera,
};
use flyball::memory::Pixels;
use flyball::scene::{CameraId, Frame};
use gstreamer as gst;
use gstreamer::prelude::*;

/// Longest wait for anything; only a failing test waits that long.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// A picture that differs from frame to frame in every part.
pub const MOVING: &str = "pattern=zone-plate kx2=20 ky2=20 kt=7";

/// Runs a pipeline that writes `file` to its end.
pub fn make_clip(folder: &Path, name: &str, pipeline: &str) -> PathBuf {
    gst::init().unwrap();
    let path = folder.join(name);
    let line = format!("{pipeline} ! filesink location={}", path.display());
    let pipeline = gst::parse::launch(&line).unwrap_or_else(|e| panic!("{line}: {e}"));
    pipeline.set_state(gst::State::Playing).unwrap();
    let bus = pipeline.bus().unwrap();
    let kinds = [gst::MessageType::Eos, gst::MessageType::Error];
    let message = bus.timed_pop_filtered(gst::ClockTime::from_seconds(60), &kinds).expect("the clip is made in time");
    if let gst::MessageView::Error(error) = message.view() {
        panic!("{line}: {} {:?}", error.error(), error.debug());
    }
    pipeline.set_state(gst::State::Null).unwrap();
    path
}

/// A clip of `frames` moving pictures, H.264 in MP4, `encoder` as given.
pub fn h264_clip(folder: &Path, name: &str, frames: u32, encoder: &str) -> PathBuf {
    let caps = "video/x-raw,format=I420,width=320,height=240,framerate=30/1";
    let line = format!("videotestsrc num-buffers={frames} {MOVING} ! {caps} ! x264enc {encoder} ! h264parse ! mp4mux");
    make_clip(folder, name, &line)
}

/// Six moving pictures as they come from the sensor.
pub fn raw(format: &str, w: u32, h: u32) -> String {
    format!("videotestsrc num-buffers=6 {MOVING} ! video/x-raw,format={format},width={w},height={h},framerate=30/1")
}

/// Every frame of a file, and the summary.
pub fn decode(path: &Path) -> Result<(Vec<Frame>, Summary), MediaError> {
    let mut frames = Vec::new();
    let summary = decode_file(path, |frame| frames.push(frame))?;
    Ok((frames, summary))
}

/// A hash of what is visible: planes row by row, padding left out.
pub fn picture_hash(pixels: &Pixels) -> u64 {
    let mut hasher = DefaultHasher::new();
    (pixels.size().w, pixels.size().h).hash(&mut hasher);
    visible_bytes(pixels).hash(&mut hasher);
    hasher.finish()
}

/// The planes as one tightly packed vector: what `ffmpeg -f rawvideo` writes.
pub fn visible_bytes(pixels: &Pixels) -> Vec<u8> {
    let mut bytes = Vec::new();
    for plane in 0..pixels.format().planes() {
        let (data, stride) = pixels.plane(plane);
        let (row, rows) = pixels.format().plane_extent(plane, pixels.size());
        (0..rows).for_each(|y| bytes.extend_from_slice(&data[y * stride..y * stride + row]));
    }
    bytes
}

/// Remembers what frames looked like, the last frame itself and all states, and lets a test wait for them.
#[derive(Default)]
pub struct Ears {
    heard: Mutex<Heard>,
    news: Condvar,
}

#[derive(Default)]
pub struct Heard {
    pub hashes: Vec<u64>,
    pub sequences: Vec<u64>,
    pub last: Option<Frame>,
    pub states: Vec<(CameraState, String)>,
    pub arrivals: Vec<Instant>,
}

impl FrameSink for Ears {
    fn offer(&self, frame: Frame) -> Offer {
        let hash = picture_hash(&frame.pixels);
        let mut heard = self.heard.lock().unwrap();
        heard.hashes.push(hash);
        heard.sequences.push(frame.sequence);
        heard.arrivals.push(frame.captured.arrived);
        heard.last = Some(frame);
        self.news.notify_all();
        Offer::Taken
    }
}

impl CameraReports for Ears {
    fn state(&self, _: &CameraId, state: CameraState, detail: &str) {
        self.heard.lock().unwrap().states.push((state, detail.to_owned()));
        self.news.notify_all();
    }
}

impl Ears {
    /// Waits until `done`; fails loudly with everything heard when it never is.
    pub fn wait<T>(&self, what: &str, mut done: impl FnMut(&Heard) -> Option<T>) -> T {
        let mut heard = self.heard.lock().unwrap();
        let begun = Instant::now();
        loop {
            if let Some(found) = done(&heard) {
                return found;
            }
            let left = PATIENCE.saturating_sub(begun.elapsed());
            assert!(
                !left.is_zero(),
                "waited in vain for {what}; {} frames, last states {:?}",
                heard.hashes.len(),
                &heard.states[heard.states.len().saturating_sub(4)..]
            );
            heard = self.news.wait_timeout(heard, left).unwrap().0;
        }
    }

    /// Waits for this many frames in all.
    pub fn wait_for_frames(&self, count: usize) -> Vec<u64> {
        self.wait(&format!("{count} frames"), |h| (h.hashes.len() >= count).then(|| h.hashes.clone()))
    }

    /// Waits for the `nth` state (from 0) that fits.
    pub fn wait_for_state(&self, what: &str, nth: usize, fits: impl Fn(CameraState) -> bool) -> String {
        self.wait(what, |h| h.states.iter().filter(|s| fits(s.0)).nth(nth).map(|s| s.1.clone()))
    }

    /// Looks at everything heard so far.
    pub fn look<T>(&self, look: impl FnOnce(&Heard) -> T) -> T {
        look(&self.heard.lock().unwrap())
    }
}

/// A camera on its own thread, as the program runs it.
pub struct Running {
    pub ears: Arc<Ears>,
    stop: Option<Sender<Infallible>>,
    thread: Option<JoinHandle<CameraEnd>>,
}

impl Running {
    pub fn start(input: CameraInput) -> Self {
        let ears = Arc::new(Ears::default());
        Self::run(input, ears.clone(), ears)
    }

    /// With a sink of the test's own.
    pub fn start_into(input: CameraInput, sink: Arc<dyn FrameSink>) -> Self {
        Self::run(input, sink, Arc::default())
    }

    fn run(input: CameraInput, sink: Arc<dyn FrameSink>, ears: Arc<Ears>) -> Self {
        let (stop, stopped) = crossbeam_channel::bounded(0);
        let reports = ears.clone();
        let run = move || run_camera(input, sink, reports, &stopped, Arc::new(SystemClock));
        let thread = std::thread::Builder::new().name("test-camera".to_owned()).spawn(run).unwrap();
        Self { ears, stop: Some(stop), thread: Some(thread) }
    }

    /// Tells it to stop and returns how it ended.
    pub fn stop(mut self) -> CameraEnd {
        self.stop = None;
        self.thread.take().unwrap().join().expect("the camera did not panic")
    }

    /// Waits for its own end.
    pub fn join(mut self) -> CameraEnd {
        self.thread.take().unwrap().join().expect("the camera did not panic")
    }
}

pub fn camera(name: &str, source: SourceSpec) -> CameraInput {
    CameraInput::new(CameraId::new(name).unwrap(), source)
}

/// An RTSP camera with short pauses, so that tests are quick.
pub fn rtsp(name: &str, url: &str, transport: Transport) -> CameraInput {
    let mut source = RtspSource::parse(url).unwrap();
    source.transport = transport;
    let mut input = camera(name, SourceSpec::Rtsp(source));
    input.limits =
        Limits { retry_min: Duration::from_millis(50), retry_max: Duration::from_millis(200), ..Limits::default() };
    input
}

/// Whether `seen` runs through `reference` in order, over and over, from anywhere. `lossy`: pictures may be missing, none
/// may be broken. Says where it breaks.
pub fn follows(seen: &[u64], reference: &[u64], lossy: bool) -> Result<(), String> {
    let place = |hash: &u64| reference.iter().position(|r| r == hash);
    let mut expected = None;
    for (i, hash) in seen.iter().enumerate() {
        let at = place(hash).ok_or(format!("frame {i} is no picture of the clip"))?;
        if !lossy && expected.is_some_and(|e| e != at) {
            return Err(format!("frame {i} is picture {at}, not {expected:?}"));
        }
        expected = Some((at + 1) % reference.len());
    }
    Ok(())
}
