//! Events in a file: `flyball record` writes it, `flyball replay` reads it. One JSON object a line.
//!
//! ```text
//! {"flyball_recording":1,"started":"2026-11-25T18:00:00.000000Z","by":"flyball 0.1.0"}
//! {"at_us":0,"event":{…}}                                       microseconds since the start, and the event as it came
//! {"at_us":1500,"lost":{"source":"/flyball/hq/gate","first":4,"last":6}}   nobody had these any more
//! ```
//! Within a version fields are only added.

mod schema;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, BufRead, Write},
};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

pub use schema::schema;

use super::wire::{Event, UtcMicros};

/// The version that is written, and the newest that is read.
const VERSION: u32 = 1;
/// The longest line that is read; an event is about two thousand bytes.
const LONGEST: usize = 4 << 20;

/// The first line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Header {
    flyball_recording: u32,
    started: UtcMicros,
    #[serde(default)]
    by: String,
}

/// Writes a recording. Every line is flushed: what was recorded is there, however the recording ends.
pub struct Recorder<W: Write> {
    out: W,
}

/// An event and when it came.
#[derive(Clone, Debug, PartialEq)]
pub struct Moment {
    /// Microseconds since the recording began.
    pub at_us: u64,
    /// The event.
    pub event: Event,
    /// Its JSON, with every field it came with.
    pub json: Value,
}

/// A whole recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    /// When it began.
    pub started: UtcMicros,
    /// What came, in order.
    pub moments: Vec<Moment>,
    /// Events that nobody had any more while it was made.
    pub lost: u64,
}

/// Why a file is no recording.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// It cannot be read at all.
    #[error("line {line}: {cause}")]
    Read {
        /// Counted from 1.
        line: usize,
        /// Why.
        cause: io::Error,
    },
    /// A line that is none.
    #[error("line {line}: {why}; {hint}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
        /// What to try.
        hint: &'static str,
    },
}

/// Every line but the first.
#[derive(Deserialize)]
struct Written {
    at_us: u64,
    event: Option<Value>,
    lost: Option<LostRange>,
}

#[derive(Deserialize)]
struct LostRange {
    first: u64,
    last: u64,
}

impl<W: Write> Recorder<W> {
    /// Begins a recording.
    pub fn begin(mut out: W, started: UtcMicros) -> io::Result<Self> {
        let by = concat!("flyball ", env!("CARGO_PKG_VERSION")).to_owned();
        let header = Header { flyball_recording: VERSION, started, by };
        writeln!(out, "{}", serde_json::to_string(&header)?)?;
        out.flush()?;
        Ok(Self { out })
    }

    /// Writes down an event, as its JSON came.
    pub fn event(&mut self, at_us: u64, text: &str) -> io::Result<()> {
        writeln!(self.out, "{{\"at_us\":{at_us},\"event\":{text}}}")?;
        self.out.flush()
    }

    /// Writes down that events are missing.
    pub fn lost(&mut self, at_us: u64, source: &str, first: u64, last: u64) -> io::Result<()> {
        let line = json!({ "at_us": at_us, "lost": { "source": source, "first": first, "last": last } });
        writeln!(self.out, "{line}")?;
        self.out.flush()
    }
}

impl Recording {
    /// Reads and checks all of it, before anything of it is used.
    pub fn read(lines: impl BufRead) -> Result<Self, RecordingError> {
        let mut lines = (1..).zip(lines.lines());
        let header = match lines.next() {
            Some((line, text)) => header(&text.map_err(|cause| RecordingError::Read { line, cause })?)?,
            None => return Err(wrong(1, "the file is empty", "record one with `flyball record FILE`")),
        };
        let mut recording = Self { started: header.started, moments: Vec::new(), lost: 0 };
        let mut latest = 0;
        for (line, text) in lines {
            let text = text.map_err(|cause| RecordingError::Read { line, cause })?;
            let written = written(line, &text)?;
            if written.at_us < latest {
                return Err(wrong(line, "it came before the line above", "sort the lines by `at_us`, or record anew"));
            }
            latest = written.at_us;
            recording.add(line, written)?;
        }
        Ok(recording)
    }

    fn add(&mut self, line: usize, written: Written) -> Result<(), RecordingError> {
        if let Some(range) = written.lost {
            self.lost += range.last.saturating_sub(range.first) + 1;
        }
        let Some(json) = written.event else { return Ok(()) };
        let event = serde_json::from_value(json.clone());
        let event =
            event.map_err(|cause| wrong(line, &cause.to_string(), "its `event` is none that this version reads"))?;
        self.moments.push(Moment { at_us: written.at_us, event, json });
        Ok(())
    }

    /// Whose events they are.
    pub fn sources(&self) -> BTreeSet<String> {
        self.moments.iter().map(|moment| moment.event.source.clone()).collect()
    }

    /// Makes the events new ones: fresh ids for events and visits, an epoch of its own, numbers from 1 for each source. So a
    /// consumer that has seen the recording before does not drop them as repetitions. Times stay as they were.
    pub fn renew(&mut self, mut fresh: impl FnMut() -> Uuid) -> Result<(), serde_json::Error> {
        let (epoch, mut numbers, mut visits) = (fresh(), BTreeMap::new(), BTreeMap::new());
        for Moment { event, json, .. } in &mut self.moments {
            let number = numbers.entry(event.source.clone()).or_insert(0_u64);
            *number += 1;
            json["id"] = json!(fresh());
            json["epoch"] = json!(epoch);
            json["sequence"] = json!(format!("{number:020}"));
            let old = event.visit().map(|visit| visit.visit.id);
            if let Some(old) = old {
                visits.entry(old.to_string()).or_insert_with(|| fresh().to_string());
            }
            rename(json, &visits);
            *event = serde_json::from_value(json.clone())?;
        }
        Ok(())
    }
}

