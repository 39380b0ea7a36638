//! Addresses of cameras and streams: read or refused, and what was read reads the same again.
#![no_main]

use flyball::media::{RtspUrl, StreamSource};

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok((url, _)) = RtspUrl::parse(text) {
        assert!(RtspUrl::parse(&url.location()).is_ok_and(|(again, credentials)| again == url && credentials.is_none()));
    }
    if let Ok(source) = StreamSource::parse(text, None) {
        assert!(StreamSource::parse(&source.location(), None).is_ok_and(|again| again == source));
    }
});
