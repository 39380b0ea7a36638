//! A file's pictures, demuxed but not decoded: what the sample camera sends out again.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;

use super::codec::{self, Codec};
use super::container::{check, filesrc, read_tracks};
use super::elements::{append, require};
use super::intake::Tally;
use super::session::{Draft, Note};
use super::tail::Assembly;
use crate::media::{Clock, DEFAULT_MAX_PIXELS, DecoderChoice, MediaError, SystemClock};

/// Encoded pictures of one file, in the order they are decoded, with the caps a payloader wants.
#[derive(Debug)]
pub(in crate::media) struct Encoded {
    /// The codec's name.
    pub(in crate::media) codec: &'static str,
    /// Caps of the units.
    pub(in crate::media) caps: gst::Caps,
    /// One buffer a picture, times included.
    pub(in crate::media) units: Vec<gst::Buffer>,
}

#[derive(Default)]
struct Collected {
    codec: &'static str,
    caps: Option<gst::Caps>,
    units: Vec<gst::Buffer>,
}

/// Reads a whole file into memory: for clips, not for films.
pub(in crate::media) fn read_encoded(path: &Path) -> Result<Encoded, MediaError> {
    super::ready()?;
    check(path)?;
    let input = path.display().to_string();
    let draft = Draft::new(&input);
    let assembly = Assembly {
        input: input.clone(),
        decoder: DecoderChoice::Software,
        max_pixels: DEFAULT_MAX_PIXELS,
        notes: draft.notes.clone(),
    };
    let collected = Arc::new(Mutex::new(Collected::default()));
    let (into, sink) = (Arc::clone(&collected), collector(&collected));
    append(&draft.pipeline, std::slice::from_ref(&sink)).map_err(|e| assembly.failed(&e.to_string()))?;
    let blamed = assembly.clone();
    let link = move |pipeline: &gst::Pipeline, pad: &gst::Pad, caps: &gst::CapsRef| {
        let found = codec::from_caps(caps).filter(|codec| codec.rtp.is_some());
        let codec = found.ok_or_else(|| MediaError::UnsupportedCodec {
            input: blamed.input.clone(),
            codec: caps.structure(0).map(|s| s.name().to_string()).unwrap_or_default(),
        })?;
        lock(&into).codec = codec.name;
        parse_into(pipeline, pad, codec, &sink).map_err(|e| blamed.failed(&e))
    };
    read_tracks(&draft.pipeline, filesrc(path)?, &assembly, Arc::new(link))?;
    let session = draft.start(Arc::new(Tally::new(SystemClock.now())));
    loop {
        match session.notes().recv().unwrap_or(Note::End) {
            Note::End => break,
            Note::Fault(error) => return Err(error),
            _ => {}
        }
    }
    drop(session);
    let collected = std::mem::take(&mut *lock(&collected));
    match collected.caps {
        Some(caps) if !collected.units.is_empty() => {
            Ok(Encoded { codec: collected.codec, caps, units: collected.units })
        }
        _ => Err(MediaError::Damaged { input, why: "it ends before its first picture".to_owned() }),
    }
}

fn collector(collected: &Arc<Mutex<Collected>>) -> gst::Element {
    let into = Arc::clone(collected);
    let sink = gst_app::AppSink::builder().sync(false).enable_last_sample(false).build();
    let collect = move |sink: &gst_app::AppSink| {
        let sample = sink.pull_sample().map_err(|_| gst::FlowError::Flushing)?;
        let mut collected = lock(&into);
        collected.caps = sample.caps_owned();
        collected.units.extend(sample.buffer_owned());
        Ok(gst::FlowSuccess::Ok)
    };
    sink.set_callbacks(gst_app::AppSinkCallbacks::builder().new_sample(collect).build());
    sink.upcast()
}

fn parse_into(
    pipeline: &gst::Pipeline,
    pad: &gst::Pad,
    codec: &'static Codec,
    sink: &gst::Element,
) -> Result<(), String> {
    let filter = require("capsfilter").map_err(|e| e.to_string())?;
    // Parameter sets travel inside the pictures, so that a receiver may join at any key frame.
    if let "video/x-h264" | "video/x-h265" = codec.media_types[0] {
        let in_band = format!("{},stream-format=byte-stream,alignment=au", codec.media_types[0]);
        filter.set_property_from_str("caps", &in_band);
    }
    let mut elements: Vec<_> = codec.parser.map(require).transpose().map_err(|e| e.to_string())?.into_iter().collect();
    elements.push(filter.clone());
    let link = || {
        append(pipeline, &elements)?;
        filter.link(sink)?;
        let entry = elements[0].static_pad("sink").ok_or(gst::glib::bool_error!("no entry"))?;
        pad.link(&entry).map(drop).map_err(|e| gst::glib::bool_error!("{e}"))
    };
    link().map_err(|e| e.to_string())
}

fn lock(collected: &Mutex<Collected>) -> std::sync::MutexGuard<'_, Collected> {
    collected.lock().unwrap_or_else(PoisonError::into_inner)
}
