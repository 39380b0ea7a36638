//! A damaged journal's bytes: every record found is whole, and what a record's text says is an event or is left alone.
#![no_main]

use flyball::events::{journal::whole_records, wire::Event};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for text in whole_records(bytes).expect("memory is always read") {
        let there = bytes.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(there, "nothing is made up");
        let _read_or_left_alone = Event::from_json(text.as_bytes()).is_ok();
    }
});
