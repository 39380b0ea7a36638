//! The way out to a browser: pictures are encoded as VP8 and sent by `webrtcbin`. One pipeline a viewer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, bounded};
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;
use gstreamer_video::prelude::*;

use super::elements::{append, require};
use super::intake::Tally;
use super::rtc::{Rtc, watch_connection, webrtcbin};
use super::session::{Draft, Note};
use crate::media::{Clock, Ice, MediaError, SystemClock};
use crate::memory::{PixelFormat, Pixels};

/// Larger pictures are scaled down: a viewer looks, and an encoder's cost grows with every pixel.
const LARGEST: (i32, i32) = (1280, 720);
/// Bits a second and pixel of a picture: 1.8 Mbit/s for 1280×720.
const BITS_PER_PIXEL: u64 = 2;
/// Most pictures between two that stand for themselves; who lost one asks for the next earlier.
const KEY_EVERY: i32 = 60;
/// In which the first picture is encoded.
const ENCODED: Duration = Duration::from_secs(3);

/// What a viewer sees.
pub(in crate::media) struct Screen {
    rtc: Rtc,
    source: gst_app::AppSrc,
    shown: Option<gst_video::VideoInfo>,
    heard: Arc<Heard>,
}

/// When the viewer last said that it receives (RTCP, once a second or so). A vanished one says nothing, and nothing else
/// tells: with GStreamer 1.22 a killed browser was sent to for over a minute.
struct Heard {
    epoch: Instant,
    last: AtomicU64,
}

impl Screen {
    /// Opens a pipeline that sends pictures like this one under `payload`, the number the viewer gave to VP8.
    pub(in crate::media) fn open(ice: &Ice, name: &str, payload: u8, first: &Pixels) -> Result<Self, MediaError> {
        let draft = Draft::new(name);
        let failed = |why: &dyn ToString| MediaError::Other { input: name.to_owned(), why: why.to_string() };
        let source = source();
        let payloader = payloader(payload)?;
        let mut elements = vec![source.clone().upcast()];
        for element in ["videoconvert", "videoscale"] {
            elements.push(require(element)?);
        }
        elements.extend([bounded_size()?, encoder(first)?, payloader.clone()]);
        append(&draft.pipeline, &elements).map_err(|e| failed(&e))?;
        let bin = webrtcbin(ice)?;
        draft.pipeline.add(&bin).map_err(|e| failed(&e))?;
        watch_connection(&bin, name.to_owned(), draft.notes.clone());
        let pad = bin.request_pad_simple("sink_%u").ok_or_else(|| failed(&"webrtcbin takes no picture"))?;
        let exit = payloader.static_pad("src").ok_or_else(|| failed(&"no payload"))?;
        exit.link(&pad).map_err(|e| failed(&e))?;
        let encoded = first_packet(&exit);
        let heard = Arc::new(Heard { epoch: SystemClock.now(), last: AtomicU64::new(0) });
        heard.listen(&bin).ok_or_else(|| failed(&"webrtcbin has no rtpbin"))?;
        let tally = Tally::new(SystemClock.now()).into();
        let rtc = Rtc { bin, input: name.to_owned(), session: draft.start(tally) };
        let mut screen = Self { rtc, source, shown: None, heard };
        screen.show(first);
        // An answer made before webrtcbin knows what it sends would send nothing.
        encoded.recv_timeout(ENCODED).map_err(|_| failed(&"its picture could not be encoded in time"))?;
        Ok(screen)
    }

    /// Answers the viewer's offer.
    pub(in crate::media) fn answer(&self, offer: &str) -> Result<String, MediaError> {
        self.rtc.answer(offer)
    }

    /// What the pipeline says.
    pub(in crate::media) fn notes(&self) -> &Receiver<Note> {
        self.rtc.session.notes()
    }

    /// For how long the viewer has said nothing.
    pub(in crate::media) fn silence(&self) -> Duration {
        self.heard.silence()
    }

    /// Shows a picture, of whatever size.
    pub(in crate::media) fn show(&mut self, pixels: &Pixels) {
        let Some(info) = info(pixels) else { return };
        if self.shown.as_ref() != Some(&info) {
            self.source.set_caps(info.to_caps().ok().as_ref());
        }
        if let Some(buffer) = buffer(pixels, &info) {
            let _gone = self.source.push_buffer(buffer);
        }
        self.shown = Some(info);
    }
}

