//! The address of a Sentry-compatible server, taken apart.

use std::fmt;

/// Where reports go and with which key. Shows neither.
#[derive(Clone, PartialEq, Eq)]
pub struct Dsn {
    /// Where envelopes are taken.
    pub(super) url: String,
    /// The key that lets us in.
    pub(super) key: String,
}

/// A text is no such address. It is not repeated: it may hold a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no DSN; write it as the server shows it, `https://KEY@HOST/NUMBER`")]
pub struct DsnError;

impl Dsn {
    /// Reads `https://KEY@HOST/NUMBER`; a path before the project's number belongs to the server.
    pub fn parse(text: &str) -> Result<Self, DsnError> {
        let (scheme, rest) = text.trim().split_once("://").ok_or(DsnError)?;
        let (keys, rest) = rest.split_once('@').ok_or(DsnError)?;
        let (server, project) = rest.rsplit_once('/').ok_or(DsnError)?;
        let key = keys.split(':').next().unwrap_or_default(); // older ones name a secret key too, which is not needed
        let (host, path) = server.split_once('/').map_or((server, ""), |(host, path)| (host, path));
        let is_whole = |text: &str, fits: fn(char) -> bool| !text.is_empty() && text.chars().all(fits);
        let fits = matches!(scheme, "http" | "https")
            && is_whole(key, |c| c.is_ascii_alphanumeric())
            && is_whole(project, |c| c.is_ascii_digit())
            && is_whole(host, |c| c.is_ascii_graphic());
        let path = if path.is_empty() { String::new() } else { format!("/{path}") };
        let url = format!("{scheme}://{host}{path}/api/{project}/envelope/");
        if fits { Ok(Self { url, key: key.to_owned() }) } else { Err(DsnError) }
    }
}

impl fmt::Debug for Dsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dsn(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dsn_is_taken_apart() {
        let dsn = Dsn::parse("https://abc123:old@errors.example:9000/base/42").unwrap();
        assert_eq!(dsn.url, "https://errors.example:9000/base/api/42/envelope/");
        assert_eq!((dsn.key.as_str(), format!("{dsn:?}").as_str()), ("abc123", "Dsn(***)"));
        for wrong in
            ["", "abc", "https://errors.example/42", "https://k@errors.example/", "ftp://k@h/1", "https://k@h/x"]
        {
            assert_eq!(Dsn::parse(wrong), Err(DsnError), "{wrong:?}");
        }
    }
}
