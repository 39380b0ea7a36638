//! Whom to trust: certificates from a PEM file, or those the system trusts.

use std::path::Path;

use rustls::pki_types::{CertificateDer, pem::PemObject};

use super::CourierError;

/// Where Debian and its relatives keep the authorities that everybody trusts (package `ca-certificates`).
const SYSTEM: &str = "/etc/ssl/certs/ca-certificates.crt";

/// The certificates in `ca`, or the system's; at least one.
pub(super) fn authorities(name: &str, ca: Option<&Path>) -> Result<Vec<CertificateDer<'static>>, CourierError> {
    let path = ca.unwrap_or(Path::new(SYSTEM));
    let refused = |why: String| CourierError::Certificates { name: name.to_owned(), path: path.to_owned(), why };
    let read = CertificateDer::pem_file_iter(path).map_err(|cause| refused(cause.to_string()))?;
    let found: Result<Vec<_>, _> = read.collect();
    let found = found.map_err(|cause| refused(cause.to_string()))?;
    if found.is_empty() { Err(refused("there is none in it".into())) } else { Ok(found) }
}
