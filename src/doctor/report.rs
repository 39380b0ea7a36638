//! All checks together, and the verdict.

use std::fmt;

use serde::Serialize;

use super::{Area, Check};

/// What was found, in the order of the table.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// One a piece.
    pub checks: Vec<Check>,
}

/// Everything is as it should be.
const HEALTHY: u8 = 0;
/// It runs, and something should be done.
const ADVICE: u8 = 1;
/// It cannot run.
const FATAL: u8 = 2;

impl Report {
    /// These checks.
    pub fn new(checks: Vec<Check>) -> Self {
        Self { checks }
    }

    /// What somebody should do something about, in the order of the table.
    pub fn complaints(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| check.is_complaint())
    }

    /// What keeps it from running.
    pub fn fatal(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| check.is_fatal())
    }

    /// 0 all is well · 1 it runs, but something should be done · 2 it cannot run.
    pub fn code(&self) -> u8 {
        match (self.fatal().next(), self.complaints().next()) {
            (Some(_), _) => FATAL,
            (None, Some(_)) => ADVICE,
            (None, None) => HEALTHY,
        }
    }

    /// The check of that piece.
    pub fn named(&self, area: Area, name: &str) -> Option<&Check> {
        self.checks.iter().find(|check| check.area == area && check.name == name)
    }
}

/// One complaint in one sentence, the way a command refuses: what, why, and the mending command.
impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}", self.name, self.health.word())?;
        if let Some(found) = &self.found {
            write!(f, " (found {found}")?;
            match &self.wanted {
                Some(wanted) => write!(f, ", wanted {wanted})")?,
                None => write!(f, ")")?,
            }
        }
        if let Some(note) = &self.note {
            write!(f, ": {note}")?;
        }
        if let Some(mend) = &self.mend {
            write!(f, "; mend it with `{mend}`")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::{Health, Weight};

    fn piece(health: Health, weight: Weight) -> Check {
        Check::of(Area::Machine, "piece", health, weight)
    }

    #[test]
    fn the_code_is_that_of_the_worst_piece_that_matters() {
        let unneeded = piece(Health::Missing, Weight::NotNeeded);
        let advice = piece(Health::Outdated, Weight::Advice);
        let fatal = piece(Health::Missing, Weight::Fatal);
        let well = Check::healthy(Area::Machine, "piece");
        assert_eq!(Report::new(vec![well.clone(), unneeded.clone()]).code(), 0);
        assert_eq!(Report::new(vec![well.clone(), advice.clone(), unneeded]).code(), 1);
        assert_eq!(Report::new(vec![advice, fatal, well]).code(), 2);
    }

    #[test]
    fn a_complaint_reads_as_one_sentence() {
        let check = piece(Health::Outdated, Weight::Advice).found("1.24").wanted("1.26 or newer").mend("make setup");
        assert_eq!(
            check.to_string(),
            "piece is outdated (found 1.24, wanted 1.26 or newer); mend it with `make setup`"
        );
    }
}
