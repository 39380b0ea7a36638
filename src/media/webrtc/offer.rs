//! What a stranger offers to send, looked at before GStreamer sees it: the parts we rely on must be there, in bounded number.
//! Pure text work; the fuzzers' way in.

/// Longest offer in bytes; browsers send 3 to 8 KiB.
pub const LONGEST_OFFER: usize = 64 << 10;
/// Longest line in bytes.
const LONGEST_LINE: usize = 2048;
/// Most media sections: one picture, one sound, and some air.
const MOST_MEDIA: usize = 8;
/// Most ways to reach the sender; each costs connectivity checks.
const MOST_CANDIDATES: usize = 64;
/// RTP header extension that carries the numbers congestion control needs. Without it browsers send a tenth.
pub(crate) const TRANSPORT_CC: &str = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";
/// What we decode, as RTP names it.
const CODECS: [&str; 2] = ["H264", "VP8"];

/// An offer that can be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SdpOffer {
    sdp: String,
    /// Those we speak, with their payload numbers; the one their end likes best first.
    codecs: Vec<(&'static str, u8)>,
    transport_cc: Option<u8>,
}

/// Why an offer cannot be answered.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum OfferError {
    /// Above a limit.
    #[error("the offer has too many {0}; the limit is {1}")]
    TooMuch(&'static str, usize),
    /// No session description.
    #[error("the body is no session description: send the SDP offer as text, type `application/sdp`")]
    NotSdp,
    /// Nothing to look at.
    #[error("the offer sends no video: add a video track")]
    NoVideo,
    /// Nobody who looks.
    #[error("the offer asks for no video: add a transceiver for video, direction `recvonly`")]
    NoViewer,
    /// Nothing we decode.
    #[error("the offer has none of the codecs {}: prefer one of them", CODECS.join(", "))]
    NoCodec,
    /// A part that every WebRTC offer has.
    #[error("the offer lacks `{0}`: send what createOffer gave")]
    Lacks(&'static str),
}

impl SdpOffer {
    /// Checks an offer of somebody who sends.
    pub fn parse(text: &str) -> Result<Self, OfferError> {
        Self::checked(text, sends_video, OfferError::NoVideo)
    }

    /// Checks an offer of somebody who wants to watch.
    pub fn of_viewer(text: &str) -> Result<Self, OfferError> {
        Self::checked(text, receives_video, OfferError::NoViewer)
    }

    fn checked(text: &str, fits: fn(&[&str]) -> bool, without: OfferError) -> Result<Self, OfferError> {
        let lines = lines(text)?;
        let Some(first) = lines.iter().position(|line| line.starts_with("m=")) else { return Err(without) };
        let (session, media) = lines.split_at(first);
        let sections = sections(media);
        bounds(&lines, &sections)?;
        let video = sections.iter().find(|section| fits(section)).ok_or(without)?;
        let codecs = codecs(video);
        if codecs.is_empty() {
            return Err(OfferError::NoCodec);
        }
        let mut whole = session.to_vec();
        for section in &sections {
            whole.extend(*section);
            whole.extend(missing_parts(session, section)?);
        }
        let sdp = whole.join("\r\n") + "\r\n";
        Ok(Self { sdp, codecs, transport_cc: transport_cc(video) })
    }

    /// The text, with the line ends that the standard asks for.
    pub fn sdp(&self) -> &str {
        &self.sdp
    }

    /// The first codec offered that we decode, as RTP names it.
    pub fn codec(&self) -> &'static str {
        self.codecs.first().map_or("", |(codec, _)| codec)
    }

    /// The number a codec goes by, as RTP names it, if it is offered.
    pub fn payload_of(&self, codec: &str) -> Option<u8> {
        self.codecs.iter().find(|(offered, _)| *offered == codec).map(|(_, payload)| *payload)
    }

    /// The number under which the sender counts packets for congestion control, if it does.
    pub fn transport_cc(&self) -> Option<u8> {
        self.transport_cc
    }
}

