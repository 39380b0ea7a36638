//! An event's JSON: whatever is read is written and read again as the same.
#![no_main]

use flyball::events::{keys::Key, wire::Event};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(event) = Event::from_json(bytes) else { return };
    let text = serde_json_text(&event);
    let again = Event::from_json(text.as_bytes()).expect("what was written is read");
    assert_eq!(text, serde_json_text(&again));
    let _is_a_key_or_says_why = Key::of(&event).map(|key| key.to_string());
});

fn serde_json_text(event: &Event) -> String {
    flyball::events::Recorded::new(event.clone()).expect("an event is JSON").json.to_string()
}
