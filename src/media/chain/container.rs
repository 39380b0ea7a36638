//! Files: read, recognise, demux, and hand the first video track on. The container is recognised by its bytes, not by the
//! file's name, and opened by a demuxer from our own table.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::Sender;
use gstreamer as gst;
use gstreamer::prelude::*;

use super::Stamping;
use super::codec;
use super::elements::{append, require};
use super::intake::{Delivery, Intake, Tally};
use super::session::{Draft, Note, Session, tell};
use super::tail::{self, Assembly, Release, Tail};
use crate::media::{DecoderChoice, MediaError, Pace};

/// Opens a file and plays it into `delivery`.
pub(in crate::media) fn open_file(
    path: &Path,
    pace: Pace,
    decoder: DecoderChoice,
    max_pixels: u64,
    delivery: Delivery,
    stamping: Stamping,
) -> Result<Session, MediaError> {
    check(path)?;
    let draft = Draft::new(&delivery.input);
    let assembly = Assembly { input: delivery.input.clone(), decoder, max_pixels, notes: draft.notes.clone() };
    let tally = Arc::new(Tally::new(delivery.clock.now()));
    let intake = Intake { delivery, stamping, tally: Arc::clone(&tally) };
    let release = match pace {
        Pace::Realtime => Release::OnTime,
        Pace::Fast => Release::WhenTaken,
    };
    let tail = tail::build(&draft.pipeline, assembly.clone(), intake, release)?;
    let link =
        move |pipeline: &gst::Pipeline, pad: &gst::Pad, caps: &gst::CapsRef| link_track(&tail, pipeline, pad, caps);
    read_tracks(&draft.pipeline, filesrc(path)?, &assembly, Arc::new(link))?;
    Ok(draft.start(tally))
}

/// Says plainly what is wrong with a path before GStreamer says it darkly.
pub(super) fn check(path: &Path) -> Result<(), MediaError> {
    let found = fs::metadata(path).map_err(|reason| match reason.kind() {
        ErrorKind::NotFound => MediaError::NoSuchFile(path.to_owned()),
        _ => unreadable(path, reason),
    })?;
    if !found.is_file() {
        return Err(MediaError::NotAFile(path.to_owned()));
    }
    if found.len() == 0 {
        return Err(MediaError::EmptyFile(path.to_owned()));
    }
    fs::File::open(path).map(drop).map_err(|reason| unreadable(path, reason))
}

fn unreadable(path: &Path, reason: std::io::Error) -> MediaError {
    MediaError::Unreadable { path: path.to_owned(), reason }
}

pub(super) fn link_track(
    tail: &Tail,
    pipeline: &gst::Pipeline,
    pad: &gst::Pad,
    caps: &gst::CapsRef,
) -> Result<(), MediaError> {
    if let Some(codec) = codec::from_caps(caps) {
        return tail.decode(pipeline, pad, codec);
    }
    let name = caps.structure(0).map(|s| s.name().to_string()).unwrap_or_default();
    if name == "video/x-raw" {
        return tail.accept_raw(pad);
    }
    Err(MediaError::UnsupportedCodec { input: tail.assembly().input.clone(), codec: name })
}

/// What to do with the first video track.
pub(super) type OnTrack = Arc<dyn Fn(&gst::Pipeline, &gst::Pad, &gst::CapsRef) -> Result<(), MediaError> + Send + Sync>;

/// Reads a file.
pub(super) fn filesrc(path: &Path) -> Result<gst::Element, MediaError> {
    let source = require("filesrc")?;
    source.set_property("location", path);
    Ok(source)
}

