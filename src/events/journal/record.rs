//! One event as it lies in the file: `<crc32><length><json>`, the first two as eight hexadecimal digits each.
//!
//! The store checks its own pages; this frame is for the day when the file does not open any more. Records can then be
//! found in the raw bytes, and a damaged one is told from a whole one.

use std::{
    fmt::Write as _,
    io::{self, Read},
};

/// Bytes in front of the JSON.
const FRAME: usize = 16;
/// Every record's JSON begins so: the envelope's first field.
const OPENING: &[u8] = b"{\"specversion\":\"";
/// Longer than any event; a damaged length must not make the scan wait for the rest of the file.
const LONGEST: usize = 1 << 20;
/// Bytes read at once.
const BLOCK: usize = 4 << 20;

/// Puts the frame around an event's JSON.
pub(super) fn framed(json: &str) -> String {
    let mut record = String::with_capacity(FRAME + json.len());
    frame(json, &mut record);
    record
}

/// The same, in the place of what `record` held before.
pub(super) fn frame(json: &str, record: &mut String) {
    record.clear();
    // Writing to a string does not fail.
    let _written = write!(record, "{:08x}{:08x}{json}", crc32fast::hash(json.as_bytes()), json.len());
}

/// The JSON in a frame, if it is whole.
pub(super) fn unframed(record: &str) -> Option<&str> {
    let json = whole(record.as_bytes())?;
    (json.len() + FRAME == record.len()).then(|| record.get(FRAME..)).flatten()
}

/// Bytes of JSON in a record, whole or not.
pub(super) fn json_len(record: &str) -> usize {
    record.len().saturating_sub(FRAME)
}

/// The JSON of the record that begins here, if it is whole.
fn whole(bytes: &[u8]) -> Option<&[u8]> {
    let length = hex(bytes.get(8..FRAME)?)? as usize;
    let json = bytes.get(FRAME..FRAME + length.min(LONGEST))?;
    (hex(&bytes[..8])? == crc32fast::hash(json)).then_some(json)
}

fn hex(digits: &[u8]) -> Option<u32> {
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// Calls `found` with the JSON of every whole record in a file of which nothing else is known, in the order of their place.
pub(super) fn scan(mut file: impl Read, mut found: impl FnMut(&str)) -> io::Result<()> {
    let (mut window, mut ended) = (Vec::new(), false);
    while !ended {
        ended = read_block(&mut file, &mut window)?;
        let safe = if ended { window.len() } else { window.len().saturating_sub(LONGEST + FRAME) };
        let mut at = FRAME;
        while let Some(next) = find(&window, at, safe) {
            at = next + OPENING.len();
            let json = whole(&window[next - FRAME..]).filter(|json| json.starts_with(OPENING));
            if let Some(text) = json.and_then(|json| std::str::from_utf8(json).ok()) {
                found(text);
                at = next + text.len();
            }
        }
        let kept_from = at.max(safe.min(window.len())) - FRAME.min(at);
        window.drain(..kept_from.min(window.len()));
    }
    Ok(())
}

/// The text of every whole record in a file of which nothing else is known.
pub fn whole_records(file: impl Read) -> io::Result<Vec<String>> {
    let mut records = Vec::new();
    scan(file, |text| records.push(text.to_owned()))?;
    Ok(records)
}

fn read_block(file: &mut impl Read, window: &mut Vec<u8>) -> io::Result<bool> {
    let read = file.by_ref().take(BLOCK as u64).read_to_end(window)?;
    Ok(read == 0)
}

/// Where the next record's JSON may begin, at `from` or later and before `until`.
fn find(bytes: &[u8], from: usize, until: usize) -> Option<usize> {
    let end = until.min(bytes.len());
    bytes.get(from..)?.windows(OPENING.len()).position(|w| w == OPENING).map(|at| from + at).filter(|at| *at < end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(n: usize) -> String {
        format!("{{\"specversion\":\"1.0\",\"n\":{n},\"rest\":\"{}\"}}", "x".repeat(n % 3_000))
    }

    fn scanned(bytes: &[u8]) -> Vec<String> {
        whole_records(bytes).unwrap()
    }

    #[cfg(feature = "checks")]
    proptest::proptest! {
        /// Noise, records, and records damaged, cut and glued together: never a panic, and nothing that was not written.
        #[test]
        fn of_any_bytes_only_whole_records_are_read(
            noise in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300),
            changes in proptest::collection::vec((0..4_000_usize, proptest::prelude::any::<u8>()), 0..6),
            cut in 0..4_000_usize,
        ) {
            let written: Vec<_> = (0..5).map(|n| event(n * 150)).collect();
            let mut bytes = noise.clone();
            for text in &written {
                bytes.extend(framed(text).into_bytes());
            }
            for (at, byte) in changes {
                let at = at % bytes.len();
                bytes[at] = byte;
            }
            bytes.truncate(cut.max(1));
            proptest::prop_assert!(scanned(&bytes).iter().all(|text| written.contains(text)));
            let _refused = std::str::from_utf8(&noise).ok().and_then(unframed);
        }
    }

    #[test]
    fn a_frame_comes_off_whole_or_not_at_all() {
        let json = event(7);
        let record = framed(&json);
        assert_eq!(unframed(&record), Some(json.as_str()));
        for at in 0..record.len() {
            let mut damaged = record.clone().into_bytes();
            damaged[at] ^= 1;
            assert_eq!(String::from_utf8(damaged).ok().as_deref().and_then(unframed), None, "byte {at}");
        }
        assert_eq!(unframed(&record[..record.len() - 1]), None);
        assert_eq!(unframed(""), None);
    }

    /// Found by fuzzing: the checksum of nothing is 0, and so sixteen zeros were a whole record, again and again.
    #[test]
    fn a_frame_around_nothing_is_no_record() {
        let bytes = format!("{}{}{}", "0".repeat(FRAME), event(7), framed(&event(9)));
        assert_eq!(scanned(bytes.as_bytes()), [event(9)]);
    }

    #[test]
    fn records_are_found_in_noise_across_blocks_and_damaged_ones_are_left_out() {
        let mut random = fastrand::Rng::with_seed(5);
        let (mut bytes, mut expected) = (Vec::new(), Vec::new());
        for n in 0..6_000 {
            bytes.extend((0..random.usize(..200)).map(|_| random.u8(..)));
            let mut record = framed(&event(n)).into_bytes();
            if n % 10 == 0 {
                let at = random.usize(..record.len());
                record[at] ^= 4;
            } else {
                expected.push(event(n));
            }
            bytes.extend(record);
        }
        assert!(bytes.len() > BLOCK, "more than one block");
        assert_eq!(scanned(&bytes), expected);
        bytes.truncate(bytes.len() - 5);
        assert_eq!(scanned(&bytes).len(), expected.len() - 1);
    }
}
