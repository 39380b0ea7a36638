//! The same events once more, many to a message: for subscribers who want all of a camera, as fast as it goes.
//!
//! A page is what `@history` answers too, one event a line, and JSON in any case. It waits for nothing: what lies in the queue
//! when the sender comes to it goes into one page a source; in a quiet hour that is a single event.

use std::collections::BTreeMap;

use ::zenoh::{
    Session, Wait,
    bytes::Encoding,
    qos::{CongestionControl, Priority},
};

use crate::events::keys::{Origin, Topic};

/// Bytes beyond which a page is not filled: Zenoh sends up to 64 KiB in one piece.
const FULL: usize = 60_000;
/// One JSON text a line.
const LINES: &str = "application/x-ndjson";

/// Pages being filled, by `source`, and those that are full, in order.
#[derive(Debug, Default)]
pub(super) struct Pages {
    open: BTreeMap<String, String>,
    full: Vec<(String, String)>,
}

impl Pages {
    /// Adds an event's JSON behind the others of its source.
    pub(super) fn add(&mut self, source: &str, json: &str) {
        let Some(page) = self.open.get_mut(source) else {
            self.open.insert(source.to_owned(), json.to_owned());
            return;
        };
        if page.len() + json.len() < FULL {
            page.push('\n');
            page.push_str(json);
        } else {
            self.full.push((source.to_owned(), std::mem::replace(page, json.to_owned())));
        }
    }

    /// Publishes all of them; how many events were refused. Whoever misses a page sees a gap and asks the journal.
    pub(super) fn send(self, session: &Session) -> u64 {
        let mut refused = 0;
        for (source, page) in self.full.into_iter().chain(self.open) {
            let events = page.split('\n').count() as u64;
            if let Err(cause) = put(session, &source, page) {
                refused += events;
                tracing::warn!(source, events, cause, "a page of events was not published; the journal has them");
            }
        }
        refused
    }
}

fn put(session: &Session, source: &str, page: String) -> Result<(), String> {
    let key = Origin::from_source(source).map_err(|e| e.to_string())?.key(Topic::Page).to_string();
    let put = session.put(key, page).encoding(Encoding::from(LINES));
    put.congestion_control(CongestionControl::Block).priority(Priority::DataHigh).wait().map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::{FULL, Pages};

    fn lines(page: &str) -> Vec<&str> {
        page.split('\n').collect()
    }

    #[test]
    fn a_page_has_the_events_of_one_source_in_order() {
        let mut pages = Pages::default();
        for (source, json) in [("/a", "1"), ("/b", "2"), ("/a", "3")] {
            pages.add(source, json);
        }
        assert_eq!((lines(&pages.open["/a"]), lines(&pages.open["/b"])), (vec!["1", "3"], vec!["2"]));
        assert!(pages.full.is_empty());
    }

    #[test]
    fn a_full_page_goes_before_the_next_and_nothing_is_split() {
        let (mut pages, long) = (Pages::default(), "x".repeat(FULL / 2 - 1));
        for _ in 0..5 {
            pages.add("/a", &long);
        }
        let all: Vec<&str> = pages.full.iter().map(|(_, page)| page.as_str()).chain([&*pages.open["/a"]]).collect();
        assert!(all.iter().all(|page| page.len() <= FULL));
        assert_eq!(all.iter().flat_map(|page| lines(page)).collect::<Vec<_>>(), vec![long.as_str(); 5]);
    }
}
