//! Plays a Y4M file to a sink, at its own rate or as fast as the sink goes, once or over and over.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::ingest::Surroundings;
use super::synthetic_camera::is_stopped;
use super::y4m::Y4m;
use super::{CameraEnd, CameraInput, CameraState, MediaError, Offer, Pace};
use crate::memory::Pixels;
#[cfg(feature = "media")]
use crate::scene::CameraId;
use crate::scene::{Capture, Frame, TimeSource};

/// What is wrong with a file without pictures.
const EMPTY: &str = "it ends before its first picture";

/// Runs until the file is over, the sink closes or `stop` disconnects.
pub(super) fn play(input: &CameraInput, path: &Path, pace: Pace, repeat: bool, around: &Surroundings<'_>) -> CameraEnd {
    let played = Y4m::open(path, input.max_pixels).and_then(|file| {
        let began = (around.clock.now(), around.clock.wall());
        Player { input, file, pace, repeat, around, began }.play()
    });
    played.unwrap_or_else(CameraEnd::Failed)
}

/// Reads every picture of a file, as fast as `visit` takes them: how many there were, and for how long they play.
#[cfg(feature = "media")]
pub(super) fn read(path: &Path, mut visit: impl FnMut(Frame)) -> Result<(u64, Duration), MediaError> {
    use super::{Clock, DEFAULT_MAX_PIXELS, SystemClock};
    let mut file = Y4m::open(path, DEFAULT_MAX_PIXELS)?;
    let camera = CameraId::new("file").map_err(|error| file.damaged(&error.to_string()))?;
    let mut sequence = 0;
    while let Some(pixels) = file.next()? {
        let captured = Capture::on_arrival(SystemClock.now(), SystemClock.wall(), Some(file.position(sequence)));
        visit(Frame { camera: camera.clone(), sequence, captured, pixels: Arc::new(pixels) });
        sequence += 1;
    }
    if sequence == 0 { Err(file.damaged(EMPTY)) } else { Ok((sequence, file.position(sequence))) }
}

struct Player<'a> {
    input: &'a CameraInput,
    file: Y4m,
    pace: Pace,
    repeat: bool,
    around: &'a Surroundings<'a>,
    /// When the first picture was due.
    began: (Instant, SystemTime),
}

impl Player<'_> {
    fn play(&mut self) -> Result<CameraEnd, MediaError> {
        let mut sequence = 0;
        loop {
            if is_stopped(self.around, self.pace, self.began.0 + self.file.position(sequence)) {
                return Ok(CameraEnd::Stopped);
            }
            let Some(pixels) = self.next(sequence)? else { return Ok(CameraEnd::Ended) };
            if sequence == 0 {
                self.around.reports.state(&self.input.camera, CameraState::Live, "raw video");
            }
            if self.around.sink.offer(self.frame(sequence, pixels)) == Offer::Closed {
                return Ok(CameraEnd::SinkClosed);
            }
            sequence += 1;
        }
    }

    /// The next picture, from the beginning again where that is wanted; a file without any is an error.
    fn next(&mut self, sequence: u64) -> Result<Option<Pixels>, MediaError> {
        let mut pixels = self.file.next()?;
        if pixels.is_none() && sequence == 0 {
            return Err(self.file.damaged(EMPTY));
        }
        if pixels.is_none() && self.repeat {
            self.file.rewind()?;
            pixels = self.file.next()?;
        }
        Ok(pixels)
    }

    fn frame(&self, sequence: u64, pixels: Pixels) -> Frame {
        let position = self.file.position(sequence);
        let (began, began_wall) = self.began;
        let captured = Capture {
            at: began + position,
            wall: began_wall + position,
            source: TimeSource::FilePosition,
            uncertainty: Duration::ZERO,
            ..Capture::on_arrival(self.around.clock.now(), self.around.clock.wall(), Some(position))
        };
        Frame { camera: self.input.camera.clone(), sequence, captured, pixels: Arc::new(pixels) }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::Mutex;

    use super::*;
    use crate::media::{CameraReports, FrameSink, SourceSpec, SystemClock, run_camera};
    use crate::scene::CameraId;

    /// Takes so many frames and keeps their sequence, position in milliseconds and first pixel.
    struct Log {
        room: usize,
        seen: Mutex<Vec<(u64, u128, u8)>>,
    }

    impl FrameSink for Log {
        fn offer(&self, frame: Frame) -> Offer {
            let mut seen = self.seen.lock().unwrap();
            let position = frame.captured.pts.unwrap_or_default();
            seen.push((frame.sequence, position.as_millis(), frame.pixels.plane(0).0[0]));
            if seen.len() >= self.room { Offer::Closed } else { Offer::Taken }
        }
    }

    impl CameraReports for Log {
        fn state(&self, _: &CameraId, _: CameraState, _: &str) {}
    }

    /// Pictures of 2×2, ten a second.
    fn file(levels: &[u8]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        let pictures = levels.iter().flat_map(|level| [b"FRAME\n".to_vec(), vec![*level; 6]].concat());
        let bytes: Vec<u8> = b"YUV4MPEG2 W2 H2 F10:1\n".iter().copied().chain(pictures).collect();
        std::fs::write(file.path(), bytes).unwrap();
        file
    }

    fn played(levels: &[u8], repeat: bool, room: usize) -> (CameraEnd, Vec<(u64, u128, u8)>) {
        let file = file(levels);
        let log = Arc::new(Log { room, seen: Mutex::default() });
        let source = SourceSpec::File { path: file.path().into(), pace: Pace::Fast, repeat };
        let input = CameraInput::new(CameraId::new("raw").unwrap(), source);
        let (_running, stop) = crossbeam_channel::bounded::<Infallible>(0);
        let end = run_camera(input, log.clone(), log.clone(), &stop, Arc::new(SystemClock));
        let seen = log.seen.lock().unwrap().clone();
        (end, seen)
    }

    #[test]
    fn a_file_plays_once_or_again_and_again_with_time_going_on() {
        let (end, seen) = played(&[7, 8], false, 9);
        assert!(matches!(end, CameraEnd::Ended));
        assert_eq!(seen, [(0, 0, 7), (1, 100, 8)]);
        let (end, seen) = played(&[7, 8], true, 3);
        assert!(matches!(end, CameraEnd::SinkClosed));
        assert_eq!(seen[2], (2, 200, 7));
    }

    #[test]
    fn a_file_without_pictures_fails_and_is_not_begun_for_ever() {
        let CameraEnd::Failed(why) = played(&[], true, 3).0 else { panic!("it played") };
        assert!(why.to_string().contains("before its first picture"), "{why}");
    }

    #[cfg(feature = "media")]
    #[test]
    fn whoever_decodes_files_reads_these_too() {
        let mut seen = Vec::new();
        let file = file(&[7, 8, 9]);
        let summary = crate::media::decode_file(file.path(), |frame| seen.push(frame.pixels.plane(0).0[3])).unwrap();
        assert_eq!((seen, summary.frames, summary.length), (vec![7, 8, 9], 3, Duration::from_millis(300)));
        let empty = self::file(&[]);
        let told = crate::media::decode_file(empty.path(), drop).unwrap_err().to_string();
        assert!(told.contains("before its first picture"), "{told}");
    }
}
