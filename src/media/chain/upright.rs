//! Pictures of a camera held sideways are turned upright, where the stream says so. 1.22's videoflip copies every picture, also
//! those that it has nothing to do with, so it is put in only then.

use std::sync::atomic::{AtomicBool, Ordering};

use gstreamer as gst;
use gstreamer::prelude::*;

use super::elements::require;
use super::session::{Note, tell};
use super::tail::Assembly;

/// Watches what comes to `pad`, which belongs to the first of two linked elements; a turner is put between them when it is needed.
pub(super) fn turn_when_told(
    pipeline: &gst::Pipeline,
    pad: &gst::Pad,
    [before, after]: &[gst::Element; 2],
    assembly: &Assembly,
) {
    let (pipeline, before, after) = (pipeline.downgrade(), before.downgrade(), after.downgrade());
    let (assembly, done) = (assembly.clone(), AtomicBool::new(false));
    pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
        if !info.event().is_some_and(is_on_its_side) || done.swap(true, Ordering::Relaxed) {
            return gst::PadProbeReturn::Ok;
        }
        if let (Some(pipeline), Some(before), Some(after)) = (pipeline.upgrade(), before.upgrade(), after.upgrade())
            && let Err(error) = turn(&pipeline, &before, &after)
        {
            let why = format!("its pictures cannot be turned upright: {error}");
            tell(&assembly.notes, Note::Fault(assembly.failed(&why)));
        }
        gst::PadProbeReturn::Ok
    });
}

fn is_on_its_side(event: &gst::Event) -> bool {
    let gst::EventView::Tag(tag) = event.view() else { return false };
    tag.tag().get::<gst::tags::ImageOrientation>().is_some_and(|way| way.get() != "rotate-0")
}

/// On the thread that brings the pictures, so none is on its way past this point. What was said before is said again to the new neighbour.
fn turn(
    pipeline: &gst::Pipeline,
    before: &gst::Element,
    after: &gst::Element,
) -> Result<(), Box<dyn std::error::Error>> {
    let upright = require("videoflip")?;
    upright.set_property_from_str("video-direction", "auto");
    pipeline.add(&upright)?;
    before.unlink(after);
    upright.link(after)?;
    upright.sync_state_with_parent()?;
    Ok(before.link(&upright)?)
}
