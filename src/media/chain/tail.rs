//! The common end of every pipeline. The fixed part (convert, turn upright, hand over) is there from the start; parser and
//! decoder are put before it once the stream says what it is.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crossbeam_channel::Sender;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;

use super::codec::Codec;
use super::decoder;
use super::elements::{append, require};
use super::intake::Intake;
use super::origin::Origin;
use super::session::{Note, tell};
use super::upright;
use crate::media::{DecoderChoice, MediaError, Offer};

/// How pictures leave the pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Release {
    /// The newest, at once: live cameras.
    Newest,
    /// Each when its time has come: files at real-time pace.
    OnTime,
    /// Each as soon as the sink takes it: files as fast as possible.
    WhenTaken,
}

/// What every assembly step needs to know and may say.
#[derive(Clone)]
pub(super) struct Assembly {
    /// The path or the address, for errors.
    pub(super) input: String,
    /// Who may decode.
    pub(super) decoder: DecoderChoice,
    /// Largest picture in pixels.
    pub(super) max_pixels: u64,
    /// Where trouble is told.
    pub(super) notes: Sender<Note>,
}

/// The fixed part; decoders link to `entry`.
#[derive(Clone)]
pub(super) struct Tail {
    entry: gst::Element,
    assembly: Assembly,
    sequence: Arc<AtomicU64>,
}

/// Builds the fixed part into a pipeline.
pub(super) fn build(
    pipeline: &gst::Pipeline,
    assembly: Assembly,
    intake: Intake,
    release: Release,
) -> Result<Tail, MediaError> {
    // Lets buffers through untouched unless there is something to do: 10 bit, 4:4:4.
    let convert = require("videoconvert")?;
    let sink = hand_over(release);
    let sequence = Arc::clone(&intake.delivery.sequence);
    let origin = Arc::new(Origin::default());
    offer_to(&sink, intake, Arc::clone(&origin), assembly.notes.clone());
    ask_for_strided_buffers(&sink);
    let elements = [convert.clone(), sink.upcast()];
    append(pipeline, &elements).map_err(|e| assembly.failed(&e.to_string()))?;
    let tail = Tail { entry: convert, assembly, sequence };
    if let Some(pad) = tail.entry.static_pad("sink") {
        tail.guard_size(&pad, None);
        upright::turn_when_told(pipeline, &pad, &elements, &tail.assembly);
        origin.note(&pad);
    }
    Ok(tail)
}

fn hand_over(release: Release) -> gst_app::AppSink {
    let formats = [gst_video::VideoFormat::Nv12, gst_video::VideoFormat::I420];
    let sink = gst_app::AppSink::builder()
        .caps(&gst_video::VideoCapsBuilder::new().format_list(formats).build())
        .sync(release == Release::OnTime)
        .max_buffers(1)
        .drop(release == Release::Newest)
        .enable_last_sample(false)
        .build();
    // A live pipeline must not wait for its first picture to be "playing"; a file's clock starts with its first picture.
    sink.set_property("async", release != Release::Newest);
    sink
}

fn offer_to(sink: &gst_app::AppSink, intake: Intake, origin: Arc<Origin>, notes: Sender<Note>) {
    let take = move |sink: &gst_app::AppSink| {
        let sample = sink.pull_sample().map_err(|_| gst::FlowError::Flushing)?;
        let offered = intake.take(&sample, &origin);
        if intake.tally.frames() == 1 {
            tell(&notes, Note::FirstFrame);
        }
        match offered {
            Ok(Offer::Taken) => Ok(gst::FlowSuccess::Ok),
            Ok(Offer::Closed) => {
                tell(&notes, Note::SinkClosed);
                Err(gst::FlowError::Eos)
            }
            Err(error) => {
                tell(&notes, Note::Fault(error));
                Err(gst::FlowError::Error)
            }
        }
    };
    sink.set_callbacks(gst_app::AppSinkCallbacks::builder().new_sample(take).build());
}

