//! Files, from their first picture to their last: paced or fast, once or over and over. A repeated file gets a fresh
//! pipeline each round: that works for every container, leaks nothing and costs some milliseconds. A file that shows nothing
//! in time is begun anew, as a network camera is.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};

use super::backoff::Backoff;
use super::chain::{self, Delivery, FileClock, Note, Session, Stamping};
use super::ingest::Surroundings;
use super::{
    CameraEnd, CameraInput, CameraState, Clock, DEFAULT_MAX_PIXELS, DecoderChoice, FrameSink, Limits, MediaError,
    Offer, Pace, SystemClock, raw_file, y4m::is_y4m,
};
use crate::scene::{CameraId, Frame};

/// Decoded frames that may wait for a visitor: enough for both to work at the same time, few enough for 8K pictures.
const FRAMES_AHEAD: usize = 2;

/// Pictures may end this much before the file says, because its sound is longer.
const CUT_SHORT: Duration = Duration::from_secs(1);

/// Patience for a first picture doubles with each attempt that ran out of it, this many times: a machine that is merely slow
/// gets there, and a file that never begins is asked ever more rarely.
const MOST_DOUBLINGS: u32 = 10;

/// Attempts of [`decode_file`] to begin a file.
const STARTS: u32 = 3;

/// Plays a file as a camera.
pub(super) fn play(input: &CameraInput, path: &Path, pace: Pace, repeat: bool, around: &Surroundings<'_>) -> CameraEnd {
    let mut player = Player {
        input,
        path,
        pace,
        around,
        decoder: input.decoder,
        sequence: Arc::default(),
        played: Duration::ZERO,
        slow_starts: 0,
        backoff: Backoff::new(input.limits, &input.camera),
    };
    loop {
        match player.round() {
            Ok(None) if repeat => player.began(),
            Ok(None) => return CameraEnd::Ended,
            Ok(Some(end)) => return end,
            Err(error) if player.may_fall_back(&error) => player.decoder = DecoderChoice::Software,
            Err(error @ MediaError::TooSlow { .. }) => match player.rest(&error) {
                Some(end) => return end,
                None => player.slow_starts += 1,
            },
            Err(error) => return CameraEnd::Failed(error),
        }
    }
}

struct Player<'a> {
    input: &'a CameraInput,
    path: &'a Path,
    pace: Pace,
    around: &'a Surroundings<'a>,
    decoder: DecoderChoice,
    sequence: Arc<AtomicU64>,
    /// What earlier rounds have shown.
    played: Duration,
    /// Attempts in a row that showed nothing in time.
    slow_starts: u32,
    backoff: Backoff,
}

impl Player<'_> {
    /// A round was played: the next one's patience is the usual one.
    fn began(&mut self) {
        self.slow_starts = 0;
        self.backoff.settled();
    }

    /// How long the running attempt may take to its first picture.
    fn patience(&self) -> Duration {
        self.input.limits.first_frame.saturating_mul(1 << self.slow_starts.min(MOST_DOUBLINGS))
    }

    /// Says why, and waits until the next attempt; the camera's end when it is told to stop meanwhile.
    fn rest(&mut self, error: &MediaError) -> Option<CameraEnd> {
        let (camera, reports) = (&self.input.camera, &self.around.reports);
        let retry_in = self.backoff.pause(error.remedy(), self.patience());
        reports.state(camera, CameraState::Lost { retry_in }, &error.to_string());
        if matches!(self.around.stop.recv_timeout(retry_in), Err(RecvTimeoutError::Disconnected)) {
            return Some(CameraEnd::Stopped);
        }
        reports.state(camera, CameraState::Connecting, "beginning the file again");
        None
    }

    /// Plays the file once; `None` at its end.
    fn round(&mut self) -> Result<Option<CameraEnd>, MediaError> {
        chain::ready()?;
        let delivery = Delivery {
            reports: None,
            camera: self.input.camera.clone(),
            input: self.path.display().to_string(),
            sequence: Arc::clone(&self.sequence),
            sink: Arc::clone(&self.around.sink),
            clock: Arc::clone(&self.around.clock),
        };
        let stamping = Stamping::File(FileClock::after(self.played));
        let (max, decoder) = (self.input.max_pixels, self.decoder);
        let session = chain::open_file(self.path, self.pace, decoder, max, delivery, stamping)?;
        let end = self.watch(&session)?;
        if end.is_none() {
            self.tell_if_cut(&session);
        }
        self.played += session.progress().reached;
        Ok(end)
    }

    /// A recording that was cut short plays to where it was cut without a fault; its owner wants to know all the same.
    fn tell_if_cut(&self, session: &Session) {
        let (reached, Some(length)) = (session.progress().reached, session.length()) else { return };
        let is_first_round = self.played.is_zero();
        if is_first_round && reached + CUT_SHORT < length {
            let (file, camera) = (self.path.display(), &self.input.camera);
            let (reached, length) = (reached.as_secs_f32(), length.as_secs_f32());
            tracing::warn!(%camera, "`{file}` ends after {reached:.1} s of {length:.1} s: it is damaged or cut short, copy or record it again");
        }
    }

    fn watch(&self, session: &Session) -> Result<Option<CameraEnd>, MediaError> {
        let mut detail = String::new();
        let limit = self.patience();
        let mut late = crossbeam_channel::after(limit);
        loop {
            let note = crossbeam_channel::select! {
                recv(self.around.stop) -> _ => return Ok(Some(CameraEnd::Stopped)),
                recv(session.notes()) -> note => note.unwrap_or(Note::End),
                recv(late) -> _ => {
                    in_time(session, self.path, limit)?;
                    late = crossbeam_channel::never();
                    continue;
                }
            };
            match note {
                Note::Connected => {}
                Note::Decoding { codec, decoder } => detail = format!("{codec} by {decoder}"),
                Note::FirstFrame => self.around.reports.state(&self.input.camera, CameraState::Live, &detail),
                Note::SinkClosed => return Ok(Some(CameraEnd::SinkClosed)),
                Note::Fault(error) => return Err(error),
                Note::End => return shown_something(session, self.path).map(|()| None),
            }
        }
    }

    /// NVDEC may run out of sessions or dislike a profile; software takes over as long as nothing was shown yet.
    fn may_fall_back(&self, error: &MediaError) -> bool {
        let untouched = self.sequence.load(std::sync::atomic::Ordering::Relaxed) == 0;
        untouched && self.decoder == DecoderChoice::Auto && error.is_hardware()
    }
}

