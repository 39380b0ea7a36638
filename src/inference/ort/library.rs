//! Finding and loading libonnxruntime, once a process. `run` never reaches the network for it: absent means one sentence.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use ort::environment::Environment;

use crate::inference::InferenceError;

/// Folder that `make setup` fills, below the working directory or the executable's.
const VENDOR: &str = "vendor/onnxruntime";

/// How the library's file name begins; what follows is its version.
const STEM: &str = "libonnxruntime.so";

/// How far above the executable `vendor` is looked for: target/fast/flyball lies two below the repository.
const LEVELS_UP: usize = 3;

/// The one environment of this process. ONNX Runtime allows one; it lives until the process ends.
static LOADED: Mutex<Option<Library>> = Mutex::new(None);

/// The loaded runtime. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Library {
    pub(super) environment: Environment,
    /// The file it was loaded from.
    pub path: PathBuf,
}

/// Where to look, in this order.
#[derive(Clone, Debug, Default)]
pub struct LibrarySearch {
    /// A file, or a folder with it, from the deployment (or `$ORT_DYLIB_PATH`, which only `config` reads). When given,
    /// nothing else is tried.
    pub explicit: Option<PathBuf>,
    /// Folders below which `vendor/onnxruntime` may be; usually none, then the working directory and the executable's.
    pub roots: Vec<PathBuf>,
}

impl Library {
    /// Loads the runtime, or hands out the one that is loaded. A process has one: a later search does not replace it.
    pub fn load(search: &LibrarySearch) -> Result<Self, InferenceError> {
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(library) = &*loaded {
            return Ok(library.clone());
        }
        let library = open(search.find()?)?;
        tracing::info!(library = %library.path.display(), build = ort::info(), "loaded ONNX Runtime");
        Ok(loaded.insert(library).clone())
    }
}

impl LibrarySearch {
    /// The library's file, or a sentence that says where it was sought.
    pub fn find(&self) -> Result<PathBuf, InferenceError> {
        let places = self.places();
        places.iter().find_map(|place| library_at(place)).ok_or_else(|| {
            let tried: Vec<String> = places.iter().map(|p| p.display().to_string()).collect();
            let tried = tried.join(", ");
            InferenceError::Runtime(format!(
                "ONNX Runtime is not there (looked in {tried}); fetch it with `make setup`"
            ))
        })
    }

    fn places(&self) -> Vec<PathBuf> {
        if let Some(path) = &self.explicit {
            return vec![path.clone()];
        }
        if !self.roots.is_empty() {
            return self.roots.iter().map(|root| root.join(VENDOR)).collect();
        }
        let mut roots: Vec<PathBuf> = std::env::current_dir().into_iter().collect();
        if let Ok(executable) = std::env::current_exe() {
            roots.extend(executable.ancestors().skip(1).take(LEVELS_UP).map(Path::to_path_buf));
        }
        roots.into_iter().map(|root| root.join(VENDOR)).collect()
    }
}

/// The library at `place`, which is its file or its folder; of several versions the one whose name sorts last.
fn library_at(place: &Path) -> Option<PathBuf> {
    if place.is_file() {
        return Some(place.into());
    }
    let files = fs::read_dir(place).ok()?.filter_map(Result::ok).map(|entry| entry.path());
    files.filter(|f| f.is_file() && f.file_name().is_some_and(|n| n.to_string_lossy().starts_with(STEM))).max()
}

fn open(path: PathBuf) -> Result<Library, InferenceError> {
    let refuse = |why: String| {
        let path = path.display();
        InferenceError::Runtime(format!(
            "ONNX Runtime at {path} cannot be used: {why}; fetch it again with `make setup`"
        ))
    };
    let absolute = fs::canonicalize(&path).map_err(|e| refuse(e.to_string()))?;
    let builder = ort::init_from(&absolute).map_err(|e| refuse(e.to_string()))?;
    let environment = builder.with_name("flyball").with_telemetry(false).build();
    let environment = environment.map_err(|e| refuse(e.to_string()))?;
    environment.set_log_level(ort::logging::LogLevel::Warning);
    Ok(Library { environment, path })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absent_runtime_is_one_sentence_that_says_where_it_was_sought_and_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let search = LibrarySearch { explicit: None, roots: vec![folder.path().into()] };
        let told = search.find().unwrap_err().to_string();
        let sought = folder.path().join(VENDOR);
        assert!(told.contains(sought.to_str().unwrap()) && told.contains("make setup"), "{told}");
        fs::create_dir_all(&sought).unwrap();
        for version in ["1.24.1", "1.31.1"] {
            fs::write(sought.join(format!("{STEM}.{version}")), "").unwrap();
        }
        assert!(search.find().unwrap().ends_with("libonnxruntime.so.1.31.1"));
    }
}