fn lines(text: &str) -> Result<Vec<&str>, OfferError> {
    if text.len() > LONGEST_OFFER {
        return Err(OfferError::TooMuch("bytes", LONGEST_OFFER));
    }
    let lines: Vec<_> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    let well_formed = |line: &&str| {
        let bytes = line.as_bytes();
        let plain = line.chars().all(|c| !c.is_control() || c == '\t');
        plain && bytes.len() > 2 && bytes[0].is_ascii_lowercase() && bytes[1] == b'='
    };
    if lines.first() != Some(&"v=0") || !lines.iter().all(well_formed) {
        return Err(OfferError::NotSdp);
    }
    if lines.iter().any(|line| line.len() > LONGEST_LINE) {
        return Err(OfferError::TooMuch("bytes in one line", LONGEST_LINE));
    }
    Ok(lines)
}

/// Each begins with its `m=` line.
fn sections<'a>(media: &'a [&'a str]) -> Vec<&'a [&'a str]> {
    let starts: Vec<_> =
        media.iter().enumerate().filter(|(_, line)| line.starts_with("m=")).map(|(at, _)| at).collect();
    let ends = starts.iter().skip(1).copied().chain([media.len()]);
    starts.iter().zip(ends).map(|(start, end)| &media[*start..end]).collect()
}

/// What the session says once for all sections, and this one does not: GStreamer looks for it in each. Browsers repeat it,
/// OBS does not.
fn missing_parts<'a>(session: &[&'a str], section: &[&str]) -> Result<Vec<&'a str>, OfferError> {
    let find = |lines: &[&'a str], part: &str| lines.iter().copied().find(|line| line.starts_with(part));
    let has = |part: &str| section.iter().any(|line| line.starts_with(part));
    if !has("a=mid:") {
        return Err(OfferError::Lacks("a=mid:"));
    }
    let wanted = ["a=ice-ufrag:", "a=ice-pwd:", "a=fingerprint:", "a=setup:"].into_iter().filter(|part| !has(part));
    wanted.map(|part| find(session, part).ok_or(OfferError::Lacks(part))).collect()
}

fn bounds(lines: &[&str], sections: &[&[&str]]) -> Result<(), OfferError> {
    if sections.len() > MOST_MEDIA {
        return Err(OfferError::TooMuch("media sections", MOST_MEDIA));
    }
    let candidates = lines.iter().filter(|line| line.starts_with("a=candidate:")).count();
    if candidates > MOST_CANDIDATES {
        return Err(OfferError::TooMuch("candidates", MOST_CANDIDATES));
    }
    Ok(())
}

fn sends_video(section: &[&str]) -> bool {
    is_video_but(section, "a=recvonly")
}

fn receives_video(section: &[&str]) -> bool {
    is_video_but(section, "a=sendonly")
}

fn is_video_but(section: &[&str], direction: &str) -> bool {
    let refused = section[0].split(' ').nth(1) == Some("0") && !section.contains(&"a=bundle-only");
    let other = section.iter().any(|line| *line == direction || *line == "a=inactive");
    section[0].starts_with("m=video ") && !refused && !other
}

/// In the order of the payload numbers on the `m=` line, which is the order of preference.
fn codecs(video: &[&str]) -> Vec<(&'static str, u8)> {
    let codec = |payload: &str| {
        let prefix = format!("a=rtpmap:{payload} ");
        let name = video.iter().find_map(|line| line.strip_prefix(prefix.as_str()))?.split('/').next()?;
        let codec = CODECS.into_iter().find(|codec| codec.eq_ignore_ascii_case(name))?;
        let payload: u8 = payload.parse().ok()?;
        (payload < 128).then_some((codec, payload))
    };
    video[0].split(' ').skip(3).filter_map(codec).collect()
}

