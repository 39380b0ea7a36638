//! Live streams that are reached by an address and nothing more: HLS, SRT, RTMP, and devices of this machine. As with RTSP,
//! what may be a secret is split off once, where an address is read, and never shown.

use std::fmt;

use super::MediaError;

/// Longest address accepted, in bytes.
const LONGEST: usize = 2048;

/// What a stream speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StreamKind {
    /// A playlist of segments over HTTP.
    Hls,
    /// MPEG-TS over SRT; we are the ones who call.
    Srt,
    /// FLV over RTMP.
    Rtmp,
    /// A Video4Linux device of this machine.
    V4l2,
}

impl StreamKind {
    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hls => "hls",
            Self::Srt => "srt",
            Self::Rtmp => "rtmp",
            Self::V4l2 => "v4l2",
        }
    }
}

/// A stream and how to reach it. Printing one shows no secret.
#[derive(Clone, PartialEq, Eq)]
pub struct StreamSource {
    kind: StreamKind,
    location: String,
    secret: Option<String>,
}

impl StreamSource {
    /// Reads `http(s)://…`, `srt://host:port`, `rtmp(s)://host/app/stream` or `/dev/video0`. `secret` is SRT's passphrase (10 to 79
    /// bytes) or RTMP's stream key, which is the last part of its path. The error never repeats the text.
    pub fn parse(text: &str, secret: Option<String>) -> Result<Self, MediaError> {
        let kind = kind_of(text).ok_or(bad(
            "it must start with http://, https://, srt://, rtmp:// or rtmps://, or be a device under /dev/",
        ))?;
        if text.len() > LONGEST || text.contains(|c: char| c.is_control() || c.is_whitespace()) {
            return Err(bad("it is too long, or holds a blank or a control character; percent-encode it"));
        }
        if kind == StreamKind::V4l2 {
            check_device(text, secret.as_deref())?;
        } else {
            check_address(kind, text)?;
        }
        if kind == StreamKind::Srt {
            check_srt(text, secret.as_deref())?;
        }
        Ok(Self { kind, location: text.to_owned(), secret })
    }

    /// What it speaks.
    pub fn kind(&self) -> StreamKind {
        self.kind
    }

    /// The whole address, for the element that connects; RTMP's stream key is part of it.
    pub fn location(&self) -> String {
        match (&self.secret, self.kind) {
            (Some(key), StreamKind::Rtmp) => format!("{}/{key}", self.location.trim_end_matches('/')),
            _ => self.location.clone(),
        }
    }

    /// SRT's passphrase.
    pub fn passphrase(&self) -> Option<&str> {
        self.secret.as_deref().filter(|_| self.kind == StreamKind::Srt)
    }

    /// Parts of the address that may be secrets: a query, and the last part of an RTMP path.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        let query = self.location.split_once('?').map(|(_, query)| query);
        let key = (self.kind == StreamKind::Rtmp).then(|| self.location.rsplit('/').next()).flatten();
        [self.secret.as_deref(), query, key].into_iter().flatten()
    }
}

/// Without query, and without the last part of an RTMP path: many services put the stream key there.
impl fmt::Display for StreamSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = self.location.split(['?', '#']).next().unwrap_or_default();
        let without_key = match (self.kind, plain.matches('/').count()) {
            (StreamKind::Rtmp, 4..) => plain.rsplit_once('/').map(|(front, _)| format!("{front}/…")),
            _ => None,
        };
        f.write_str(without_key.as_deref().unwrap_or(plain))
    }
}

impl fmt::Debug for StreamSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StreamSource({self})")
    }
}

fn bad(why: &'static str) -> MediaError {
    MediaError::BadAddress { why }
}

fn kind_of(text: &str) -> Option<StreamKind> {
    let schemes = [
        ("http://", StreamKind::Hls),
        ("https://", StreamKind::Hls),
        ("srt://", StreamKind::Srt),
        ("rtmp://", StreamKind::Rtmp),
        ("rtmps://", StreamKind::Rtmp),
        ("/dev/", StreamKind::V4l2),
    ];
    schemes.into_iter().find(|(start, _)| text.starts_with(start)).map(|(_, kind)| kind)
}

fn check_device(path: &str, secret: Option<&str>) -> Result<(), MediaError> {
    if path.split('/').any(|part| part == "..") || path.ends_with('/') {
        return Err(bad("write the device itself, such as /dev/video0"));
    }
    if secret.is_some() { Err(bad("a device has no password")) } else { Ok(()) }
}

fn check_address(kind: StreamKind, text: &str) -> Result<(), MediaError> {
    let rest = text.split_once("://").map_or("", |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err(bad(
            "user and password in the address are shown too widely; use a token in its query, or a key of its own",
        ));
    }
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    };
    if host.is_empty() {
        return Err(bad("it names no host"));
    }
    match port {
        Some(port) if port.parse::<u16>().is_ok_and(|port| port > 0) => Ok(()),
        None if kind != StreamKind::Srt => Ok(()),
        _ => Err(bad("its port is no number from 1 to 65535")),
    }
}

/// The call is ours to make, and the passphrase has a place of its own.
fn check_srt(text: &str, passphrase: Option<&str>) -> Result<(), MediaError> {
    let query = text.split_once('?').map_or("", |(_, query)| query);
    for pair in query.split('&') {
        match pair.split_once('=').unwrap_or((pair, "")) {
            ("passphrase", _) => return Err(bad("the passphrase has a key of its own")),
            ("mode", mode) if mode != "caller" => return Err(bad("only `mode=caller` is offered: nobody may call us")),
            _ => {}
        }
    }
    match passphrase.map(str::len) {
        Some(length) if !(10..80).contains(&length) => Err(bad("an SRT passphrase has 10 to 79 characters")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_says_what_it_speaks_and_nothing_printed_holds_a_secret() {
        let kinds = [
            ("https://h/live/a.m3u8?token=hunter2", StreamKind::Hls, "https://h/live/a.m3u8"),
            ("srt://10.0.0.7:9000?streamid=hunter2", StreamKind::Srt, "srt://10.0.0.7:9000"),
            ("rtmp://h/live/hunter2", StreamKind::Rtmp, "rtmp://h/live/…"),
            ("/dev/video0", StreamKind::V4l2, "/dev/video0"),
        ];
        for (text, kind, shown) in kinds {
            let source = StreamSource::parse(text, None).unwrap();
            assert_eq!((source.kind(), source.to_string().as_str()), (kind, shown));
            assert_eq!(source.location(), text);
            assert!(!format!("{source:?}").contains("hunter2"), "{source:?}");
        }
        let keyed = StreamSource::parse("rtmp://h/live/", Some("hunter2".to_owned())).unwrap();
        assert_eq!(keyed.location(), "rtmp://h/live/hunter2");
        assert!(!keyed.to_string().contains("hunter2"));
    }

    #[test]
    fn what_cannot_work_is_refused_without_repeating_it() {
        let broken = [
            "ftp://h/x",
            "srt://h",
            "srt://h:0",
            "srt://h:1?mode=listener",
            "srt://h:1?passphrase=hunter2hunter2",
            "rtmp://u:hunter2@h/a/b",
            "http:///x",
            "rtmp://h/live/x live=1",
            "/dev/../etc/hunter2",
            "/dev/",
        ];
        for text in broken {
            let problem = StreamSource::parse(text, None).expect_err(text).to_string();
            assert!(!problem.contains("hunter2"), "{problem}");
        }
        assert!(StreamSource::parse("srt://h:1", Some("short".to_owned())).is_err());
    }
}
