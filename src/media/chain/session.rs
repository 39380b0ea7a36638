//! A running pipeline and what it says. Everything it says comes through one bounded channel, so that the thread that
//! watches it can wait for news, for the order to stop and for a deadline at the same time, and never polls.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};
use gstreamer as gst;
use gstreamer::prelude::*;

use super::fault;
use super::intake::Tally;
use super::teardown;
use crate::media::MediaError;

/// A pipeline says a handful of things in its life; the first fault is the one that counts, so a full channel loses
/// nothing of worth.
const NOTES: usize = 16;

/// Something a pipeline says.
#[derive(Debug)]
pub(in crate::media) enum Note {
    /// The sender has started its stream.
    Connected,
    /// A decoder was chosen.
    Decoding {
        /// The codec's name.
        codec: &'static str,
        /// The element's name.
        decoder: String,
    },
    /// The first frame was handed over.
    FirstFrame,
    /// The stream is over.
    End,
    /// The sink takes no more frames.
    SinkClosed,
    /// It cannot go on.
    Fault(MediaError),
}

/// Says something without ever blocking a streaming thread.
pub(super) fn tell(notes: &Sender<Note>, note: Note) {
    let _ = notes.try_send(note);
}

/// What an attempt has delivered so far.
#[derive(Clone, Copy, Debug)]
pub(in crate::media) struct Progress {
    /// Frames handed over.
    pub(in crate::media) frames: u64,
    /// When the last one came.
    pub(in crate::media) last: Option<Instant>,
    /// End of the last picture, as position in the stream.
    pub(in crate::media) reached: Duration,
}

/// A pipeline that plays. Dropping it takes the pipeline down on another thread, within a deadline.
pub(in crate::media) struct Session {
    pipeline: Option<gst::Pipeline>,
    notes: Receiver<Note>,
    tally: Arc<Tally>,
}

/// A pipeline not yet started, and both ends of its notes.
pub(super) struct Draft {
    pub(super) pipeline: gst::Pipeline,
    pub(super) notes: Sender<Note>,
    heard: Receiver<Note>,
}

impl Draft {
    /// An empty pipeline for an input.
    pub(super) fn new(input: &str) -> Self {
        let (notes, heard) = crossbeam_channel::bounded(NOTES);
        let pipeline = gst::Pipeline::new();
        if let Some(bus) = pipeline.bus() {
            let (notes, input) = (notes.clone(), input.to_owned());
            // Messages are read on the thread that posts them and dropped: nothing is left to pile up on the bus.
            bus.set_sync_handler(move |_, message| {
                if let Some(note) = fault::read(message, &input) {
                    tell(&notes, note);
                }
                gst::BusSyncReply::Drop
            });
        }
        Self { pipeline, notes, heard }
    }

    /// Sets the pipeline playing. What goes wrong from here on comes as a note.
    pub(super) fn start(self, tally: Arc<Tally>) -> Session {
        let _ = self.pipeline.set_state(gst::State::Playing);
        Session { pipeline: Some(self.pipeline), notes: self.heard, tally }
    }
}

impl Session {
    /// What the pipeline says.
    pub(in crate::media) fn notes(&self) -> &Receiver<Note> {
        &self.notes
    }

    /// How long the input says it is, if it says so.
    pub(in crate::media) fn length(&self) -> Option<Duration> {
        let length = self.pipeline.as_ref()?.query_duration::<gst::ClockTime>()?;
        Some(length.into())
    }

    /// What it has delivered.
    pub(in crate::media) fn progress(&self) -> Progress {
        Progress { frames: self.tally.frames(), last: self.tally.last(), reached: self.tally.reached() }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(pipeline) = self.pipeline.take() {
            teardown::take_down(pipeline);
        }
    }
}