/// Tells the decoder that we read strides. 1.22's appsink does not answer for itself, and a decoder that hears nothing
/// copies each picture into a tightly packed buffer.
fn ask_for_strided_buffers(sink: &gst_app::AppSink) {
    let Some(pad) = sink.static_pad("sink") else { return };
    pad.add_probe(gst::PadProbeType::QUERY_DOWNSTREAM, |_, info| {
        if let Some(query) = info.query_mut()
            && let gst::QueryViewMut::Allocation(allocation) = query.view_mut()
        {
            allocation.add_allocation_meta::<gst_video::VideoMeta>(None);
            return gst::PadProbeReturn::Handled;
        }
        gst::PadProbeReturn::Ok
    });
}

impl Assembly {
    /// Something GStreamer refused that should have worked.
    pub(super) fn failed(&self, why: &str) -> MediaError {
        MediaError::Other { input: self.input.clone(), why: why.to_owned() }
    }
}

impl Tail {
    /// The channel for trouble.
    pub(super) fn assembly(&self) -> &Assembly {
        &self.assembly
    }

    /// The frame counter: whoever skips a picture counts it up.
    pub(super) fn skipped(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.sequence)
    }

    /// Puts parser and decoder between `source` and the fixed part.
    pub(super) fn decode(
        &self,
        pipeline: &gst::Pipeline,
        source: &gst::Pad,
        codec: &'static Codec,
    ) -> Result<(), MediaError> {
        let decoder = decoder::choose(codec, self.assembly.decoder, &self.assembly.input)?;
        let mut elements = Vec::with_capacity(2);
        if let Some(parser) = codec.parser {
            elements.push(require(parser)?);
        }
        elements.push(decoder.clone());
        if let Some(pad) = decoder.static_pad("sink") {
            self.guard_size(&pad, Some(&decoder));
        }
        let link = || {
            append(pipeline, &elements)?;
            decoder.link(&self.entry)?;
            let entry = elements[0].static_pad("sink").ok_or(gst::glib::bool_error!("no entry"))?;
            source.link(&entry).map(|_| ()).map_err(|e| gst::glib::bool_error!("{e}"))
        };
        link().map_err(|error| self.assembly.failed(&format!("{} cannot be linked: {error}", codec.name)))?;
        let decoder = decoder.factory().map(|f| f.name().to_string()).unwrap_or_default();
        tell(&self.assembly.notes, Note::Decoding { codec: codec.name, decoder });
        Ok(())
    }

    /// Links a stream that is not encoded.
    pub(super) fn accept_raw(&self, source: &gst::Pad) -> Result<(), MediaError> {
        let entry = self.entry.static_pad("sink");
        let linked = entry.is_some_and(|entry| source.link(&entry).is_ok());
        linked.then_some(()).ok_or_else(|| self.assembly.failed("raw video cannot be linked"))
    }

    /// Refuses pictures above the limit where their size is first known, before memory is taken for them; bounds the
    /// decoder's threads by the same size.
    fn guard_size(&self, pad: &gst::Pad, decoder: Option<&gst::Element>) {
        let (assembly, decoder) = (self.assembly.clone(), decoder.map(ObjectExt::downgrade));
        pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
            let Some((w, h)) = info.event().and_then(announced_size) else {
                return gst::PadProbeReturn::Ok;
            };
            let (pixels, max) = (u64::from(w) * u64::from(h), assembly.max_pixels);
            if pixels > max {
                let input = assembly.input.clone();
                tell(&assembly.notes, Note::Fault(MediaError::TooLarge { input, w, h, max }));
                // Not `Drop`: with it the binding frees the event and GStreamer complains of freeing it again.
                return gst::PadProbeReturn::Handled;
            }
            if let Some(decoder) = decoder.as_ref().and_then(gst::glib::WeakRef::upgrade) {
                decoder::bound_threads(&decoder, pixels);
            }
            gst::PadProbeReturn::Ok
        });
    }
}

/// Width and height in a caps event, if it is one and says so.
pub(super) fn announced_size(event: &gst::Event) -> Option<(u32, u32)> {
    let gst::EventView::Caps(caps) = event.view() else {
        return None;
    };
    let structure = caps.caps().structure(0)?;
    let side = |name| structure.get::<i32>(name).ok().and_then(|v| u32::try_from(v).ok());
    Some((side("width")?, side("height")?))
}
