//! What GStreamer's messages mean for us. Debug texts are left out: they repeat addresses and file offsets; progress
//! messages are never read, because they repeat whole URIs.

use gstreamer as gst;
use gstreamer::prelude::*;

use super::Note;
use super::decoder::is_hardware;
use crate::media::MediaError;

/// Elements that connect: what they say is about the line, not about a file.
const SOURCES: [&str; 7] = ["rtspsrc", "souphttpsrc", "hlsdemux2", "srtsrc", "rtmp2src", "rtmpsrc", "v4l2src"];

/// The note a bus message is worth, if any.
pub(super) fn read(message: &gst::MessageRef, input: &str) -> Option<Note> {
    match message.view() {
        gst::MessageView::Eos(_) => Some(Note::End),
        gst::MessageView::Error(error) => {
            let element = message.src().map(factory_name).unwrap_or_default();
            tracing::debug!(input, element, error = %error.error(), "GStreamer error");
            Some(Note::Fault(explain(&error.error(), input, &element)))
        }
        // rtspsrc noticed by itself that its sender fell silent.
        gst::MessageView::Element(element) if element.structure()?.name() == "GstRTSPSrcTimeout" => Some(Note::End),
        _ => None,
    }
}

/// The kind of element that speaks: its instance name holds a counter, which tells people nothing.
fn factory_name(source: &gst::Object) -> String {
    let factory = source.downcast_ref::<gst::Element>().and_then(gst::prelude::ElementExt::factory);
    factory.map_or_else(|| source.name().to_string(), |f| f.name().to_string())
}

fn explain(error: &gst::glib::Error, input: &str, element: &str) -> MediaError {
    let (input, why) = (input.to_owned(), error.message().trim_end_matches('.').to_owned());
    let is_source = SOURCES.contains(&element);
    if is_hardware(element) || element.starts_with("avdec_") || element.ends_with("dec") {
        let element = element.to_owned();
        return MediaError::Decoder { input, element, why };
    }
    if let Some(kind) = error.kind::<gst::ResourceError>() {
        return of_resource(kind, input, why, is_source);
    }
    match error.kind::<gst::StreamError>() {
        Some(gst::StreamError::TypeNotFound) => {
            MediaError::NotVideo { input, found: "its first bytes match nothing we know".to_owned() }
        }
        // rtspsrc: every stream on offer was refused, or none is video. It has no error code of its own for that.
        Some(gst::StreamError::CodecNotFound) if element == "rtspsrc" => MediaError::TransportRefused { input },
        Some(_) if is_source => MediaError::Hangup { input },
        Some(_) => MediaError::Damaged { input, why },
        None => MediaError::Other { input, why },
    }
}

fn of_resource(kind: gst::ResourceError, input: String, why: String, is_source: bool) -> MediaError {
    use gst::ResourceError as R;
    match kind {
        R::NotAuthorized => MediaError::Unauthorized { input },
        R::NotFound => MediaError::NoSuchStream { input },
        R::OpenRead | R::OpenWrite | R::OpenReadWrite if is_source => MediaError::Unreachable { input, why },
        R::Read | R::Write | R::Close | R::Sync if is_source => MediaError::Hangup { input },
        _ => MediaError::Other { input, why },
    }
}
