//! The HTTP server: is it well, how does it fare, which cameras are there, what happens, and a way in for pictures.
//!
//! ```text
//! GET    /healthz                  the process answers                              anybody
//! GET    /readyz                   cameras are there and nothing is ending          anybody
//! GET    /metrics                  OpenMetrics text; every name is in [`METRICS`]   read
//! GET    /api/v1/cameras           cameras and how they fare                        read
//! POST   /api/v1/cameras           adds one, written as in a deployment, in JSON    control
//! DELETE /api/v1/cameras/{id}      removes one                                      control
//! GET    /api/v1/events            server-sent events, for browsers                 read
//! GET    /api/v1/history           events of one source since a number              read
//! POST   /whip/{camera}            WebRTC in: an SDP offer, answered                publish
//! DELETE /whip/{camera}/{session}  ends that session                                publish
//! GET    /                         a page that shows the events                     anybody
//! ```
//! [`state`](Desk) is what all of it looks at. A request passes [`door`] (where from, who), then one of [`health`],
//! [`cameras`], [`feed`], [`history`], [`whip`]; [`metrics`] and [`figures`] write down numbers, [`problem`] says what was wrong, and
//! [`listen`] is the server itself. Frames never come here; only words about them do.

mod cameras;
mod door;
mod feed;
mod figures;
mod health;
mod history;
mod listen;
mod metrics;
mod problem;
mod routes;
mod state;
mod tokens;
mod whep;
mod whip;

pub use feed::Feed;
pub use listen::{ListenError, Listening, Serving};
pub use metrics::{METRICS, Metric, MetricKind};
pub use state::Desk;
