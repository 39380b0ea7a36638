//! Names for cameras and people, numbers for tracks. An id is safe in a key expression, a file name and a log line.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

/// Longest id in bytes; keeps key expressions and file names well under every limit we know.
const MAX_BYTES: usize = 64;

/// Why a text is no id.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "`{text}` is no valid id: use 1 to {MAX_BYTES} letters, digits, `-`, `_` or `.`, starting with a letter or digit"
)]
pub struct IdError {
    text: String,
}

/// Letters, digits, `-`, `_`, `.`; the first one a letter or digit. Zenoh, ONVIF and file systems all accept that.
fn checked(text: &str) -> Result<Arc<str>, IdError> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    let starts_well = text.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric);
    if starts_well && text.len() <= MAX_BYTES && text.bytes().all(plain) {
        Ok(Arc::from(text))
    } else {
        Err(IdError { text: text.chars().take(MAX_BYTES).collect() })
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks and wraps a text.
            pub fn new(text: &str) -> Result<Self, IdError> {
                checked(text).map(Self)
            }

            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::new(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.to_string()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id! {
    /// One live input, as the deployment file names it.
    CameraId
}
text_id! {
    /// One enrolled person: a stable, opaque id; the display name lives in the gallery alone.
    PersonId
}

/// One person followed on one camera. Unique per camera and run, counting from 1; never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TrackId(pub u64);

impl fmt::Display for TrackId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_refuse_what_would_break_a_key_expression() {
        for bad in ["", "a/b", "a*", "cam 1", "-x", "é", "$x", "#", &"x".repeat(65)] {
            assert!(CameraId::new(bad).is_err(), "{bad:?} was accepted");
        }
        assert_eq!(CameraId::new("gate-1.left_2").unwrap().as_str(), "gate-1.left_2");
    }
}
