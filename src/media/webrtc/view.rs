//! Somebody watches a camera (WHEP, as the server): their offer is answered, and a thread plays to them until they leave.
//! Next: `chain::screen`, the pipeline it plays through.

use std::thread::Builder;
use std::time::Duration;

use super::views::Pictures;
use super::{SdpOffer, ViewError, ViewTerms, Views};
use crate::media::MediaError;
use crate::media::chain::{self, Note, Screen};
use crate::scene::CameraId;

/// Longest wait for a camera's next picture.
const FIRST_PICTURE: Duration = Duration::from_secs(5);
/// A viewer who says nothing for so long was answered and never connected, or has vanished. Browsers say that they receive
/// once a second.
const SILENT: Duration = Duration::from_secs(15);
/// How often that is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// What viewers read: every browser does, and no encoder of it needs a licence.
const CODEC: &str = "VP8";

impl Views {
    /// Answers an offer to watch a camera, and plays until the viewer hangs up, [`leave`](Self::leave) is called with this
    /// session, or the camera goes.
    pub fn watch(
        &self,
        camera: &CameraId,
        session: &str,
        offer: &SdpOffer,
        terms: &ViewTerms,
    ) -> Result<String, ViewError> {
        chain::ready()?;
        let payload = offer.payload_of(CODEC).ok_or(ViewError::NoVp8)?;
        let pictures = self.join(camera, session, terms.most)?;
        let first = pictures.incoming.recv_timeout(FIRST_PICTURE);
        let first = first.map_err(|_| ViewError::NoPicture(camera.clone()))?;
        let name = format!("whep/{camera}");
        let mut screen = Screen::open(&terms.ice, &name, payload, &first.pixels)?;
        let answer = screen.answer(offer.sdp())?;
        let play = move || play(&mut screen, &pictures, &name);
        let spawned = Builder::new().name(format!("view-{camera}")).spawn(play);
        spawned.map_err(|why| MediaError::Other { input: format!("whep/{camera}"), why: why.to_string() })?;
        Ok(answer)
    }
}

/// Plays until either end has gone.
fn play(screen: &mut Screen, pictures: &Pictures, name: &str) {
    let look = crossbeam_channel::tick(LOOK);
    loop {
        crossbeam_channel::select! {
            recv(pictures.incoming) -> picture => match picture {
                Ok(picture) => screen.show(&picture.pixels),
                Err(_) => return tracing::info!(name, "a viewer was let go"),
            },
            recv(screen.notes()) -> note => match note {
                Ok(Note::Fault(cause)) => return tracing::info!(name, %cause, "a viewer left"),
                Ok(Note::End) | Err(_) => return,
                Ok(_) => {}
            },
            recv(look) -> _ => if screen.silence() > SILENT {
                return tracing::info!(name, "a viewer says nothing any more");
            },
        }
    }
}
