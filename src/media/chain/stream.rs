//! Live streams by address: one source element each, then the same demuxers, decoders and hand-over as files and RTSP.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gstreamer as gst;
use gstreamer::prelude::*;

use super::container::{link_track, read_tracks, shows_pictures};
use super::elements::{append, require};
use super::intake::{Delivery, Intake, Tally};
use super::session::{Draft, Note, Session, tell};
use super::tail::{self, Assembly, Release, Tail};
use super::{SenderClock, Stamping, quiet};
use crate::media::{Credentials, DecoderChoice, MediaError, StreamKind, StreamSource};

/// What devices may offer, best first: raw pictures need no decoder.
const DEVICE_CAPS: &str = "video/x-raw; image/jpeg; video/x-h264";

/// Which of two elements speaks RTMP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::media) enum RtmpBy {
    /// Its waits can be interrupted.
    #[default]
    Rtmp2src,
    /// Also understands servers that number their stream 0, ffmpeg's among them.
    Librtmp,
}

/// Begins one attempt.
pub(in crate::media) fn open_stream(
    source: &StreamSource,
    rtmp: RtmpBy,
    patience: Duration,
    (decoder, max_pixels): (DecoderChoice, u64),
    delivery: Delivery,
) -> Result<Session, MediaError> {
    let draft = Draft::new(&delivery.input);
    let assembly = Assembly { input: delivery.input.clone(), decoder, max_pixels, notes: draft.notes.clone() };
    let tally = Arc::new(Tally::new(delivery.clock.now()));
    let stamping = Stamping::Sender(Arc::new(SenderClock::default()));
    let intake = Intake { delivery, stamping, tally: Arc::clone(&tally) };
    let tail = tail::build(&draft.pipeline, assembly.clone(), intake, release(source.kind()))?;
    for secret in source.secrets() {
        quiet::hide(Some(&Credentials::new("", secret)));
    }
    match source.kind() {
        StreamKind::Hls => read_playlist(&draft.pipeline, source, patience, tail)?,
        StreamKind::V4l2 => read_device(&draft.pipeline, source, tail)?,
        StreamKind::Srt => read_bytes(&draft.pipeline, srtsrc(source)?, &assembly, tail)?,
        StreamKind::Rtmp => read_bytes(&draft.pipeline, rtmpsrc(source, rtmp, patience)?, &assembly, tail)?,
    }
    Ok(draft.start(tally))
}

/// Segments come in bursts of seconds: their pictures are shown when their time has come, or most of them would be thrown
/// away as old.
fn release(kind: StreamKind) -> Release {
    if kind == StreamKind::Hls { Release::OnTime } else { Release::Newest }
}

fn srtsrc(source: &StreamSource) -> Result<gst::Element, MediaError> {
    let srt = require("srtsrc")?;
    srt.set_property("uri", source.location());
    if let Some(passphrase) = source.passphrase() {
        srt.set_property("passphrase", passphrase);
    }
    // A lost line is ours to notice, to tell and to call again.
    if srt.has_property("auto-reconnect") {
        srt.set_property("auto-reconnect", false);
    }
    Ok(srt)
}

fn rtmpsrc(source: &StreamSource, by: RtmpBy, patience: Duration) -> Result<gst::Element, MediaError> {
    if by == RtmpBy::Librtmp {
        let rtmp = require("rtmpsrc")?;
        rtmp.set_property("location", format!("{} live=1", source.location()));
        return Ok(rtmp);
    }
    let rtmp = require("rtmp2src")?;
    rtmp.set_property("location", source.location());
    if rtmp.has_property("idle-timeout") {
        rtmp.set_property("idle-timeout", patience.as_secs().clamp(1, 3600) as u32);
    }
    Ok(rtmp)
}

/// Bytes of a container that is recognised as a file's is.
fn read_bytes(
    pipeline: &gst::Pipeline,
    source: gst::Element,
    assembly: &Assembly,
    tail: Tail,
) -> Result<(), MediaError> {
    let link = move |pipeline: &gst::Pipeline, pad: &gst::Pad, caps: &gst::CapsRef| {
        tell(&tail.assembly().notes, Note::Connected);
        link_track(&tail, pipeline, pad, caps)
    };
    read_tracks(pipeline, source, assembly, Arc::new(link))
}