/// Puts a source of bytes and a recogniser into a pipeline; the demuxer follows once the bytes are recognised.
pub(super) fn read_tracks(
    pipeline: &gst::Pipeline,
    source: gst::Element,
    assembly: &Assembly,
    on_track: OnTrack,
) -> Result<(), MediaError> {
    let typefind = require("typefind")?;
    append(pipeline, &[source, typefind.clone()]).map_err(|e| assembly.failed(&e.to_string()))?;
    let (pipeline, assembly) = (pipeline.downgrade(), assembly.clone());
    typefind.connect("have-type", false, move |values| {
        let (typefind, caps) = (values[0].get::<gst::Element>().ok()?, values[2].get::<gst::Caps>().ok()?);
        let pipeline = pipeline.upgrade()?;
        if let Err(error) = demux(&pipeline, &typefind, &caps, &assembly, &on_track) {
            tell(&assembly.notes, Note::Fault(error));
        }
        None
    });
    Ok(())
}

fn demux(
    pipeline: &gst::Pipeline,
    typefind: &gst::Element,
    caps: &gst::CapsRef,
    assembly: &Assembly,
    on_track: &OnTrack,
) -> Result<(), MediaError> {
    let name = codec::demuxer(caps).ok_or_else(|| MediaError::NotVideo {
        input: assembly.input.clone(),
        found: caps.structure(0).map(|s| s.name().to_string()).unwrap_or_default(),
    })?;
    let demuxer = require(name)?;
    watch_tracks(&demuxer, pipeline, assembly, on_track);
    link_awake(pipeline, typefind, &demuxer).map_err(|error| assembly.failed(&error.to_string()))
}

/// Puts the demuxer behind the recogniser and wakes it, on the recogniser's own thread.
///
/// The pipeline may still be starting on another thread, which would find the new element and wake it too: it would hold
/// the demuxer and wait for this thread, while this one waits for the demuxer. The lock keeps that thread off until the
/// demuxer has opened its pads, the only step that reaches back here.
///
/// Nor may this thread touch the demuxer's state after that: where the pipeline is being taken down meanwhile, following it
/// would close those pads and so wait for this very thread to end. Whoever takes it down finds the demuxer awake and unlocked, at the
/// latest in its last step, which cannot begin before this thread is done. A demuxer that stays paused in a playing pipeline
/// does all its work.
fn link_awake(
    pipeline: &gst::Pipeline,
    typefind: &gst::Element,
    demuxer: &gst::Element,
) -> Result<(), gst::glib::BoolError> {
    demuxer.set_locked_state(true);
    pipeline.add(demuxer)?;
    typefind.link(demuxer)?;
    // A failure is told on the bus.
    let _ = demuxer.set_state(gst::State::Paused);
    demuxer.set_locked_state(false);
    Ok(())
}

fn watch_tracks(demuxer: &gst::Element, pipeline: &gst::Pipeline, assembly: &Assembly, on_track: &OnTrack) {
    let found = Arc::new(AtomicBool::new(false));
    let (weak, on_track, notes) = (pipeline.downgrade(), Arc::clone(on_track), assembly.notes.clone());
    let seen = Arc::clone(&found);
    demuxer.connect_pad_added(move |_, pad| {
        let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
        // The first video track counts; sound, subtitles and further angles stay unlinked, which costs nothing.
        if !shows_pictures(&caps) || seen.swap(true, Ordering::Relaxed) {
            return;
        }
        if let Some(Err(error)) = weak.upgrade().map(|pipeline| on_track(&pipeline, pad, &caps)) {
            tell(&notes, Note::Fault(error));
        }
    });
    tell_if_none(demuxer, assembly.input.clone(), assembly.notes.clone(), found);
}

fn tell_if_none(demuxer: &gst::Element, input: String, notes: Sender<Note>, found: Arc<AtomicBool>) {
    demuxer.connect_no_more_pads(move |_| {
        if !found.load(Ordering::Relaxed) {
            let input = input.clone();
            tell(&notes, Note::Fault(MediaError::NoVideoTrack { input }));
        }
    });
}

pub(super) fn shows_pictures(caps: &gst::CapsRef) -> bool {
    let name = caps.structure(0).map(|s| s.name().to_string()).unwrap_or_default();
    name.starts_with("video/") || name == "image/jpeg"
}
