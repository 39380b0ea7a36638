//! A camera that is another server's WebRTC stream: asks for it (WHEP), shows what comes, and asks again when it is lost.

use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::RecvTimeoutError;
use ureq::http::{Response, StatusCode, header};

use super::watch::{Over, Watch};
use super::{Knock, LONGEST_OFFER};
use crate::media::backoff::Backoff;
use crate::media::chain::{self, Rtc};
use crate::media::ingest::Surroundings;
use crate::media::{CameraEnd, CameraInput, CameraState, MediaError, Remedy, WhepSource};

/// A camera that delivered this many frames had recovered; its next loss starts with a short pause again.
const SETTLED_AFTER: u64 = 30;
/// How long a server may take over our goodbye.
const GOODBYE: Duration = Duration::from_secs(1);

/// Runs the camera until told to stop.
pub(in crate::media) fn run(input: &CameraInput, source: &WhepSource, around: &Surroundings<'_>) -> CameraEnd {
    let watch = Watch { input, around, name: source.url.clone(), way: "whep", sequence: Arc::default() };
    let mut backoff = Backoff::new(input.limits, &input.camera);
    loop {
        let begun = around.clock.now();
        let lost = match attempt(&watch, source, &mut backoff) {
            Over::Camera(end) => return end,
            Over::Goodbye => MediaError::Hangup { input: source.url.clone() },
            Over::Lost(error) => error,
        };
        if lost.remedy() == Remedy::GiveUp {
            return CameraEnd::Failed(lost);
        }
        let pause = backoff.pause(lost.remedy(), around.clock.now().saturating_duration_since(begun));
        around.reports.state(&input.camera, state_after(&lost, pause), &lost.to_string());
        if matches!(around.stop.recv_timeout(pause), Err(RecvTimeoutError::Disconnected)) {
            return CameraEnd::Stopped;
        }
        around.reports.state(&input.camera, CameraState::Connecting, "whep");
    }
}

fn attempt(watch: &Watch<'_>, source: &WhepSource, backoff: &mut Backoff) -> Over {
    let (rtc, asked) = match open(watch, source) {
        Ok(opened) => opened,
        Err(error) => return Over::Lost(error),
    };
    // Nobody knocks at a camera that calls out itself.
    let nobody = crossbeam_channel::never::<Knock>();
    let over = watch.run(&rtc.session, &nobody, "");
    if rtc.session.progress().frames >= SETTLED_AFTER {
        backoff.settled();
    }
    asked.goodbye();
    over
}

/// A stream that was granted.
struct Asked<'a> {
    source: &'a WhepSource,
    agent: ureq::Agent,
    place: Option<String>,
}

fn open<'a>(watch: &Watch<'_>, source: &'a WhepSource) -> Result<(Rtc, Asked<'a>), MediaError> {
    chain::ready()?;
    let input = watch.input;
    let rtc = Rtc::open(&source.ice, None, (input.decoder, input.max_pixels), watch.delivery())?;
    let offer = rtc.offer()?;
    let config = ureq::Agent::config_builder().timeout_global(Some(input.limits.connect)).http_status_as_error(false);
    let mut asked = Asked { source, agent: config.max_redirects(0).build().into(), place: None };
    let answer = asked.ask(&offer)?;
    rtc.accept(&answer)?;
    Ok((rtc, asked))
}

impl Asked<'_> {
    fn ask(&mut self, offer: &str) -> Result<String, MediaError> {
        let request = self.agent.post(&self.source.url).content_type("application/sdp");
        let request = match self.bearer() {
            Some(bearer) => request.header(header::AUTHORIZATION, bearer),
            None => request,
        };
        let mut answer = request.send(offer).map_err(|cause| self.unreachable(&cause))?;
        self.check(&answer)?;
        let place = answer.headers().get(header::LOCATION).and_then(|place| place.to_str().ok());
        self.place = place.map(|place| absolute(&self.source.url, place));
        let body = answer.body_mut().with_config().limit(LONGEST_OFFER as u64).read_to_string();
        body.map_err(|cause| self.unreachable(&cause))
    }

    fn check<B>(&self, answer: &Response<B>) -> Result<(), MediaError> {
        let input = self.source.url.clone();
        match answer.status() {
            StatusCode::CREATED | StatusCode::OK => Ok(()),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(MediaError::Unauthorized { input }),
            StatusCode::NOT_FOUND => Err(MediaError::NoSuchStream { input }),
            status => Err(MediaError::Unreachable { input, why: format!("it answers {status}") }),
        }
    }

    fn bearer(&self) -> Option<String> {
        self.source.token.as_ref().map(|token| format!("Bearer {token}"))
    }

    fn unreachable(&self, cause: &ureq::Error) -> MediaError {
        MediaError::Unreachable { input: self.source.url.clone(), why: cause.to_string() }
    }

    /// Says that we leave, so that the server need not find out. The token goes to the server it was given for, only.
    fn goodbye(self) {
        let Some(place) = self.place.as_ref().filter(|place| server(place) == server(&self.source.url)) else { return };
        let request = self.agent.delete(place).config().timeout_global(Some(GOODBYE)).build();
        let request = match self.bearer() {
            Some(bearer) => request.header(header::AUTHORIZATION, bearer),
            None => request,
        };
        let _nobody_left_to_tell = request.call();
    }
}

/// `https://host:port` of an address.
fn server(url: &str) -> &str {
    let start = url.find("://").map_or(0, |at| at + 3);
    url[start..].find('/').map_or(url, |at| &url[..start + at])
}

/// A `Location` as an address of its own.
fn absolute(url: &str, place: &str) -> String {
    if place.contains("://") {
        return place.to_owned();
    }
    if place.starts_with('/') {
        return format!("{}{place}", server(url));
    }
    let folder = url.rfind('/').map_or(url, |at| &url[..=at]);
    format!("{folder}{place}")
}

fn state_after(error: &MediaError, retry_in: Duration) -> CameraState {
    match error {
        MediaError::Unauthorized { .. } => CameraState::AuthenticationFailed { retry_in },
        MediaError::Unreachable { .. } => CameraState::Unreachable { retry_in },
        MediaError::NoSuchStream { .. } | MediaError::UnsupportedCodec { .. } => CameraState::Unusable { retry_in },
        _ => CameraState::Lost { retry_in },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_read_as_browsers_read_it() {
        let url = "https://media.example:8443/whep/gate";
        assert_eq!(server(url), "https://media.example:8443");
        assert_eq!(absolute(url, "/s/1"), "https://media.example:8443/s/1");
        assert_eq!(absolute(url, "s1"), "https://media.example:8443/whep/s1");
        assert_eq!(absolute(url, "https://other.example/x"), "https://other.example/x");
        assert_ne!(server("https://other.example/x"), server(url), "our token is not for them");
    }
}
