//! Wall-clock time as events carry it: RFC 3339, UTC, microseconds.

use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Microseconds since 1970-01-01T00:00:00Z, written as `2026-11-23T08:15:30.123456Z`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
#[schemars(with = "String", extend("format" = "date-time"))]
pub struct UtcMicros(i64);

impl UtcMicros {
    /// From microseconds since 1970; years beyond 9999 are clamped, since RFC 3339 cannot write them.
    pub fn from_micros(micros: i64) -> Self {
        let (least, most) = (Timestamp::UNIX_EPOCH.as_microsecond(), Timestamp::MAX.as_microsecond());
        Self(micros.clamp(least, most))
    }

    /// Microseconds since 1970.
    pub fn micros(self) -> i64 {
        self.0
    }

    /// The same moment as the system's own type.
    pub fn system_time(self) -> SystemTime {
        UNIX_EPOCH + Duration::from_micros(self.0.unsigned_abs())
    }
}

impl From<SystemTime> for UtcMicros {
    /// Times before 1970 (a machine without a clock) read as 1970.
    fn from(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}

impl fmt::Display for UtcMicros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = Timestamp::from_microsecond(self.0).unwrap_or(Timestamp::MAX);
        write!(f, "{time:.6}")
    }
}

impl Serialize for UtcMicros {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for UtcMicros {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let time: Timestamp = text.parse().map_err(|_| D::Error::custom(format!("`{text}` is no RFC 3339 time")))?;
        Ok(Self::from_micros(time.as_microsecond()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_digits_always_and_back_again() {
        for (micros, text) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (1_795_000_530_123_456, "2026-11-18T11:15:30.123456Z"),
            (1_795_000_530_000_000, "2026-11-18T11:15:30.000000Z"),
        ] {
            let time = UtcMicros::from_micros(micros);
            assert_eq!(time.to_string(), text);
            let back: UtcMicros = serde_json::from_str(&format!("\"{text}\"")).unwrap();
            assert_eq!(back, time);
        }
    }

    #[test]
    fn a_clock_before_1970_or_after_9999_does_not_break_an_event() {
        assert_eq!(UtcMicros::from(UNIX_EPOCH - Duration::from_secs(9)).micros(), 0);
        assert!(UtcMicros::from_micros(i64::MAX).to_string().starts_with("9999-"));
    }
}
