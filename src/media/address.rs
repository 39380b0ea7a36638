//! RTSP addresses without secrets in them. User and password are split off once, where an address is read, and travel
//! apart from it; what is left may appear in any log line or event.

use std::fmt;

use super::MediaError;

/// Shown in place of a part of an address that may hold a secret.
const HIDDEN: &str = "…";

/// The address of a stream, without user and password.
#[derive(Clone, PartialEq, Eq)]
pub struct RtspUrl {
    scheme: &'static str,
    host: String,
    path: String,
}

/// A user and a password. Printing one shows neither.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    user: String,
    password: String,
}

impl RtspUrl {
    /// Splits `rtsp://user:password@host:port/path` into address and credentials; percent-encoding in user and password
    /// is decoded. The error never repeats the text, which may hold a password.
    pub fn parse(text: &str) -> Result<(Self, Option<Credentials>), MediaError> {
        let (scheme, rest) = split_scheme(text).ok_or(bad("it must start with rtsp:// or rtsps://"))?;
        let path_starts = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(path_starts);
        let (userinfo, host) = match authority.rsplit_once('@') {
            Some((userinfo, host)) => (Some(userinfo), host),
            None => (None, authority),
        };
        check_host(host)?;
        if path.contains(|c: char| c.is_control() || c.is_whitespace()) {
            return Err(bad("its path holds a blank or a control character; percent-encode it"));
        }
        let url = Self { scheme, host: host.to_owned(), path: path.to_owned() };
        Ok((url, userinfo.map(Credentials::from_userinfo).transpose()?))
    }

    /// Whether the connection is encrypted.
    pub fn is_tls(&self) -> bool {
        self.scheme == "rtsps"
    }

    /// The whole address, for the element that connects: unlike `Display`, with query and all.
    pub fn location(&self) -> String {
        format!("{}://{}{}", self.scheme, self.host, self.path)
    }
}

/// Names the camera without what cheap cameras put in queries and paths (`/user=admin&password=…`).
impl fmt::Display for RtspUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.split(['?', '#']).next().unwrap_or_default();
        let shown = if path.contains('=') { HIDDEN } else { path };
        write!(f, "{}://{}{shown}", self.scheme, self.host)
    }
}

impl fmt::Debug for RtspUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Credentials {
    /// A user and a password as they are, not percent-encoded.
    pub fn new(user: impl Into<String>, password: impl Into<String>) -> Self {
        Self { user: user.into(), password: password.into() }
    }

    fn from_userinfo(userinfo: &str) -> Result<Self, MediaError> {
        let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
        let decoded = |text| percent_decoded(text).ok_or(bad("its user or password is not valid percent-encoding"));
        Ok(Self::new(decoded(user)?, decoded(password)?))
    }

    /// The user.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The password: for the element that authenticates and for nothing else.
    pub fn password(&self) -> &str {
        &self.password
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({HIDDEN})")
    }
}

fn bad(why: &'static str) -> MediaError {
    MediaError::BadAddress { why }
}

fn split_scheme(text: &str) -> Option<(&'static str, &str)> {
    let (scheme, rest) = text.split_once("://")?;
    let known = ["rtsp", "rtsps"].into_iter().find(|s| scheme.eq_ignore_ascii_case(s))?;
    Some((known, rest))
}

/// A host is there, its port (if any) is a number, and nothing in it can end a header line.
fn check_host(host: &str) -> Result<(), MediaError> {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, Some(port)),
        _ => (host, None),
    };
    if name.is_empty() || name.contains(|c: char| c.is_control() || c.is_whitespace()) {
        return Err(bad("it names no host"));
    }
    if port.is_some_and(|p| p.parse::<u16>().is_err()) {
        return Err(bad("its port is no number from 0 to 65535; percent-encode `/`, `?`, `#` and `@` in a password"));
    }
    Ok(())
}

/// Decodes `%41`; `None` for a broken escape or bytes that are no UTF-8.
fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(if byte == b'%' { hex(rest.next()?)? * 16 + hex(rest.next()?)? } else { byte });
    }
    String::from_utf8(bytes).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|d| d as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_password_are_split_off_and_decoded() {
        let (url, credentials) = RtspUrl::parse("rtsp://cam:p%40ss%3A@10.0.0.7:8554/live?x=1").unwrap();
        assert_eq!(url.location(), "rtsp://10.0.0.7:8554/live?x=1");
        assert_eq!(credentials, Some(Credentials::new("cam", "p@ss:")));
        let (_, none) = RtspUrl::parse("RTSPS://[::1]:322/a").unwrap();
        assert_eq!(none, None);
    }

    #[test]
    fn nothing_printed_holds_a_secret() {
        let (url, credentials) = RtspUrl::parse("rtsp://u:hunter2@h/user=a&password=hunter2").unwrap();
        let (query, _) = RtspUrl::parse("rtsp://h/live?pwd=hunter2").unwrap();
        for shown in [format!("{url} {url:?} {query}"), format!("{credentials:?}")] {
            assert!(!shown.contains("hunter2"), "{shown}");
        }
        assert_eq!(query.to_string(), "rtsp://h/live");
    }

    #[test]
    fn broken_addresses_are_refused_without_repeating_them() {
        let broken = [
            "http://h/",
            "rtsp://",
            "rtsp://u:hunter2@/x",
            "rtsp://u:hun%zz@h/",
            "rtsp://u:pa/hunter2@h/",
            "rtsp://h/a b",
        ];
        for text in broken {
            let problem = RtspUrl::parse(text).expect_err(text).to_string();
            assert!(!problem.contains("hunter2"), "{problem}");
        }
    }
}
