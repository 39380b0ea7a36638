//! ONNX Runtime: its library, and the version it says it is.

use std::path::PathBuf;

#[cfg(feature = "ort")]
use super::Health;
use super::{Area, Check, Needs, Places, WantedVersions, Weight};

/// The name of the check.
const NAME: &str = "ONNX Runtime";

/// A library that will do.
#[derive(Clone, Debug)]
pub(super) struct Runtime {
    /// Its file.
    pub(super) path: PathBuf,
    /// Such as `1.31.1`.
    pub(super) version: String,
}

/// Looks for the library and asks it; one that will not do is not asked for its providers afterwards.
#[cfg(feature = "ort")]
pub(super) fn check(needs: &Needs, wanted: &WantedVersions, places: &Places) -> (Check, Option<Runtime>) {
    let weight = if needs.runtime() { Weight::Fatal } else { Weight::NotNeeded };
    let search = crate::inference::ort::LibrarySearch { explicit: places.onnxruntime.clone(), roots: Vec::new() };
    let wanted = &wanted.onnxruntime;
    let path = match search.find() {
        Ok(path) => path,
        Err(cause) => return (wanted.absent(Area::Onnxruntime, NAME, weight).note(cause.to_string()), None),
    };
    let asked = path.canonicalize().map_err(|why| why.to_string()).and_then(|path| {
        let library = super::foreign::SharedLibrary::open(&path)?;
        library.onnxruntime_version().ok_or_else(|| "it is no ONNX Runtime".to_owned())
    });
    match asked {
        Ok(version) => {
            let mut check = wanted.judge(Area::Onnxruntime, NAME, &version);
            check.weight = check.weight.min(weight);
            let will_do = (check.health == Health::Healthy).then_some(Runtime { path, version });
            (check, will_do)
        }
        Err(why) => {
            let check = Check::of(Area::Onnxruntime, NAME, Health::Error, weight).wanted(wanted.range());
            (check.note(format!("{} cannot be used: {why}", path.display())).mend(&wanted.mend), None)
        }
    }
}

/// `program` says that it is not built in.
#[cfg(not(feature = "ort"))]
pub(super) fn check(_: &Needs, wanted: &WantedVersions, _: &Places) -> (Check, Option<Runtime>) {
    (wanted.onnxruntime.absent(Area::Onnxruntime, NAME, Weight::NotNeeded), None)
}

/// A provider by name, and why it does not load.
pub(super) type Provider = (&'static str, Result<(), String>);

/// Every provider the library offers beside the CPU's, and why one does not load.
#[cfg(feature = "ort")]
pub(super) fn providers(runtime: &Runtime) -> Result<Vec<Provider>, String> {
    use crate::inference::ort::{Library, LibrarySearch};
    let search = LibrarySearch { explicit: Some(runtime.path.clone()), roots: Vec::new() };
    let library = Library::load(&search).map_err(|cause| cause.to_string())?;
    let providers = library.providers().map_err(|cause| cause.to_string())?;
    Ok(providers.into_iter().map(|provider| (provider.name, provider.state)).collect())
}

#[cfg(not(feature = "ort"))]
pub(super) fn providers(_: &Runtime) -> Result<Vec<Provider>, String> {
    Ok(Vec::new())
}
