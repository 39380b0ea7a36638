//! The pipelines: one per camera and attempt, built by hand.
//!
//! `decodebin` and its kin are not used: on GStreamer 1.22 some of them pick H.264 caps that corrupt multi-slice pictures
//! without a word, they choose decoders by rank instead of by our list, and their threads cannot be bounded. Files
//! ([`container`]) and networks ([`network`]) end in the same [`tail`]: parse, decode, convert only if need be, turn
//! upright, hand over. [`session`] owns a running pipeline; [`intake`] wraps each picture into a frame.

#[cfg(test)]
mod caps_fuzz;
mod catch_up;
mod codec;
mod container;
mod decoder;
mod elements;
mod encoded;
mod fault;
mod intake;
mod negotiate;
mod network;
mod origin;
mod quiet;
mod rtc;
mod screen;
mod session;
mod stamp;
mod stream;
mod tail;
mod teardown;
mod trust;
mod upright;

pub(super) use codec::{codec, codec_names};
pub(super) use container::open_file;
pub(super) use elements::{package_of, ready};
pub(super) use encoded::{Encoded, read_encoded};
pub(super) use intake::Delivery;
pub(super) use network::{Way, open_network};
pub(super) use rtc::{Rtc, Wanted};
pub(super) use screen::Screen;
pub(super) use session::{Note, Session};
pub(super) use stamp::{FileClock, SenderClock, Stamping};
pub(super) use stream::{RtmpBy, open_stream};
