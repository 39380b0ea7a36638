//! What every row stands on: a server, a relay in front of it, the camera under test behind that, and a healthy camera beside
//! it that must not notice anything.

use std::convert::Infallible;
use std::hash::Hasher;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;
use flyball::media::{
    CameraEnd, CameraInput, CameraReports, CameraState, ClockReading, Credentials, FrameSink, Limits, Offer,
    RtspSource, SourceSpec, SystemClock, TlsTrust, Transport, decode_file, run_camera,
};
use flyball::scene::{CameraId, Capture, Frame, Size};

use super::peer::{PASSWORD, Peer, Serve, USER};
use super::relay::{Relay, pause};

/// Longest wait for anything; only a row that fails waits that long.
const PATIENCE: Duration = Duration::from_secs(40);

/// What a camera has shown and said.
#[derive(Default)]
pub struct Notes {
    pub frames: Vec<(Capture, Size)>,
    /// What each of them looked like.
    pub hashes: Vec<u64>,
    pub states: Vec<(CameraState, String)>,
    pub clock: Option<ClockReading>,
}

#[derive(Default)]
struct Ears(Mutex<Notes>);

impl FrameSink for Ears {
    fn offer(&self, frame: Frame) -> Offer {
        let hash = hash(&frame);
        let mut notes = self.0.lock().unwrap();
        notes.frames.push((frame.captured, frame.size()));
        notes.hashes.push(hash);
        Offer::Taken
    }
}

impl CameraReports for Ears {
    fn state(&self, camera: &CameraId, state: CameraState, detail: &str) {
        tracing::info!(%camera, ?state, detail);
        self.0.lock().unwrap().states.push((state, detail.to_owned()));
    }

    fn clock(&self, _: &CameraId, reading: ClockReading) {
        self.0.lock().unwrap().clock = Some(reading);
    }
}

/// A camera on a thread of its own.
pub struct Camera {
    ears: Arc<Ears>,
    stop: Option<Sender<Infallible>>,
    thread: Option<JoinHandle<CameraEnd>>,
}

impl Camera {
    /// Refusals are asked about again after two seconds instead of a minute; every other limit is the default.
    pub fn start(name: &str, url: &str, tls: TlsTrust, transport: Transport) -> Self {
        let mut source = RtspSource::parse(url).unwrap();
        source.credentials = Some(Credentials::new(USER, PASSWORD));
        (source.transport, source.tls) = (transport, tls);
        let mut input = CameraInput::new(CameraId::new(name).unwrap(), SourceSpec::Rtsp(source));
        let soon = Duration::from_secs(2);
        input.limits = Limits { retry_refused: soon, retry_absent: soon, ..Limits::default() };
        let ears = Arc::new(Ears::default());
        let (stop, stopped) = crossbeam_channel::bounded(0);
        let (sink, reports) = (Arc::clone(&ears), Arc::clone(&ears));
        let work = move || run_camera(input, sink, reports, &stopped, Arc::new(SystemClock));
        let thread = std::thread::Builder::new().name(format!("cam-{name}")).spawn(work).unwrap();
        Self { ears, stop: Some(stop), thread: Some(thread) }
    }

    pub fn look<T>(&self, look: impl FnOnce(&Notes) -> T) -> T {
        look(&self.ears.0.lock().unwrap())
    }

    /// Waits until `done` finds something.
    pub fn wait<T>(&self, done: impl Fn(&Notes) -> Option<T>) -> Option<T> {
        let begun = now();
        while begun.elapsed() < PATIENCE {
            if let Some(found) = self.look(&done) {
                return Some(found);
            }
            pause(Duration::from_millis(10));
        }
        None
    }

    pub fn wait_for_frames(&self, more: usize) -> bool {
        let before = self.look(|notes| notes.frames.len());
        self.wait(|notes| (notes.frames.len() >= before + more).then_some(())).is_some()
    }

    /// Waits for a state, and returns its words.
    pub fn wait_for(&self, fits: impl Fn(CameraState) -> bool) -> Option<String> {
        self.wait(|notes| notes.states.iter().find(|(state, _)| fits(*state)).map(|(_, words)| words.clone()))
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        self.stop = None;
        let _ended = self.thread.take().map(JoinHandle::join);
    }
}

/// Everything one row needs.
pub struct Bench {
    pub serve: Serve,
    pub peer: Peer,
    pub relay: Relay,
    pub camera: Option<Camera>,
    well: Option<Instant>,
}

