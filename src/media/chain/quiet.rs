//! GStreamer's own log, led through ours with every password taken out. At its higher levels it repeats requests and
//! addresses; `GST_DEBUG` sets its levels as ever, but what it says comes out here.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::{PoisonError, RwLock};

use gstreamer as gst;
use gstreamer::glib;

use crate::media::Credentials;

/// Shown in place of a secret.
const HIDDEN: &str = "…";
/// Shorter secrets are not looked for: their letters are everywhere, and hiding them would show where they are not.
const SHORTEST: usize = 4;

/// Every form in which a password may turn up. Grows by a handful of texts per camera and password.
static SECRETS: RwLock<BTreeSet<String>> = RwLock::new(BTreeSet::new());

/// From now on nothing of these credentials leaves through GStreamer's log.
pub(super) fn hide(credentials: Option<&Credentials>) {
    let Some(credentials) = credentials else { return };
    let (user, password) = (credentials.user(), credentials.password());
    let forms =
        [password.to_owned(), escaped(password), glib::base64_encode(format!("{user}:{password}").as_bytes()).into()];
    let mut secrets = SECRETS.write().unwrap_or_else(PoisonError::into_inner);
    secrets.extend(forms.into_iter().filter(|form| form.len() >= SHORTEST));
}

/// Percent-encoded, as it stands in an address.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _infallible = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// Replaces GStreamer's way to standard error by ours. Once a process, after `gst::init`.
pub(super) fn lead_through_ours() {
    gst::log::remove_default_log_function();
    gst::log::add_log_function(|category, level, _, _, _, _, message| {
        // A dump of memory could hold a password in pieces that cannot be recognised.
        if level != gst::DebugLevel::Memdump
            && let Some(text) = message.get()
        {
            say(category.name(), level, &redacted(&text));
        }
    });
}

fn say(category: &str, level: gst::DebugLevel, text: &str) {
    match level {
        gst::DebugLevel::Error => tracing::warn!(target: "gstreamer", category, "{text}"),
        gst::DebugLevel::Warning | gst::DebugLevel::Fixme => tracing::debug!(target: "gstreamer", category, "{text}"),
        gst::DebugLevel::Info => tracing::debug!(target: "gstreamer", category, "{text}"),
        _ => tracing::trace!(target: "gstreamer", category, "{text}"),
    }
}

fn redacted(text: &str) -> String {
    let secrets = SECRETS.read().unwrap_or_else(PoisonError::into_inner);
    let found = secrets.iter().filter(|secret| text.contains(secret.as_str()));
    found.fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), HIDDEN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_hidden_plain_escaped_and_in_base64() {
        hide(Some(&Credentials::new("cam", "p@ss-Quince")));
        let said = redacted("rtsp://cam:p%40ss-Quince@h/ p@ss-Quince Basic Y2FtOnBAc3MtUXVpbmNl");
        assert_eq!(said, "rtsp://cam:…@h/ … Basic …");
    }
}