/// Whether the first picture has come. It counts once it is decoded, however long it is waited for its taker.
fn in_time(session: &Session, path: &Path, limit: Duration) -> Result<(), MediaError> {
    if session.progress().frames > 0 {
        return Ok(());
    }
    Err(MediaError::TooSlow { input: path.display().to_string(), waiting_for: "the first frame", limit })
}

/// A file that ends before its first picture is broken, whatever GStreamer says.
fn shown_something(session: &Session, path: &Path) -> Result<(), MediaError> {
    if session.progress().frames > 0 {
        return Ok(());
    }
    Err(MediaError::Damaged { input: path.display().to_string(), why: "it ends before its first picture".to_owned() })
}

/// What [`decode_file`] has seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Pictures decoded.
    pub frames: u64,
    /// The end of the last picture, counted from the beginning of the file.
    pub length: Duration,
    /// Who decoded, as GStreamer names it; empty for raw video.
    pub decoder: String,
}

/// Decodes every picture of a file, as fast as `visit` takes them, on software decoders; the reference for tests and
/// benchmarks. `visit` runs on the calling thread; frames are numbered from 0 and belong to camera `file`. A file that shows
/// nothing within ten seconds is begun anew, with more patience; the third time that is the error.
pub fn decode_file(path: impl AsRef<Path>, mut visit: impl FnMut(Frame)) -> Result<Summary, MediaError> {
    let path = path.as_ref();
    if is_y4m(path) {
        let (frames, length) = raw_file::read(path, visit)?;
        return Ok(Summary { frames, length, decoder: String::new() });
    }
    chain::ready()?;
    let mut patience = Limits::default().first_frame;
    for _ in 1..STARTS {
        match decode_once(path, patience, &mut visit) {
            Err(error @ MediaError::TooSlow { .. }) => tracing::warn!("{error}: beginning the file again"),
            decoded => return decoded,
        }
        patience *= 2;
    }
    decode_once(path, patience, &mut visit)
}

fn decode_once(path: &Path, patience: Duration, visit: &mut impl FnMut(Frame)) -> Result<Summary, MediaError> {
    let (frames, decoded) = crossbeam_channel::bounded(FRAMES_AHEAD);
    let delivery = file_delivery(path, frames)?;
    let stamping = Stamping::File(FileClock::default());
    let (max, decoder) = (DEFAULT_MAX_PIXELS, DecoderChoice::Software);
    let session = chain::open_file(path, Pace::Fast, decoder, max, delivery, stamping)?;
    visit_all((path, patience), &session, decoded, visit)
}

fn file_delivery(path: &Path, frames: Sender<Frame>) -> Result<Delivery, MediaError> {
    let input = path.display().to_string();
    let camera =
        CameraId::new("file").map_err(|error| MediaError::Other { input: input.clone(), why: error.to_string() })?;
    Ok(Delivery {
        reports: None,
        camera,
        input,
        sequence: Arc::new(AtomicU64::new(0)),
        sink: Arc::new(Queue(frames)),
        clock: Arc::new(SystemClock) as Arc<dyn Clock>,
    })
}

/// Takes the queue: it is closed before the session goes, or the decoder would still be waiting in it.
#[allow(clippy::needless_pass_by_value, reason = "its drop is the point")]
fn visit_all(
    (path, patience): (&Path, Duration),
    session: &Session,
    decoded: Receiver<Frame>,
    visit: &mut impl FnMut(Frame),
) -> Result<Summary, MediaError> {
    let mut decoder = String::new();
    let mut late = crossbeam_channel::after(patience);
    loop {
        let note = crossbeam_channel::select! {
            recv(decoded) -> frame => { frame.into_iter().for_each(&mut *visit); continue }
            recv(session.notes()) -> note => note.unwrap_or(Note::End),
            recv(late) -> _ => {
                in_time(session, path, patience)?;
                late = crossbeam_channel::never();
                continue;
            }
        };
        match note {
            Note::Decoding { decoder: chosen, .. } => decoder = chosen,
            Note::Fault(error) => return Err(error),
            Note::End => break,
            Note::Connected | Note::FirstFrame | Note::SinkClosed => {}
        }
    }
    decoded.try_iter().for_each(visit);
    shown_something(session, path)?;
    let progress = session.progress();
    Ok(Summary { frames: progress.frames, length: progress.reached, decoder })
}

/// Waits until the visitor is ready; closed once nobody visits any more.
struct Queue(Sender<Frame>);

impl FrameSink for Queue {
    fn offer(&self, frame: Frame) -> Offer {
        if self.0.send(frame).is_ok() { Offer::Taken } else { Offer::Closed }
    }
}
