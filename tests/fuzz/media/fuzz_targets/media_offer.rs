//! What a stranger offers to send over WHIP: read or refused, and what was read reads the same again.
#![no_main]

use flyball::media::SdpOffer;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(offer) = SdpOffer::parse(text) {
        let again = SdpOffer::parse(offer.sdp()).expect("an accepted offer is acceptable");
        assert_eq!(again.codec(), offer.codec());
    }
});
