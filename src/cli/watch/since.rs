//! Where to begin: a number, a while ago, or a time.

use std::{str::FromStr, time::Duration};

use crate::events::wire::{Event, UtcMicros};

/// Where to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// After this sequence number, on every camera.
    Number(u64),
    /// This long ago.
    Ago(Duration),
    /// At this time.
    At(UtcMicros),
}

/// The same, at a given time of day.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Begin {
    /// What to ask the journal for; `None`: what comes.
    pub(super) number: Option<u64>,
    /// Events from before this are not wanted.
    from: Option<UtcMicros>,
}

impl Since {
    /// What it means now.
    pub(super) fn begin(self, now: UtcMicros) -> Begin {
        let from = |from| Begin { number: Some(0), from: Some(from) };
        match self {
            Self::Number(number) => Begin { number: Some(number), from: None },
            Self::Ago(ago) => from(UtcMicros::from_micros(now.micros().saturating_sub(ago.as_micros() as i64))),
            Self::At(time) => from(time),
        }
    }
}

impl Begin {
    /// Whether an event is from before the beginning.
    pub(super) fn is_before(&self, event: &Event) -> bool {
        self.from.is_some_and(|from| event.time < from)
    }
}

impl FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(number) = text.parse() {
            return Ok(Self::Number(number));
        }
        if let Ok(ago) = humantime::parse_duration(text) {
            return Ok(Self::Ago(ago));
        }
        let time = serde_json::from_value(serde_json::Value::from(text)).map(Self::At);
        time.map_err(|_| {
            "write a sequence number, a while such as `10min`, or a time such as `2026-11-25T18:00:00Z`".into()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_a_while_and_a_time_are_told_apart() {
        assert_eq!("41".parse(), Ok(Since::Number(41)));
        assert_eq!("10min".parse(), Ok(Since::Ago(Duration::from_mins(10))));
        let at: Since = "1970-01-01T00:00:01Z".parse().unwrap();
        assert_eq!(at, Since::At(UtcMicros::from_micros(1_000_000)));
        assert!("yesterday".parse::<Since>().unwrap_err().contains("10min"));
    }

    #[test]
    fn a_while_ago_is_counted_from_now_and_never_from_before_1970() {
        let begin = Since::Ago(Duration::from_secs(2)).begin(UtcMicros::from_micros(5_000_000));
        assert_eq!((begin.number, begin.from), (Some(0), Some(UtcMicros::from_micros(3_000_000))));
        let long = Since::Ago(Duration::from_secs(u64::MAX)).begin(UtcMicros::from_micros(5));
        assert!(long.from.is_some_and(|from| from.micros() >= 0));
    }
}
