//! Whether a picture that is handed over lies where its decoder put it. Compares addresses: a conversion, a repacking, a
//! download and a mapping that gathers pieces all end elsewhere.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use gstreamer as gst;
use gstreamer::prelude::*;

/// Where the decoder's latest picture lies. Decoder and hand-over share one thread, with no queue between them, so the latest
/// picture is the one handed over.
#[derive(Debug, Default)]
pub(super) struct Origin {
    start: AtomicUsize,
    end: AtomicUsize,
}

impl Origin {
    /// Notes where each picture lies that passes `pad`.
    pub(super) fn note(self: &Arc<Self>, pad: &gst::Pad) {
        let origin = Arc::clone(self);
        pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
            let (start, end) = info.buffer().and_then(|picture| place(picture)).unwrap_or_default();
            origin.start.store(start, Ordering::Relaxed);
            origin.end.store(end, Ordering::Relaxed);
            gst::PadProbeReturn::Ok
        });
    }

    /// Whether these bytes are part of that picture.
    pub(super) fn holds(&self, bytes: &[u8]) -> bool {
        let at = bytes.as_ptr() as usize;
        self.start.load(Ordering::Relaxed) <= at && at + bytes.len() <= self.end.load(Ordering::Relaxed)
    }
}

/// First and last address; `None` for memory of a device, which cannot be read without a copy.
fn place(picture: &gst::BufferRef) -> Option<(usize, usize)> {
    let memory = (picture.n_memory() > 0).then(|| picture.peek_memory(0))?;
    if !memory.is_type("SystemMemory") {
        return None;
    }
    let bytes = memory.map_readable().ok()?;
    Some((bytes.as_ptr() as usize, bytes.as_ptr() as usize + bytes.len()))
}
