//! GStreamer in one room: files, RTSP, WebRTC, HLS, SRT, RTMP and devices in, frames out.
//!
//! [`input`] says what a camera is and [`report`] where its frames and its news go; [`run_camera`] does the work on the
//! calling thread. Files play in [`playback`], uncompressed ones in `raw_file`; network cameras live in [`live`], which opens one fresh pipeline an
//! attempt (by one of `callers`) and keeps trying; `picture` judges what they show; [`chain`] holds the pipelines themselves: demux or depay, parse, decode, hand over. Without
//! the `media` feature the types, uncompressed files and the synthetic camera remain. Next room: `flow`, whose lanes take the frames.

mod address;
#[cfg(feature = "media")]
mod backoff;
#[cfg(feature = "media")]
mod callers;
#[cfg(feature = "media")]
mod chain;
#[cfg(feature = "media")]
mod health;
mod ingest;
mod input;
#[cfg(feature = "media")]
mod live;
mod picture;
#[cfg(feature = "media")]
mod playback;
#[cfg(feature = "media")]
pub mod plugins;
mod problem;
mod raw_file;
mod report;
#[cfg(feature = "media")]
mod sample_camera;
#[cfg(feature = "media")]
mod sender_bias;
mod stream;
mod synthetic;
mod synthetic_camera;
mod watched;
mod webrtc;
mod y4m;

pub use address::{Credentials, RtspUrl};
pub use ingest::run_camera;
pub use input::{
    CameraInput, DEFAULT_MAX_PIXELS, DecoderChoice, Ice, Limits, Pace, RtspSource, SourceSpec, TlsTrust, Transport,
    WhepSource,
};
pub use picture::{Evidence, PictureLimits, PictureState};
#[cfg(feature = "media")]
pub use playback::{Summary, decode_file};
pub use problem::{MediaError, Remedy};
pub use report::{CameraEnd, CameraReports, CameraState, Clock, ClockReading, FrameSink, Offer, SystemClock};
#[cfg(feature = "media")]
pub use sample_camera::{RunningSampleCamera, SampleCamera};
pub use stream::{StreamKind, StreamSource};
pub use synthetic::{BACKGROUND_MAX, MAX_SHAPES, SHAPE_LUMA, SHAPE_STEP, Shape, SyntheticSpec, SyntheticWorld};
pub use webrtc::{Doors, LONGEST_OFFER, OfferError, Refused, SdpOffer, ViewError, ViewTerms, Views};
pub use y4m::is_y4m;
