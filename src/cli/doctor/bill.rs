//! `flyball doctor --sbom`: the bill of materials that was made with this program. `make sbom` makes it, from the lock file, the
//! packages and the models; images carry it.

use std::{
    env, fs,
    io::{self, Write},
    path::PathBuf,
};

use crate::cli::{Exit, complain};

/// Where images and packages put documents; the bill lies among this program's.
const SHARED: &str = "share/doc/flyball/sbom.cdx.json";
/// Where `make sbom` writes it.
const MADE: &str = "target/reports/sbom.cdx.json";

/// Prints it; or says how to get one.
pub(super) fn run(out: &mut dyn Write) -> io::Result<u8> {
    let Some(text) = places().into_iter().find_map(|place| fs::read_to_string(place).ok().filter(|text| is_ours(text)))
    else {
        complain(&format!("there is no bill of materials of flyball {} here; make it with `make sbom`", version()));
        return Ok(Exit::BadInput as u8);
    };
    out.write_all(text.as_bytes())?;
    Ok(0)
}

/// Here first, then where this program is installed.
fn places() -> Vec<PathBuf> {
    let installed = env::current_exe().ok().and_then(|program| Some(program.parent()?.parent()?.join(SHARED)));
    [PathBuf::from(MADE)].into_iter().chain(installed).chain([PathBuf::from("/usr").join(SHARED)]).collect()
}

/// A bill of another version says nothing about this one.
fn is_ours(text: &str) -> bool {
    let bill: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    let about = &bill["metadata"]["component"];
    about["name"] == "flyball" && about["version"] == version()
}

fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}
