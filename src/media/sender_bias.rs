//! How far a sender's clock is from ours, told from its reports and from when its pictures arrive. Pure.
//!
//! A picture arrives some time after it was taken, never before: the least difference seen between arrival and the sender's
//! word is the offset of its clock plus what the fastest picture took. A few dozen milliseconds are the network; seconds are
//! a wrong clock, and its pictures' times are then corrected by that least difference.

use super::ClockReading;

/// Beyond this a clock is wrong: more than any network we would watch over, less than any mistake worth telling.
const WRONG_MS: i64 = 1_000;
/// A clock that was wrong is right again below this.
const RIGHT_MS: i64 = 500;
/// The sender's time line moved by more than this between two reports: its clock was set. Forget what was learnt.
const SET_NS: i64 = 500_000_000;
/// A clock that runs slow makes the least difference grow: it follows by one part in this many a picture.
const FOLLOW: i64 = 2_048;
/// Smaller changes of the offset are no news.
const NEWS_MS: i64 = 250;

/// What is known of one sender's clock.
#[derive(Debug, Default)]
pub(super) struct Bias {
    line: Option<i64>,
    least: Option<i64>,
    is_wrong: bool,
    told: Option<ClockReading>,
}

/// What a picture's capture time is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// The sender's word is taken.
    Believed,
    /// So many nanoseconds are added to the sender's word.
    Corrected(i64),
}

impl Bias {
    /// A picture came whose sender's time line is `line` (nanoseconds from stream time to its clock), `late` nanoseconds
    /// after its clock says it was taken.
    pub(super) fn observe(&mut self, line: i64, late: i64) -> Trust {
        if self.line.is_some_and(|before| line.saturating_sub(before).abs() > SET_NS) {
            self.least = None;
        }
        self.line = Some(line);
        let least = match self.least {
            Some(least) if late > least => least + (late - least) / FOLLOW,
            _ => late,
        };
        self.least = Some(least);
        let off_ms = least.abs() / 1_000_000;
        self.is_wrong = off_ms > if self.is_wrong { RIGHT_MS } else { WRONG_MS };
        if self.is_wrong { Trust::Corrected(least) } else { Trust::Believed }
    }

    /// What is worth telling, once.
    pub(super) fn news(&mut self) -> Option<ClockReading> {
        let reading = ClockReading { ahead_ms: -self.least? / 1_000_000, is_wrong: self.is_wrong };
        let is_news = self.told.is_none_or(|told| {
            told.is_wrong != reading.is_wrong || (told.ahead_ms - reading.ahead_ms).abs() >= NEWS_MS
        });
        is_news.then(|| *self.told.insert(reading))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    #[test]
    fn a_good_clock_is_believed_whatever_the_network_does() {
        let mut bias = Bias::default();
        for late in [30, 12, 400, 700, 15] {
            assert_eq!(bias.observe(7, late * MS), Trust::Believed);
        }
        assert_eq!(bias.news(), Some(ClockReading { ahead_ms: -12, is_wrong: false }));
        assert_eq!(bias.news(), None, "told once");
    }

    #[test]
    fn a_clock_an_hour_off_is_corrected_and_flagged_until_it_is_set_right() {
        let hour = 3_600_000 * MS;
        let mut bias = Bias::default();
        assert_eq!(bias.observe(0, 20 * MS), Trust::Believed);
        bias.news();
        assert_eq!(bias.observe(hour, -hour + 20 * MS), Trust::Corrected(-hour + 20 * MS));
        assert_eq!(bias.news(), Some(ClockReading { ahead_ms: 3_599_980, is_wrong: true }));
        let late = -hour + 60 * MS;
        let Trust::Corrected(by) = bias.observe(hour, late) else { panic!("still wrong") };
        assert!((late - by) / MS <= 40, "a picture 40 ms later than the fastest is stamped 40 ms before its arrival");
        assert_eq!(bias.observe(0, 25 * MS), Trust::Believed);
        assert!(bias.news().is_some_and(|reading| !reading.is_wrong));
    }

    #[test]
    fn a_clock_that_runs_slow_is_followed() {
        let mut bias = Bias::default();
        let mut trust = Trust::Believed;
        for picture in 0..60_000 {
            trust = bias.observe(0, picture * MS / 10);
        }
        let Trust::Corrected(by) = trust else { panic!("6 s late after half an hour") };
        assert!(by / MS > 5_500, "{by}");
    }
}
