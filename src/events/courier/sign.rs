//! The signature of a webhook: `Flyball-Signature: t=<unix seconds>,v1=<hex>`, where `v1` is HMAC-SHA256, keyed with the
//! shared secret, of the time as it is written there, a full stop, and the body. The time keeps an old request from being
//! sent again by somebody who overheard it.

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The header's name.
pub const HEADER: &str = "flyball-signature";

/// Why a signature is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// Not as described above.
    #[error("this is no signature: it should look like t=1795000530,v1=<64 hexadecimal digits>")]
    Shape,
    /// Too old, or from the future.
    #[error("the signature's time is too far from this machine's; look at both clocks")]
    Time,
    /// Another secret, or another body.
    #[error("the signature does not belong to this body and secret")]
    Wrong,
}

/// The header's value for a body sent at `at` (unix seconds).
pub fn signature(secret: &str, at: u64, body: &[u8]) -> String {
    let code = mac(secret, at, body).map(|mac| hex::encode(mac.finalize().into_bytes()));
    format!("t={at},v1={}", code.unwrap_or_default())
}

/// What a receiver does: accepts a body whose signature is right and not older, or newer, than `tolerance`.
pub fn verify(secret: &str, header: &str, body: &[u8], now: u64, tolerance: Duration) -> Result<(), SignatureError> {
    let field = |name: &str| header.split(',').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='));
    let (Some(at), Some(code)) = (field("t"), field("v1")) else { return Err(SignatureError::Shape) };
    let at: u64 = at.parse().map_err(|_| SignatureError::Shape)?;
    let code = hex::decode(code).map_err(|_| SignatureError::Shape)?;
    // Compared in constant time.
    let right = mac(secret, at, body).is_some_and(|mac| mac.verify_slice(&code).is_ok());
    match (right, now.abs_diff(at) <= tolerance.as_secs()) {
        (false, _) => Err(SignatureError::Wrong),
        (true, false) => Err(SignatureError::Time),
        (true, true) => Ok(()),
    }
}

/// A key of any length will do, so this is never `None`.
fn mac(secret: &str, at: u64, body: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    mac.update(at.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    Some(mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "a secret of more than sixteen";
    const MINUTE: Duration = Duration::from_mins(1);

    /// Origin: `printf '1795000530.[]' | openssl dgst -sha256 -hmac 'a secret of more than sixteen'`.
    #[test]
    fn the_signature_is_what_openssl_makes_of_it() {
        let made = signature(SECRET, 1_795_000_530, b"[]");
        assert_eq!(made, "t=1795000530,v1=d65209bd8760425b85400176419953117855a13a9bfc5529a39a3ba7bde66877");
    }

    #[test]
    fn only_the_right_body_secret_and_time_are_accepted() {
        let header = signature(SECRET, 1_000, b"[1]");
        assert_eq!(verify(SECRET, &header, b"[1]", 1_030, MINUTE), Ok(()));
        assert_eq!(verify(SECRET, &header, b"[2]", 1_030, MINUTE), Err(SignatureError::Wrong));
        assert_eq!(verify("another secret", &header, b"[1]", 1_030, MINUTE), Err(SignatureError::Wrong));
        assert_eq!(verify(SECRET, &header, b"[1]", 1_061, MINUTE), Err(SignatureError::Time));
        let later = header.replace("t=1000", "t=1060");
        assert_eq!(verify(SECRET, &later, b"[1]", 1_061, MINUTE), Err(SignatureError::Wrong), "the time is signed too");
        for bad in ["", "t=1000", "v1=00", "t=x,v1=00", "t=1000,v1=zz"] {
            assert_eq!(verify(SECRET, bad, b"[1]", 1_030, MINUTE), Err(SignatureError::Shape), "{bad}");
        }
    }
}
