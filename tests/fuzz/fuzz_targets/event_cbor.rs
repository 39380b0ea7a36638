//! An event's CBOR: whatever is read is written and read again as the same.
#![no_main]

use flyball::events::wire::Event;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(event) = Event::from_cbor(bytes) else { return };
    let written = event.to_cbor().expect("what was read is written");
    let again = Event::from_cbor(&written).expect("what was written is read");
    assert_eq!(written, again.to_cbor().expect("and written again"));
});
