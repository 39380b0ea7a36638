//! Which decoder decodes: the first of our list that opens. NVDEC elements register even where no session is free, so
//! each candidate is brought to READY, which opens its device, before it is believed.

use gstreamer as gst;
use gstreamer::prelude::*;

use super::codec::Codec;
use super::elements::missing;
use crate::media::{DecoderChoice, MediaError};

/// Software decoding threads for pictures up to [`ONE_THREAD_PIXELS`]; the default would be one a core and camera.
const THREADS: i32 = 1;
/// Above full HD one core may not keep up with a camera.
const THREADS_LARGE: i32 = 2;
/// 1920×1088, the coded size of full HD.
const ONE_THREAD_PIXELS: u64 = 1920 * 1088;

/// A decoder that opens.
pub(super) fn choose(codec: &'static Codec, choice: DecoderChoice, input: &str) -> Result<gst::Element, MediaError> {
    let hardware = if choice == DecoderChoice::Software { &[] } else { codec.hardware };
    let software = if choice == DecoderChoice::Nvdec { &[] } else { codec.software };
    let opened = hardware.iter().chain(software).find_map(|name| open(name));
    opened.ok_or_else(|| match choice {
        DecoderChoice::Nvdec => MediaError::NoHardwareDecoder { input: input.to_owned(), codec: codec.name },
        _ => missing(codec.software.first().copied().unwrap_or(codec.name)),
    })
}

fn open(name: &str) -> Option<gst::Element> {
    let decoder = gst::ElementFactory::make(name).build().ok()?;
    let opens = decoder.set_state(gst::State::Ready).is_ok();
    // Back to NULL either way: the pipeline brings it up again together with its neighbours.
    let _ = decoder.set_state(gst::State::Null);
    if !opens {
        tracing::warn!(decoder = name, "this decoder is installed but does not open");
    }
    opens.then_some(decoder)
}

/// Whether an element decodes on a device.
pub(super) fn is_hardware(factory: &str) -> bool {
    factory.starts_with("nv")
}

/// Bounds a software decoder's threads by picture size. Call before the decoder sees its caps: it opens then.
pub(super) fn bound_threads(decoder: &gst::Element, pixels: u64) {
    let threads = if pixels > ONE_THREAD_PIXELS { THREADS_LARGE } else { THREADS };
    if decoder.has_property_with_type("max-threads", i32::static_type()) {
        decoder.set_property("max-threads", threads);
    } else if decoder.has_property_with_type("threads", u32::static_type()) {
        decoder.set_property("threads", threads as u32);
    }
}
