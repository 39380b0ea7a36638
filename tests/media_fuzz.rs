//! What strangers write — session descriptions and addresses — mutated at random: never a panic, and a refusal that repeats no
//! secret. A second of it here; `make fuzz-media` goes on for ten minutes.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stderr, reason = "the seed is said aloud")]
#![allow(clippy::disallowed_methods, reason = "the long run is bounded by the clock")]

use std::time::{Duration, Instant};

use flyball::media::{LONGEST_OFFER, RtspUrl, SdpOffer, StreamSource};

const SEED: u64 = 20_261_125;
/// Stands where secrets stand; no refusal may hold it.
const SECRET: &str = "hunter2";
const SHORT_RUN: u32 = 20_000;

const ADDRESSES: &[&str] = &[
    "rtsp://cam:hunter2@10.0.0.7:8554/live?x=1",
    "rtsps://[::1]:322/a;b=c",
    "rtsp://cam:hunter%40%2f@h/user=a&password=hunter2",
    "https://h/live/a.m3u8?token=hunter2",
    "srt://10.0.0.7:9000?streamid=hunter2&mode=caller",
    "rtmp://h:1935/live/hunter2",
    "/dev/video0",
];

const OFFER: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\na=ice-ufrag:abcd\r\n\
    a=ice-pwd:abcdefghijklmnopqrstuv\r\na=fingerprint:sha-256 AA:BB\r\na=setup:actpass\r\n\
    m=video 9 UDP/TLS/RTP/SAVPF 96 102 97\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=sendonly\r\na=rtcp-mux\r\n\
    a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n\
    a=rtpmap:96 VP8/90000\r\na=rtpmap:102 H264/90000\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n\
    a=candidate:1 1 udp 1 127.0.0.1 5000 typ host\r\n";

/// Pieces that parsers trip over.
const PIECES: &[&str] = &[
    "",
    "\r\n",
    "\n",
    "=",
    "a=",
    "m=video",
    "m=video 9 X 96\r\n",
    "://",
    "@",
    "%",
    "%zz",
    "%00",
    "\u{0}",
    "\u{7f}",
    "é",
    "🐱",
    "[",
    "]",
    ":",
    ":99999",
    ":0",
    "/",
    "?",
    "#",
    " ",
    "\t",
    "a=mid:0\r\n",
    "a=rtpmap:",
    "4294967296",
    "-1",
    "a=extmap:256 x\r\n",
    "..",
];

/// One to eight changes: pieces put in, stretches taken out, doubled, swapped; single characters replaced.
fn mutated(text: &str, rng: &mut fastrand::Rng) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for _ in 0..rng.u8(1..=8) {
        let (a, b) = (rng.usize(..=chars.len()), rng.usize(..=chars.len()));
        let (from, to) = (a.min(b), a.max(b).min(a.min(b) + 64));
        match rng.u8(..5) {
            0 => drop(chars.drain(from..to)),
            1 => drop(chars.splice(from..from, PIECES[rng.usize(..PIECES.len())].chars())),
            2 => {
                let doubled = chars[from..to].to_vec();
                drop(chars.splice(to..to, doubled));
            }
            3 if from < chars.len() => chars[from] = rng.char(..),
            _ => chars[from..to].reverse(),
        }
    }
    chars.into_iter().collect()
}

fn round(rng: &mut fastrand::Rng) {
    let address = mutated(ADDRESSES[rng.usize(..ADDRESSES.len())], rng);
    match RtspUrl::parse(&address) {
        Ok((url, credentials)) => {
            assert!(!format!("{credentials:?}").contains(SECRET));
            let (again, none) = RtspUrl::parse(&url.location()).unwrap_or_else(|e| panic!("{address:?}: {e}"));
            assert!(again == url && none.is_none(), "{address:?}: an address reads as itself");
        }
        Err(problem) => assert!(!problem.to_string().contains(SECRET), "{address:?}: {problem}"),
    }
    match StreamSource::parse(&address, None) {
        Ok(source) => assert_eq!(StreamSource::parse(&source.location(), None).unwrap(), source),
        Err(problem) => assert!(!problem.to_string().contains(SECRET), "{address:?}: {problem}"),
    }
    let offer = mutated(OFFER, rng);
    if let Ok(read) = SdpOffer::parse(&offer) {
        assert!(read.sdp().len() <= 2 * LONGEST_OFFER && read.sdp().starts_with("v=0\r\n"), "{offer:?}");
        let again = SdpOffer::parse(read.sdp()).unwrap_or_else(|e| panic!("{offer:?}: {e}"));
        assert_eq!(again.codec(), read.codec(), "{offer:?}");
    }
}

#[test]
fn nothing_a_stranger_writes_ends_the_program() {
    eprintln!("seed {SEED}");
    let mut rng = fastrand::Rng::with_seed(SEED);
    assert!(SdpOffer::parse(OFFER).is_ok());
    (0..SHORT_RUN).for_each(|_| round(&mut rng));
}

/// `FUZZ_SECONDS` bounds it; the seed is printed.
#[test]
#[ignore = "ten minutes: `make fuzz-media`"]
fn for_as_long_as_asked() {
    let seconds = std::env::var("FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(600);
    let seed = fastrand::u64(..);
    eprintln!("seed {seed}");
    let (mut rng, begun, mut rounds) = (fastrand::Rng::with_seed(seed), Instant::now(), 0_u64);
    while begun.elapsed() < Duration::from_secs(seconds) {
        (0..1000).for_each(|_| round(&mut rng));
        rounds += 1000;
    }
    eprintln!("{rounds} rounds in {seconds} s");
}