impl Heard {
    /// `None`: there is nothing to listen to.
    fn listen(self: &Arc<Self>, bin: &gst::Element) -> Option<()> {
        let heard = Arc::clone(self);
        let manager = bin.downcast_ref::<gst::Bin>()?.by_name("rtpbin")?;
        manager.connect_pad_added(move |_, pad| {
            let heard = Arc::clone(&heard);
            if pad.name().starts_with("recv_rtcp_sink") {
                pad.add_probe(gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST, move |_, _| {
                    heard.last.store(heard.epoch.elapsed().as_millis() as u64, Ordering::Relaxed);
                    gst::PadProbeReturn::Ok
                });
            }
        });
        Some(())
    }

    fn silence(&self) -> Duration {
        let last = Duration::from_millis(self.last.load(Ordering::Relaxed));
        self.epoch.elapsed().saturating_sub(last)
    }
}

fn source() -> gst_app::AppSrc {
    gst_app::AppSrc::builder()
        .is_live(true)
        .do_timestamp(true)
        .format(gst::Format::Time)
        .max_buffers(1)
        .leaky_type(gst_app::AppLeakyType::Downstream)
        .build()
}

fn bounded_size() -> Result<gst::Element, MediaError> {
    let filter = require("capsfilter")?;
    let (width, height) = (gst::IntRange::new(1, LARGEST.0), gst::IntRange::new(1, LARGEST.1));
    let caps = gst::Caps::builder("video/x-raw").field("width", width).field("height", height);
    filter.set_property("caps", caps.field("pixel-aspect-ratio", gst::Fraction::new(1, 1)).build());
    Ok(filter)
}

/// As quick as it goes: a late picture is worth less than a coarse one.
fn encoder(first: &Pixels) -> Result<gst::Element, MediaError> {
    let encoder = require("vp8enc")?;
    let most = (LARGEST.0 * LARGEST.1) as u64;
    encoder.set_property("target-bitrate", (first.size().area().min(most) * BITS_PER_PIXEL).max(200_000) as i32);
    encoder.set_property("deadline", 1_i64);
    encoder.set_property("cpu-used", 8);
    encoder.set_property("threads", 1);
    encoder.set_property("lag-in-frames", 0);
    encoder.set_property("keyframe-max-dist", KEY_EVERY);
    encoder.set_property_from_str("end-usage", "cbr");
    Ok(encoder)
}

fn payloader(payload: u8) -> Result<gst::Element, MediaError> {
    let payloader = require("rtpvp8pay")?;
    payloader.set_property("pt", u32::from(payload));
    // Numbered pictures let the other end tell a lost one from a late one (RFC 7741, section 4.2).
    payloader.set_property_from_str("picture-id-mode", "15-bit");
    Ok(payloader)
}

/// Heard when the first packet leaves.
fn first_packet(exit: &gst::Pad) -> Receiver<()> {
    let (tell, heard) = bounded(1);
    exit.add_probe(gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST, move |_, _| {
        let _told = tell.try_send(());
        gst::PadProbeReturn::Remove
    });
    heard
}

fn info(pixels: &Pixels) -> Option<gst_video::VideoInfo> {
    let format = match pixels.format() {
        PixelFormat::Nv12 => gst_video::VideoFormat::Nv12,
        PixelFormat::I420 => gst_video::VideoFormat::I420,
        PixelFormat::Rgb => gst_video::VideoFormat::Rgb,
    };
    gst_video::VideoInfo::builder(format, pixels.size().w, pixels.size().h).build().ok()
}

/// The picture in memory of the encoder's own: it may be gone long before the encoder has seen it.
fn buffer(pixels: &Pixels, info: &gst_video::VideoInfo) -> Option<gst::Buffer> {
    let mut buffer = gst::Buffer::with_size(info.size()).ok()?;
    let mut frame = gst_video::VideoFrameRef::from_buffer_ref_writable(buffer.get_mut()?, info).ok()?;
    for plane in 0..pixels.format().planes() {
        let (row, rows) = pixels.format().plane_extent(plane, pixels.size());
        let (bytes, stride) = pixels.plane(plane);
        let step = usize::try_from(*frame.plane_stride().get(plane)?).ok()?;
        let target = frame.plane_data_mut(plane as u32).ok()?;
        for (to, from) in target.chunks_mut(step).zip(bytes.chunks(stride)).take(rows) {
            to[..row].copy_from_slice(&from[..row]);
        }
    }
    drop(frame);
    Some(buffer)
}
