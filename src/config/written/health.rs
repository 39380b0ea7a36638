//! `wait` and `health` of a `[[camera]]`: patience with its network, and what counts as a bad picture.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{media, stages::duration};

/// How long a network camera is waited for, and how long it rests between attempts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Wait {
    /// From the start of an attempt until the camera starts its stream.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Written")]
    pub connect: Duration,
    /// From there to the first decoded frame; longer than the camera's key-frame interval.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Written")]
    pub first_frame: Duration,
    /// Between two frames.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Written")]
    pub stall: Duration,
    /// First pause before another attempt; doubles with each failure.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Written")]
    pub retry_min: Duration,
    /// Longest pause between attempts.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Written")]
    pub retry_max: Duration,
    /// Pause after a refused password: cameras lock accounts after a few wrong ones.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Written")]
    pub retry_refused: Duration,
    /// Pause when the camera has no such stream, or none we can show.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Written")]
    pub retry_absent: Duration,
}

/// When a camera's picture counts as bad. Looked at once a second.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Health {
    /// Whether pictures are judged at all.
    pub enabled: bool,
    /// How long a picture must be bad before that is said.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Written")]
    pub after: Duration,
    /// How long it must be good again before that is said.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Written")]
    pub clear_after: Duration,
    /// Not one sample of the picture changed for this long: frozen.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Written")]
    pub frozen_after: Duration,
    /// Black: mean luma below this, 0 to 255.
    #[schemars(range(min = 0, max = 255))]
    pub black_below: f32,
    /// Overexposed: this share of the picture is burnt out, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub overexposed_from: f32,
    /// Garbage: this share of the picture is green or noise, as broken decoding shows it, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub garbage_from: f32,
    /// Out of focus: sharpness below this share of what the camera has shown before, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub blurred_below: f32,
    /// Scene changed (moved or covered): likeness with the scene so far below this, -1 to 1.
    #[schemars(range(min = -1.0, max = 1.0))]
    pub changed_below: f32,
    /// The width its pictures should have, in pixels. Default: any.
    #[schemars(range(min = 16, max = 7680))]
    pub width: Option<u32>,
    /// The height its pictures should have, in pixels. Default: any.
    #[schemars(range(min = 16, max = 4320))]
    pub height: Option<u32>,
}

impl Default for Wait {
    /// What a camera is given that no deployment speaks of.
    fn default() -> Self {
        let usual = media::Limits::default();
        Self {
            connect: usual.connect,
            first_frame: usual.first_frame,
            stall: usual.stall,
            retry_min: usual.retry_min,
            retry_max: usual.retry_max,
            retry_refused: usual.retry_refused,
            retry_absent: usual.retry_absent,
        }
    }
}

impl Default for Health {
    fn default() -> Self {
        let usual = media::PictureLimits::default();
        Self {
            enabled: true,
            after: usual.after,
            clear_after: usual.clear_after,
            frozen_after: usual.frozen_after,
            black_below: usual.black_below,
            overexposed_from: usual.overexposed_from,
            garbage_from: usual.garbage_from,
            blurred_below: usual.blurred_below,
            changed_below: usual.changed_below,
            width: None,
            height: None,
        }
    }
}
