//! A camera that others send for: waits at its door, answers the first caller, shows what comes, and waits again.

use std::sync::Arc;
use std::time::Duration;

use super::watch::{Over, Watch};
use super::{Call, Doors, Knock, Refused, Visitors};
use crate::media::chain::{self, Rtc, Wanted};
use crate::media::ingest::Surroundings;
use crate::media::{CameraEnd, CameraInput, CameraState, Ice, MediaError};

/// Runs the camera until told to stop.
pub(in crate::media) fn run(input: &CameraInput, doors: &Doors, ice: &Ice, around: &Surroundings<'_>) -> CameraEnd {
    if let Err(error) = chain::ready() {
        return CameraEnd::Failed(error);
    }
    let visitors = doors.open(&input.camera);
    let name = format!("whip/{}", input.camera);
    let watch = Watch { input, around, name, way: "whip", sequence: Arc::default() };
    loop {
        around.reports.state(&input.camera, CameraState::Connecting, "waiting for a sender");
        let Some(call) = next_call(&visitors, around) else { return CameraEnd::Stopped };
        match serve(call, &watch, ice, &visitors) {
            Over::Camera(end) => return end,
            Over::Goodbye => {}
            Over::Lost(error) => {
                let lost = CameraState::Lost { retry_in: Duration::ZERO };
                around.reports.state(&input.camera, lost, &error.to_string());
            }
        }
    }
}

/// The next who wants to send; `None` when told to stop.
fn next_call(visitors: &Visitors, around: &Surroundings<'_>) -> Option<Call> {
    loop {
        crossbeam_channel::select! {
            recv(around.stop) -> _ => return None,
            recv(visitors.knocks()) -> knock => match knock.ok()? {
                Knock::Call(call) => return Some(call),
                Knock::Goodbye(_, was_there) => drop(was_there.send(false)),
            },
        }
    }
}

fn serve(call: Call, watch: &Watch<'_>, ice: &Ice, visitors: &Visitors) -> Over {
    let Call { offer, session, answer: reply } = call;
    let open = || -> Result<(Rtc, String), MediaError> {
        let wanted = Wanted { codec: offer.codec(), transport_cc: offer.transport_cc() };
        let input = watch.input;
        let rtc = Rtc::open(ice, Some(wanted), (input.decoder, input.max_pixels), watch.delivery())?;
        let answer = rtc.answer(offer.sdp())?;
        Ok((rtc, answer))
    };
    match open() {
        Ok((rtc, answer)) => {
            // A caller who did not wait for the answer will not send either.
            if reply.send(Ok(answer)).is_err() {
                return Over::Goodbye;
            }
            watch.run(&rtc.session, visitors.knocks(), &session)
        }
        Err(error) => {
            tracing::warn!(camera = %watch.input.camera, %error, "a sender was refused");
            let _gone = reply.send(Err(Refused::Media(error)));
            Over::Goodbye
        }
    }
}
