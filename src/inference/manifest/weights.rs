//! May this file be used, and is it the file the manifest means? Terms, kind, length and checksum, each refusal one
//! sentence that names the file, what was expected and what to do.

use std::{
    fmt::Write as _,
    fs::{self, File},
    io::{self, Read},
    path::Path,
};

use sha2::{Digest, Sha256};

use super::{Model, Variant};
use crate::inference::InferenceError;

/// Protocol buffers, and so ONNX files without external data, end here (a signed 32-bit length).
const LARGEST_FILE: u64 = i32::MAX as u64;

/// Read at once while hashing, bytes: large enough to be lost in the cost of hashing.
const CHUNK: usize = 256 * 1024;

impl Model {
    /// Refuses a variant whose terms of use or checksum nobody wrote down, unless `allow_unlicensed`.
    pub fn check_terms(&self, variant: &Variant, allow_unlicensed: bool) -> Result<(), InferenceError> {
        let licence = self.manifest.licence.as_ref();
        let stated = licence.is_some_and(|l| !l.code.is_empty() && !l.weights.is_empty());
        let missing = match (stated, variant.has_checksum()) {
            _ if allow_unlicensed => return Ok(()),
            (false, _) => "its model.toml states no licence",
            (true, false) => "its model.toml records no sha256",
            (true, true) => return Ok(()),
        };
        let advice = "complete it, or accept the risk with --allow-unlicensed (allow_unlicensed = true)";
        Err(self.refusal(variant, format!("{missing}; {advice}")))
    }

    /// Refuses a file that is absent, no plain file, too large, or of another length than recorded.
    pub fn check_length(&self, variant: &Variant) -> Result<(), InferenceError> {
        let path = self.file(variant);
        let meta = fs::metadata(&path).map_err(|why| {
            let problem = format!("cannot be opened ({}); fetch it with `make setup`", why.kind());
            self.refusal(variant, problem)
        })?;
        if !meta.is_file() {
            return Err(self.refusal(variant, "is a directory or device; expected an ONNX file".into()));
        }
        if meta.len() > LARGEST_FILE {
            let problem = format!("is {} bytes long; an ONNX file ends at {LARGEST_FILE} (2 GiB)", meta.len());
            return Err(self.refusal(variant, problem));
        }
        if variant.bytes != 0 && meta.len() != variant.bytes {
            let shorter = if meta.len() < variant.bytes { "truncated" } else { "another file" };
            let (found, wanted) = (meta.len(), variant.bytes);
            let problem =
                format!("is {found} bytes long, expected {wanted}: {shorter}; fetch it again with `make setup`");
            return Err(self.refusal(variant, problem));
        }
        Ok(())
    }

    /// Refuses a file with another checksum than recorded. Reads all of it; nothing recorded is nothing refused.
    pub fn check_sha256(&self, variant: &Variant) -> Result<(), InferenceError> {
        if !variant.has_checksum() {
            return Ok(());
        }
        let found =
            sha256(&self.file(variant)).map_err(|why| self.refusal(variant, format!("cannot be read: {why}")))?;
        if found == variant.sha256 {
            return Ok(());
        }
        let wanted = &variant.sha256;
        let problem = format!("has sha256 {found}, expected {wanted}; fetch it again with `make setup`");
        Err(self.refusal(variant, problem))
    }

    /// A refusal that names this variant's file.
    pub(in crate::inference) fn refusal(&self, variant: &Variant, problem: String) -> InferenceError {
        let file = self.file(variant).display().to_string();
        InferenceError::BadModel { file, problem }
    }
}

/// SHA-256 of a file, in lower-case hexadecimal digits.
pub fn sha256(path: &Path) -> io::Result<String> {
    let (mut file, mut hash) = (File::open(path)?, Sha256::new());
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = file.read(&mut chunk)?;
        if read == 0 {
            break;
        }
        hash.update(&chunk[..read]);
    }
    let mut digits = String::new();
    for byte in hash.finalize() {
        let _ = write!(digits, "{byte:02x}"); // writing to a string cannot fail
    }
    Ok(digits)
}