impl Bench {
    /// A server and a relay; no camera yet.
    pub fn new(serve: &Serve) -> Self {
        let peer = serve.start();
        let relay = Relay::to(peer.address);
        Self { serve: serve.at(peer.address.port()), peer, relay, camera: None, well: None }
    }

    /// The camera begins to watch.
    pub fn watch(&mut self, transport: Transport) {
        let url = format!("rtsp://{}/sample", self.relay.address);
        self.camera = Some(Camera::start("tested", &url, TlsTrust::System, transport));
    }

    /// The camera watches, and all is well so far.
    pub fn live(serve: &Serve, transport: Transport) -> Self {
        let mut bench = Self::new(serve);
        bench.watch(transport);
        assert!(bench.camera().wait_for_frames(15), "the camera did not even begin: {:?}", bench.states());
        bench
    }

    pub fn camera(&self) -> &Camera {
        self.camera.as_ref().unwrap()
    }

    pub fn states(&self) -> Vec<(CameraState, String)> {
        self.camera().look(|notes| notes.states.clone())
    }

    /// A server again on the same port, with what `serve` says.
    pub fn restart(&mut self, serve: &Serve) {
        self.peer.kill();
        self.peer = serve.at(self.peer.address.port()).start();
    }

    /// From now on the peer is well; recovery is measured from here.
    pub fn is_well(&mut self) {
        self.well = Some(now());
    }

    /// Seconds from when the peer was well until the first of five new pictures.
    pub fn recovery(&self) -> Option<f64> {
        let well = self.well.unwrap();
        let at = self.camera().wait(|notes| {
            let since = notes.frames.iter().map(|frame| frame.0.arrived).filter(|at| *at > well);
            let since: Vec<_> = since.take(5).collect();
            (since.len() == 5).then(|| since[0])
        })?;
        Some((at - well).as_secs_f64())
    }
}

/// Pictures of the clip missing among those seen from `from` on, when it is played over and over; a picture that is none of
/// the clip's counts as missing too.
pub fn lost(notes: &Notes, from: usize, clip: &[u64]) -> usize {
    let places = notes.hashes[from.min(notes.hashes.len())..].iter().map(|hash| clip.iter().position(|h| h == hash));
    let (mut lost, mut next) = (0, None);
    for place in places {
        lost += match (place, next) {
            (Some(place), Some(next)) => (place + clip.len() - next) % clip.len(),
            (None, _) => 1,
            (Some(_), None) => 0,
        };
        next = place.map_or(next.map(|next| next + 1), |place| Some(place + 1)).map(|next| next % clip.len());
    }
    lost
}

/// What each picture of a clip looks like. No two may look alike, or none could be missed.
pub fn pictures(clip: &Path) -> Vec<u64> {
    let mut hashes = Vec::new();
    decode_file(clip, |frame| hashes.push(hash(&frame))).unwrap();
    let mut unlike = hashes.clone();
    unlike.sort_unstable();
    unlike.dedup();
    assert_eq!(unlike.len(), hashes.len(), "two pictures of the clip look alike");
    hashes
}

fn hash(frame: &Frame) -> u64 {
    let (luma, stride) = frame.pixels.plane(0);
    let size = frame.size();
    let mut hasher = std::hash::DefaultHasher::new();
    (0..size.h as usize).for_each(|y| hasher.write(&luma[y * stride..y * stride + size.w as usize]));
    hasher.finish()
}

/// A clip or a stream made on the spot.
pub fn make(folder: &Path, name: &str, line: &str) -> PathBuf {
    use gstreamer::prelude::*;
    let path = folder.join(name);
    let pipeline = gstreamer::parse::launch(&format!("{line} ! filesink location={}", path.display())).unwrap();
    pipeline.set_state(gstreamer::State::Playing).unwrap();
    let kinds = [gstreamer::MessageType::Eos, gstreamer::MessageType::Error];
    let message = pipeline.bus().unwrap().timed_pop_filtered(gstreamer::ClockTime::from_seconds(60), &kinds).unwrap();
    assert_eq!(message.type_(), gstreamer::MessageType::Eos, "{line}: {message:?}");
    pipeline.set_state(gstreamer::State::Null).unwrap();
    path
}

#[allow(clippy::disallowed_methods, reason = "recovery is measured with the clock")]
pub fn now() -> Instant {
    Instant::now()
}