fn transport_cc(video: &[&str]) -> Option<u8> {
    let line =
        video.iter().find(|line| line.starts_with("a=extmap:") && line.split(' ').nth(1) == Some(TRANSPORT_CC))?;
    let number: u8 = line["a=extmap:".len()..].split([' ', '/']).next()?.parse().ok()?;
    (1..=14).contains(&number).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\na=setup:actpass\r\na=fingerprint:sha-256 AA:BB\r\n";
    const AUDIO: &str = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ice-ufrag:u\r\na=ice-pwd:p\r\na=sendonly\r\n";
    const VIDEO: &str = "m=video 9 UDP/TLS/RTP/SAVPF 98 96 102\r\na=mid:1\r\na=ice-ufrag:u\r\na=ice-pwd:p\r\na=sendonly\r\n\
        a=extmap:4 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n\
        a=rtpmap:98 VP9/90000\r\na=rtpmap:96 VP8/90000\r\na=rtpmap:102 H264/90000\r\n";

    fn offer(media: &str) -> Result<SdpOffer, OfferError> {
        SdpOffer::parse(&format!("{SESSION}{media}"))
    }

    #[test]
    fn a_browsers_offer_says_what_will_be_sent() {
        let found = offer(&format!("{AUDIO}{VIDEO}")).unwrap();
        assert_eq!((found.codec(), found.transport_cc()), ("VP8", Some(4)), "VP9 comes first but is not decoded");
        let h264 = offer(&VIDEO.replace("98 96 102", "102 96")).unwrap();
        assert_eq!(h264.codec(), "H264", "the sender's order counts");
        assert_eq!(
            (h264.payload_of("VP8"), h264.payload_of("H264"), h264.payload_of("VP9")),
            (Some(96), Some(102), None)
        );
        let lenient = SdpOffer::parse(&format!("{SESSION}{VIDEO}").replace("\r\n", "\n")).unwrap();
        assert!(lenient.sdp().contains("\r\n") && lenient.sdp().ends_with("\r\n"));
    }

    #[test]
    fn what_is_said_once_for_all_is_repeated_where_gstreamer_looks() {
        let found = offer(&format!("{AUDIO}{VIDEO}")).unwrap();
        assert_eq!(found.sdp().matches("a=setup:actpass").count(), 3);
        assert_eq!(found.sdp().matches("a=fingerprint:sha-256 AA:BB").count(), 3);
        assert_eq!(found.sdp().matches("a=ice-ufrag:u").count(), 2, "those were there");
        assert_eq!(SdpOffer::parse(found.sdp()).unwrap(), found);
    }

    #[test]
    fn what_cannot_be_answered_is_told_apart() {
        assert_eq!(SdpOffer::parse("hello"), Err(OfferError::NotSdp));
        assert_eq!(offer(AUDIO), Err(OfferError::NoVideo));
        assert_eq!(offer(&VIDEO.replace("sendonly", "recvonly")), Err(OfferError::NoVideo));
        let viewer = |direction| SdpOffer::of_viewer(&format!("{SESSION}{}", VIDEO.replace("sendonly", direction)));
        assert!(viewer("recvonly").is_ok() && viewer("sendrecv").is_ok());
        assert_eq!(viewer("sendonly"), Err(OfferError::NoViewer));
        assert_eq!(SdpOffer::of_viewer(&format!("{SESSION}{AUDIO}")), Err(OfferError::NoViewer));
        assert_eq!(offer(&VIDEO.replace("VP8", "AV1").replace("H264", "H265")), Err(OfferError::NoCodec));
        assert_eq!(offer(&VIDEO.replace("a=ice-pwd:p\r\n", "")), Err(OfferError::Lacks("a=ice-pwd:")));
        assert_eq!(offer(&VIDEO.replace("a=mid:1\r\n", "")), Err(OfferError::Lacks("a=mid:")));
        assert_eq!(offer(&VIDEO.repeat(9)), Err(OfferError::TooMuch("media sections", MOST_MEDIA)));
        let many = "a=candidate:1 1 udp 1 10.0.0.1 9 typ host\r\n".repeat(MOST_CANDIDATES + 1);
        assert_eq!(offer(&format!("{VIDEO}{many}")), Err(OfferError::TooMuch("candidates", MOST_CANDIDATES)));
        assert_eq!(offer(&"a=x\r\n".repeat(LONGEST_OFFER)), Err(OfferError::TooMuch("bytes", LONGEST_OFFER)));
    }

    #[cfg(feature = "checks")]
    mod properties {
        use proptest::prelude::*;

        use super::*;

        proptest! {
            #[test]
            fn no_text_is_too_strange_to_be_looked_at(noise in "[ -~\r\n]{0,200}", at in 0_usize..600) {
                let mut text = format!("{SESSION}{AUDIO}{VIDEO}");
                let at = at.min(text.len());
                text.insert_str(at, &noise);
                if let Ok(offer) = SdpOffer::parse(&text) {
                    prop_assert!(offer.sdp().starts_with("v=0\r\n"));
                }
                let _ = SdpOffer::parse(&noise);
            }
        }
    }
}
