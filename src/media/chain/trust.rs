//! How far an `rtsps` server is trusted: by the system, by a file of authorities, by one certificate's fingerprint, or not at
//! all.

use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_rtsp_server::gio;
use sha2::{Digest, Sha256};

use crate::media::{MediaError, TlsTrust};

/// An authority that signed nothing, and whose key is gone: against it every certificate fails, and the fingerprint alone
/// decides.
const NOBODY: &str = include_str!("nobody.pem");

/// Sets an `rtspsrc` up to trust that far and no further.
pub(super) fn apply(rtsp: &gst::Element, trust: &TlsTrust) -> Result<(), MediaError> {
    match trust {
        TlsTrust::System => {}
        TlsTrust::Anything => rtsp.set_property("tls-validation-flags", gio::TlsCertificateFlags::empty()),
        TlsTrust::Authority(file) => rtsp.set_property("tls-database", authorities(file)?),
        TlsTrust::Pinned(wanted) => {
            rtsp.set_property("tls-database", nobody()?);
            accept_only(rtsp, *wanted);
        }
    }
    Ok(())
}

fn authorities(file: &Path) -> Result<gio::TlsFileDatabase, MediaError> {
    let unreadable = |reason| MediaError::Unreadable { path: file.to_owned(), reason };
    // The library takes whole paths only.
    let whole = std::path::absolute(file).and_then(std::fs::canonicalize).map_err(unreadable)?;
    gio::TlsFileDatabase::new(&whole).map_err(|error| unreadable(std::io::Error::other(error)))
}

/// The library reads authorities from a file only: it is there for the time of this call.
fn nobody() -> Result<gio::TlsFileDatabase, MediaError> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let file = std::env::temp_dir().join(format!("flyball-{}-{number}.pem", std::process::id()));
    let unwritable = |reason| MediaError::Unreadable { path: file.clone(), reason };
    // A file that is there already is somebody else's, and not to be believed.
    let mut made = std::fs::File::create_new(&file).map_err(unwritable)?;
    let database = made.write_all(NOBODY.as_bytes()).map_err(unwritable).and_then(|()| authorities(&file));
    std::fs::remove_file(&file).map_err(unwritable)?;
    database
}

/// Asked for certificates that failed every other check.
fn accept_only(rtsp: &gst::Element, wanted: [u8; 32]) {
    rtsp.connect("accept-certificate", false, move |values| {
        let shown = values.get(2).and_then(|value| value.get::<gio::TlsCertificate>().ok());
        Some(shown.is_some_and(|shown| fingerprint(&shown) == Some(wanted)).to_value())
    });
}

fn fingerprint(certificate: &gio::TlsCertificate) -> Option<[u8; 32]> {
    let der = certificate.property::<Option<gst::glib::ByteArray>>("certificate")?;
    Some(Sha256::digest(&der[..]).into())
}
