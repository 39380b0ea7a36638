//! NVIDIA's libraries, where they lie beside ONNX Runtime (`make setup-gpu13` puts them there). A library that is loaded is
//! found by whoever names it, so that nobody has to set `LD_LIBRARY_PATH`.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// How their names begin: those the CUDA provider asks for, after those which they ask for themselves.
const STEMS: [&str; 9] = [
    "libcudart.",
    "libnvJitLink.",
    "libnvrtc-builtins.",
    "libnvrtc.",
    "libcublasLt.",
    "libcublas.",
    "libcurand.",
    "libcufft.",
    "libcudnn",
];

/// cuDNN's parts ask for each other: what fails at first may load once the others are there.
const PASSES: usize = 3;

/// Loads those that lie in the folder. What does not load is told when the provider misses it.
pub(super) fn load_beside(library: &Path) {
    let mut left = library.parent().map(found).unwrap_or_default();
    for _ in 0..PASSES {
        left.retain(|path| ort::util::preload_dylib(path).is_err());
    }
    for path in left {
        tracing::debug!(library = %path.display(), "does not load");
    }
}

/// Those of a folder, in the order of [`STEMS`].
fn found(folder: &Path) -> Vec<PathBuf> {
    let files: Vec<_> = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok).collect();
    let starting = |stem: &str| {
        let named = |name: String| name.starts_with(stem) && name.contains(".so");
        let files = files.iter().filter(|file| named(file.file_name().to_string_lossy().into_owned()));
        files.map(fs::DirEntry::path).collect::<Vec<_>>()
    };
    STEMS.iter().flat_map(|stem| starting(stem)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_ask_for_comes_first_and_strangers_stay_where_they_are() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "libcublas.so.13",
            "libcublasLt.so.13",
            "libnvblas.so.13",
            "libonnxruntime.so.1.31.1",
            "libcudart.so.13",
            "libcudart_static.a",
        ] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let wanted = ["libcudart.so.13", "libcublasLt.so.13", "libcublas.so.13"].map(|name| folder.path().join(name));
        assert_eq!(found(folder.path()), wanted);
        load_beside(&folder.path().join("libonnxruntime.so.1.31.1")); // empty files are no libraries, and nothing happens
    }
}