fn read_playlist(
    pipeline: &gst::Pipeline,
    source: &StreamSource,
    patience: Duration,
    tail: Tail,
) -> Result<(), MediaError> {
    let fetch = require("souphttpsrc")?;
    fetch.set_property("location", source.location());
    fetch.set_property("timeout", patience.as_secs().clamp(1, 3600) as u32);
    let demuxer = require("hlsdemux2")?;
    // It refuses to work for a bin that does not say that it knows of streams.
    pipeline.set_bin_flags(gst::BinFlags::STREAMS_AWARE);
    let (weak, found) = (pipeline.downgrade(), Arc::new(AtomicBool::new(false)));
    demuxer.connect_pad_added(move |_, pad| link_when_known(pad, weak.clone(), tail.clone(), Arc::clone(&found)));
    append(pipeline, &[fetch, demuxer]).map_err(|e| failed(source, &e))
}

fn read_device(pipeline: &gst::Pipeline, source: &StreamSource, tail: Tail) -> Result<(), MediaError> {
    let device = require("v4l2src")?;
    if !std::path::Path::new(&source.location()).exists() {
        return Err(MediaError::Unreachable { input: source.to_string(), why: "there is no such device".to_owned() });
    }
    device.set_property("device", source.location());
    read_raw(pipeline, device, tail).map_err(|e| failed(source, &e))
}

/// A source whose pictures say themselves whether they are encoded.
fn read_raw(pipeline: &gst::Pipeline, source: gst::Element, tail: Tail) -> Result<(), gst::glib::BoolError> {
    let filter = require("capsfilter").map_err(|_| gst::glib::bool_error!("no capsfilter"))?;
    filter.set_property_from_str("caps", DEVICE_CAPS);
    let exit = filter.static_pad("src").ok_or(gst::glib::bool_error!("no pad"))?;
    link_when_known(&exit, pipeline.downgrade(), tail, Arc::default());
    append(pipeline, &[source, filter])
}

/// Links a pad once it says what it carries; the first that carries pictures counts.
fn link_when_known(pad: &gst::Pad, pipeline: gst::glib::WeakRef<gst::Pipeline>, tail: Tail, found: Arc<AtomicBool>) {
    pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |pad, info| {
        let Some(gst::EventView::Caps(caps)) = info.event().map(|event| event.view()) else {
            return gst::PadProbeReturn::Ok;
        };
        if !shows_pictures(caps.caps()) || pad.is_linked() || found.swap(true, Ordering::Relaxed) {
            return gst::PadProbeReturn::Ok;
        }
        tell(&tail.assembly().notes, Note::Connected);
        let linked = pipeline.upgrade().map(|pipeline| link_track(&tail, &pipeline, pad, caps.caps()));
        if let Some(Err(error)) = linked {
            tell(&tail.assembly().notes, Note::Fault(error));
        }
        gst::PadProbeReturn::Ok
    });
}

fn failed(source: &StreamSource, error: &gst::glib::BoolError) -> MediaError {
    MediaError::Other { input: source.to_string(), why: error.to_string() }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::media::{FrameSink, Offer, SystemClock};
    use crate::scene::{CameraId, Frame};

    #[derive(Default)]
    struct Seen(Mutex<u32>);

    impl FrameSink for Seen {
        fn offer(&self, _: Frame) -> Offer {
            *self.0.lock().unwrap() += 1;
            Offer::Taken
        }
    }

    /// There is no device here: a generator stands for one, raw and encoded.
    #[test]
    fn a_source_that_says_what_it_shows_is_decoded_accordingly() {
        super::super::ready().unwrap();
        for encoder in ["identity", "jpegenc", "x264enc"] {
            let draft = Draft::new("test");
            let notes = draft.notes.clone();
            let assembly =
                Assembly { input: "test".into(), decoder: DecoderChoice::Software, max_pixels: 1 << 20, notes };
            let (seen, clock) = (Arc::new(Seen::default()), Arc::new(SystemClock));
            let delivery = Delivery {
                camera: CameraId::new("device").unwrap(),
                input: "test".into(),
                sequence: Arc::default(),
                sink: seen.clone(),
                reports: None,
                clock: clock.clone(),
            };
            let tally = Arc::new(Tally::new(crate::media::Clock::now(&*clock)));
            let stamping = Stamping::Sender(Arc::default());
            let intake = Intake { delivery, stamping, tally: Arc::clone(&tally) };
            let tail = tail::build(&draft.pipeline, assembly, intake, Release::WhenTaken).unwrap();
            let line = format!("videotestsrc num-buffers=5 ! video/x-raw,format=I420,width=64,height=48 ! {encoder}");
            let camera = gst::parse::bin_from_description(&line, true).unwrap();
            read_raw(&draft.pipeline, camera.upcast(), tail).unwrap();
            let session = draft.start(tally);
            let end = session.notes().iter().find(|note| matches!(note, Note::End | Note::Fault(_)));
            assert!(matches!(end, Some(Note::End)), "{encoder}: {end:?}");
            assert_eq!(*seen.0.lock().unwrap(), 5, "{encoder}");
        }
    }
}
