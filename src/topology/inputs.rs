//! A camera as the deployment file describes it becomes a camera as `media` runs it.

use crate::config::{self, Camera, Decoder, Source};
use crate::media::{
    CameraInput, Credentials, DecoderChoice, Doors, Ice, Limits, MediaError, Pace, PictureLimits, RtspSource,
    SourceSpec, StreamSource, SyntheticSpec, TlsTrust, Transport, ViewTerms, WhepSource,
};
use crate::memory::Size;

/// Everything `media` needs to run this camera.
pub(super) fn camera_input(camera: &Camera, doors: &Doors) -> Result<CameraInput, MediaError> {
    let mut input = CameraInput::new(camera.id.clone(), source(&camera.source, doors)?);
    input.decoder = match camera.decoder {
        Decoder::Auto => DecoderChoice::Auto,
        Decoder::Software => DecoderChoice::Software,
        Decoder::Nvdec => DecoderChoice::Nvdec,
    };
    let wait = &camera.wait;
    input.limits = Limits {
        connect: wait.connect,
        first_frame: wait.first_frame,
        stall: wait.stall,
        retry_min: wait.retry_min,
        retry_max: wait.retry_max,
        retry_refused: wait.retry_refused,
        retry_absent: wait.retry_absent,
    };
    input.picture = picture_limits(camera);
    if let (Some(width), Some(height)) = (camera.limits.width, camera.limits.height) {
        input.max_pixels = Size::new(width, height).area();
    }
    Ok(input)
}

/// Only what is live is judged: a file that shows black shows what it was made to show.
fn picture_limits(camera: &Camera) -> Option<PictureLimits> {
    let health = &camera.health;
    let is_live = !matches!(camera.source, Source::File { .. } | Source::Synthetic(_));
    (is_live && health.enabled).then(|| PictureLimits {
        after: health.after,
        clear_after: health.clear_after,
        frozen_after: health.frozen_after,
        black_below: health.black_below,
        overexposed_from: health.overexposed_from,
        garbage_from: health.garbage_from,
        blurred_below: health.blurred_below,
        changed_below: health.changed_below,
        size: health.width.zip(health.height).map(|(w, h)| Size::new(w, h)),
    })
}

fn source(source: &Source, doors: &Doors) -> Result<SourceSpec, MediaError> {
    Ok(match source {
        Source::File { path, pace: speed, repeat } => {
            SourceSpec::File { path: path.clone(), pace: pace(*speed), repeat: *repeat }
        }
        Source::Rtsp { url, credentials, transport, tls } => SourceSpec::Rtsp(RtspSource {
            credentials: credentials.as_ref().map(|c| Credentials::new(&c.user, c.password.expose())),
            transport: match transport {
                config::Transport::Auto => Transport::Auto,
                config::Transport::Tcp => Transport::Tcp,
                config::Transport::Udp => Transport::Udp,
            },
            tls: match tls {
                config::TlsTrust::System => TlsTrust::System,
                config::TlsTrust::Authority(file) => TlsTrust::Authority(file.clone()),
                config::TlsTrust::Pinned(fingerprint) => TlsTrust::Pinned(*fingerprint),
                config::TlsTrust::Anything => TlsTrust::Anything,
            },
            ..RtspSource::parse(url)?
        }),
        Source::Whip(by) => SourceSpec::Whip(doors.clone(), ice(by)),
        Source::Whep { url, token, ice: by } => SourceSpec::Whep(WhepSource {
            url: url.clone(),
            token: token.as_ref().map(|token| token.expose().to_owned()),
            ice: ice(by),
        }),
        Source::Stream { address, secret } => {
            let secret = secret.as_ref().map(|secret| secret.expose().to_owned());
            SourceSpec::Stream(StreamSource::parse(address, secret)?)
        }
        Source::Synthetic(made_up) => SourceSpec::Synthetic(synthetic(made_up)),
    })
}

fn ice(written: &config::Ice) -> Ice {
    let servers = written.servers.iter().map(|server| server.expose().to_owned()).collect();
    Ice { servers, addresses: written.addresses.clone() }
}

/// On what terms browsers may watch, as `media` wants it.
pub fn view_terms(view: &config::View) -> ViewTerms {
    ViewTerms { ice: ice(&view.ice), most: view.most }
}

fn pace(pace: config::Pace) -> Pace {
    match pace {
        config::Pace::Realtime => Pace::Realtime,
        config::Pace::Fast => Pace::Fast,
    }
}

fn synthetic(made_up: &config::Synthetic) -> SyntheticSpec {
    SyntheticSpec {
        size: Size::new(made_up.width, made_up.height),
        fps: made_up.fps.round().max(1.0) as u32,
        frames: (made_up.frames > 0).then_some(made_up.frames),
        shapes: made_up.faces as usize,
        seed: made_up.seed,
        pace: pace(made_up.pace),
        ..SyntheticSpec::default()
    }
}
