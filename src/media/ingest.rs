//! One camera's run, from its first attempt to its end, on the calling thread. Which room does the work depends on the
//! source: [`super::playback`] for files, [`super::raw_file`] for uncompressed ones, [`super::live`] for networks, [`super::synthetic_camera`] for invented worlds.

use std::convert::Infallible;
use std::sync::Arc;

use crossbeam_channel::Receiver;

#[cfg(not(feature = "media"))]
use super::MediaError;
#[cfg(feature = "media")]
use super::callers::{RtspCaller, StreamCaller};
use super::watched::Watched;
use super::y4m::is_y4m;
use super::{
    CameraEnd, CameraInput, CameraReports, CameraState, Clock, FrameSink, SourceSpec, raw_file, synthetic_camera,
};

/// Everything a running camera needs besides its own description.
pub(super) struct Surroundings<'a> {
    /// Takes its frames.
    pub(super) sink: Arc<dyn FrameSink>,
    /// Hears how it is doing.
    pub(super) reports: Arc<dyn CameraReports>,
    /// Disconnected: stop.
    pub(super) stop: &'a Receiver<Infallible>,
    /// What time it is.
    pub(super) clock: Arc<dyn Clock>,
}

/// Runs one camera until its file ends, `stop` disconnects, its sink closes or nothing can help it. Blocks: give each
/// camera its own named thread; one camera's trouble then stays its own.
#[allow(clippy::needless_pass_by_value, reason = "a camera owns its description: callers hand it to its thread")]
pub fn run_camera(
    input: CameraInput,
    sink: Arc<dyn FrameSink>,
    reports: Arc<dyn CameraReports>,
    stop: &Receiver<Infallible>,
    clock: Arc<dyn Clock>,
) -> CameraEnd {
    let camera = input.camera.clone();
    let sink = match input.picture {
        Some(limits) => Arc::new(Watched::new(sink, Arc::clone(&reports), limits)),
        None => sink,
    };
    let around = Surroundings { sink, reports, stop, clock };
    around.reports.state(&camera, CameraState::Connecting, "");
    let end = run(&input, &around);
    let (state, detail) = last_words(&end);
    around.reports.state(&camera, state, &detail);
    end
}

#[cfg(feature = "media")]
fn run(input: &CameraInput, around: &Surroundings<'_>) -> CameraEnd {
    match input.source.clone() {
        SourceSpec::File { path, pace, repeat } if is_y4m(&path) => raw_file::play(input, &path, pace, repeat, around),
        SourceSpec::File { path, pace, repeat } => super::playback::play(input, &path, pace, repeat, around),
        SourceSpec::Rtsp(source) => super::live::run(input, RtspCaller::new(input, &source), around),
        SourceSpec::Stream(source) => super::live::run(input, StreamCaller::new(&source), around),
        SourceSpec::Whip(doors, ice) => super::webrtc::whip::run(input, &doors, &ice, around),
        #[cfg(feature = "server")]
        SourceSpec::Whep(source) => super::webrtc::whep::run(input, &source, around),
        #[cfg(not(feature = "server"))]
        SourceSpec::Whep(source) => CameraEnd::Failed(super::MediaError::NotBuilt { input: source.url }),
        SourceSpec::Synthetic(spec) => synthetic_camera::play(&input.camera, spec, around),
    }
}

#[cfg(not(feature = "media"))]
fn run(input: &CameraInput, around: &Surroundings<'_>) -> CameraEnd {
    let input = match input.source.clone() {
        SourceSpec::Synthetic(spec) => return synthetic_camera::play(&input.camera, spec, around),
        SourceSpec::File { path, pace, repeat } if is_y4m(&path) => {
            return raw_file::play(input, &path, pace, repeat, around);
        }
        SourceSpec::File { path, .. } => path.display().to_string(),
        SourceSpec::Rtsp(source) => source.url.to_string(),
        SourceSpec::Stream(source) => source.to_string(),
        SourceSpec::Whip(..) => format!("whip/{}", input.camera),
        SourceSpec::Whep(source) => source.url,
    };
    CameraEnd::Failed(MediaError::NotBuilt { input })
}

fn last_words(end: &CameraEnd) -> (CameraState, String) {
    match end {
        CameraEnd::Ended => (CameraState::Ended, String::new()),
        CameraEnd::Stopped => (CameraState::Stopped, String::new()),
        CameraEnd::SinkClosed => (CameraState::Stopped, "nobody takes its frames any more".to_owned()),
        CameraEnd::Failed(error) => (CameraState::Failed, error.to_string()),
    }
}