/// Every text that is the id of a visit becomes its new one, wherever it stands.
fn rename(json: &mut Value, visits: &BTreeMap<String, String>) {
    match json {
        Value::String(text) => {
            if let Some(new) = visits.get(text.as_str()) {
                text.clone_from(new);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, visits)),
        Value::Object(fields) => fields.values_mut().for_each(|field| rename(field, visits)),
        _ => {}
    }
}

fn header(text: &str) -> Result<Header, RecordingError> {
    let hint = "record one with `flyball record FILE`";
    let header: Header = serde_json::from_str(text.get(..LONGEST).unwrap_or(text))
        .map_err(|cause| wrong(1, &format!("this is no recording's first line ({cause})"), hint))?;
    if header.flyball_recording > VERSION {
        let why = format!("it is of version {}, and this flyball reads up to {VERSION}", header.flyball_recording);
        return Err(wrong(1, &why, "use the flyball that made it, or a newer one"));
    }
    Ok(header)
}

fn written(line: usize, text: &str) -> Result<Written, RecordingError> {
    if text.len() > LONGEST {
        return Err(wrong(line, "it is longer than any event", "record anew"));
    }
    let cut = "if it is the last line, the recording was cut off there: remove the line";
    let written: Written = serde_json::from_str(text).map_err(|cause| wrong(line, &cause.to_string(), cut))?;
    if written.event.is_none() && written.lost.is_none() {
        return Err(wrong(line, "it has neither `event` nor `lost`", "record anew, or remove the line"));
    }
    Ok(written)
}

fn wrong(line: usize, why: &str, hint: &'static str) -> RecordingError {
    RecordingError::Line { line, why: why.to_owned(), hint }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(kind: &str) -> String {
        let path = format!("{}/tests/golden/events/v1.0-{kind}.json", env!("CARGO_MANIFEST_DIR"));
        let value: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        value.to_string()
    }

    fn recorded() -> String {
        let mut out = Vec::new();
        let mut recorder = Recorder::begin(&mut out, UtcMicros::from_micros(7)).unwrap();
        recorder.event(0, &sample("visit-opened")).unwrap();
        recorder.lost(5, "/flyball/hq/gate", 3, 4).unwrap();
        recorder.event(9, &sample("visit-closed")).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_is_written_reads_back() {
        let read = Recording::read(recorded().as_bytes()).unwrap();
        assert_eq!((read.started.micros(), read.lost), (7, 2));
        let times: Vec<_> = read.moments.iter().map(|moment| moment.at_us).collect();
        assert_eq!(times, [0, 9]);
        assert_eq!(read.moments[0].json.to_string(), sample("visit-opened"));
    }

    #[test]
    fn a_bad_file_is_refused_with_its_line() {
        let good = recorded();
        let cut = good.trim_end().strip_suffix("}}").unwrap().to_owned();
        let swapped = good.replace("\"at_us\":9", "\"at_us\":1");
        let no_event = good.replace("\"dataschema\"", "\"dataschemer\"");
        for (text, words) in [
            (String::new(), "line 1: the file is empty"),
            ("{}\n".to_owned(), "line 1: this is no recording"),
            (good.replace("recording\":1", "recording\":2"), "line 1: it is of version 2"),
            (cut, "line 4: "),
            (swapped, "line 4: it came before"),
            (no_event, "line 2: "),
            (good.replace("\"lost\"", "\"list\""), "line 3: it has neither"),
            (format!("{good}\n"), "line 5: "),
        ] {
            let problem = Recording::read(text.as_bytes()).unwrap_err().to_string();
            assert!(problem.starts_with(words) && problem.contains("; "), "{problem}");
        }
    }

    #[test]
    fn renewed_events_share_no_id_with_the_old_ones_and_still_belong_together() {
        let old = Recording::read(recorded().as_bytes()).unwrap();
        let (mut new, mut next) = (old.clone(), 1_000_u128);
        new.renew(|| {
            next += 1;
            Uuid::from_u128(next)
        })
        .unwrap();
        let numbers: Vec<_> = new.moments.iter().map(|moment| moment.event.sequence.0).collect();
        assert_eq!(numbers, [1, 2]);
        for (old, new) in old.moments.iter().zip(&new.moments) {
            assert_ne!(old.event.id, new.event.id);
            assert_ne!(old.event.visit().unwrap().visit.id, new.event.visit().unwrap().visit.id);
            assert_eq!(new.event.subject, new.event.visit().unwrap().visit.id.to_string());
            assert_eq!(old.event.time, new.event.time);
        }
    }

    #[cfg(feature = "checks")]
    proptest::proptest! {
        /// Whatever is in a file: read or refused, never a panic.
        #[test]
        fn no_damage_makes_reading_panic(changes in proptest::collection::vec((0..4_000_usize, proptest::prelude::any::<u8>()), 1..6)) {
            let mut bytes = recorded().into_bytes();
            for (at, byte) in changes {
                let at = at % bytes.len();
                bytes[at] = byte;
            }
            let _read_or_refused = Recording::read(bytes.as_slice()).is_ok();
        }
    }
}
