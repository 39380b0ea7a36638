//! Face events in ONVIF's words, for systems that know those and not ours: what Profile M calls
//! `tns1:RuleEngine/Recognition/Face`, as JSON on a second key beside each event. Pure.
//!
//! Said of people who are known only, since ONVIF's event is about an enrolment; when a visit of theirs opens, is updated,
//! corrected or merged. `Likelihood` is our similarity cut to 0..1: no probability, and comparable within one model only.
//! In the style of Profile M, not certified: ours are `UUID` (the visit's id; `ObjectID` is its last 48 bits, since ONVIF
//! wants a number there) and `Topic`.

use serde_json::{Value, json};

use super::{
    keys::Origin,
    wire::{Data, Event, IdentityDecision, Visit, VisitState},
};

/// ONVIF's topic for a recognised face.
pub const TOPIC: &str = "tns1:RuleEngine/Recognition/Face";
/// Below a camera's key. In Zenoh `**` does not reach it, because it begins with `@`; in MQTT it is written without.
const BELOW: &str = "@onvif-ej/RuleEngine/Recognition/Face";

/// A box as ONVIF has it: both axes from -1 to 1, the origin in the middle, y upwards.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OnvifBox {
    /// Left edge.
    pub left: f64,
    /// Upper edge, above `bottom`.
    pub top: f64,
    /// Right edge.
    pub right: f64,
    /// Lower edge.
    pub bottom: f64,
}

impl OnvifBox {
    /// From `[x, y, w, h]`: top-left corner and extent as fractions of the frame, y downwards.
    pub fn of([x, y, w, h]: [f32; 4]) -> Self {
        let [x, y, w, h] = [x, y, w, h].map(f64::from);
        Self { left: 2.0 * x - 1.0, top: 1.0 - 2.0 * y, right: 2.0 * (x + w) - 1.0, bottom: 1.0 - 2.0 * (y + h) }
    }

    /// Back to `[x, y, w, h]`.
    pub fn bbox(&self) -> [f32; 4] {
        let (x, y) = (f64::midpoint(self.left, 1.0), (1.0 - self.top) / 2.0);
        let (w, h) = ((self.right - self.left) / 2.0, (self.top - self.bottom) / 2.0);
        [x, y, w, h].map(|fraction| fraction as f32)
    }
}

/// Key and JSON text of what ONVIF would say of this event; `None` when it has no words for it.
pub fn message(event: &Event) -> Option<(String, String)> {
    let origin = Origin::from_source(&event.source).ok()?;
    let said = face(event)?;
    Some((format!("{}/{BELOW}", origin.prefix()), said.to_string()))
}

/// The JSON itself.
pub fn face(event: &Event) -> Option<Value> {
    let Data::Visit(visit) = &event.data else { return None };
    let person = known(visit)?;
    let seen = OnvifBox::of(visit.face.bbox);
    let likelihood = visit.identity.score.as_ref().map_or(0.0, |score| score.value.clamp(0.0, 1.0));
    Some(json!({
        "UtcTime": event.time,
        "Topic": TOPIC,
        "Source": {
            "VideoSource": visit.stream.id,
            "AnalyticsConfiguration": visit.pipeline.name,
            "Rule": "FaceRecognition",
        },
        "Data": {
            "ObjectID": visit.visit.id.as_u128() as u64 & 0xffff_ffff_ffff,
            "UUID": visit.visit.id,
            "Likelihood": rounded(f64::from(likelihood)),
            "EnrollmentID": person,
            "BoundingBox": {
                "left": rounded(seen.left), "top": rounded(seen.top),
                "right": rounded(seen.right), "bottom": rounded(seen.bottom),
            },
        },
    }))
}

/// Whom it is about, unless there is nobody known, or they left.
fn known(visit: &Visit) -> Option<&str> {
    let is_over = visit.visit.state == VisitState::Closed;
    let is_known = visit.identity.decision == IdentityDecision::Known && !is_over;
    if is_known { visit.identity.person.as_deref() } else { None }
}

/// Six digits: a hundredth of a pixel on the largest frame.
fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corners_are_where_onvif_has_them() {
        let whole = OnvifBox::of([0.0, 0.0, 1.0, 1.0]);
        assert_eq!(whole, OnvifBox { left: -1.0, top: 1.0, right: 1.0, bottom: -1.0 });
        let upper_left = OnvifBox::of([0.0, 0.0, 0.5, 0.25]);
        assert_eq!(upper_left, OnvifBox { left: -1.0, top: 1.0, right: 0.0, bottom: 0.5 });
    }

    #[cfg(feature = "checks")]
    proptest::proptest! {
        /// There and back: the box is the same to a part in a million, y is upwards, and a box inside the frame stays inside.
        #[test]
        fn a_box_survives_the_way_there_and_back(x in 0.0_f32..1.0, y in 0.0_f32..1.0, w in 0.0_f32..1.0, h in 0.0_f32..1.0) {
            let (w, h) = (w * (1.0 - x), h * (1.0 - y));
            let there = OnvifBox::of([x, y, w, h]);
            proptest::prop_assert!(there.left <= there.right && there.bottom <= there.top);
            for edge in [there.left, there.top, there.right, there.bottom] {
                proptest::prop_assert!((-1.000_001..=1.000_001).contains(&edge), "{there:?}");
            }
            for (back, was) in there.bbox().into_iter().zip([x, y, w, h]) {
                proptest::prop_assert!((back - was).abs() < 1e-6, "{was} came back as {back}");
            }
        }

        /// The other way: what comes from ONVIF goes back as it was.
        #[test]
        fn an_onvif_box_survives_too(left in -1.0..1.0, bottom in -1.0..1.0, wide in 0.0..1.0, high in 0.0..1.0) {
            let there = OnvifBox { left, bottom, right: left + wide * (1.0 - left), top: bottom + high * (1.0 - bottom) };
            let back = OnvifBox::of(there.bbox());
            for (back, was) in [(back.left, there.left), (back.top, there.top), (back.right, there.right), (back.bottom, there.bottom)] {
                proptest::prop_assert!((back - was).abs() < 1e-6, "{was} came back as {back}");
            }
        }
    }
}
