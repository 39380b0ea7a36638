//! WebRTC cameras: whoever sends to us (WHIP), and servers we ask for their stream (WHEP).
//!
//! [`offer`] looks at what a stranger sent before GStreamer does. [`doors`] are where the HTTP server hands callers over to
//! the camera they want to send for; [`whip`] is such a camera, [`whep`] one that calls out. Both watch their session the
//! same way ([`watch`]). [`views`] are those who watch a camera, and [`view`] plays to them. The pipelines are in `chain`.

mod doors;
mod offer;
#[cfg(feature = "media")]
mod view;
mod views;
#[cfg(feature = "media")]
mod watch;
#[cfg(all(feature = "media", feature = "server"))]
pub(super) mod whep;
#[cfg(feature = "media")]
pub(super) mod whip;

pub use doors::{Doors, Refused};
#[cfg(feature = "media")]
pub(super) use offer::TRANSPORT_CC;
pub use offer::{LONGEST_OFFER, OfferError, SdpOffer};
pub use views::{ViewError, ViewTerms, Views};

#[cfg(feature = "media")]
use doors::{Call, Knock, Visitors};
