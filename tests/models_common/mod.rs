//! What the tests on real models share: finding the runtime and the models, or saying aloud that they are not here.
#![allow(unreachable_pub, reason = "a module of each test, not a library")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::print_stderr, reason = "a skipped test says so")]

pub mod onnx;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use flyball::inference::{
    manifest::{Catalogue, Model},
    ort::{LibrarySearch, OrtBackend, OrtOptions},
};

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Where the runtime is sought in tests: below the repository.
pub fn search() -> LibrarySearch {
    LibrarySearch { explicit: None, roots: vec![root().into()] }
}

/// The backend on the CPU, or `None` with a word where the runtime is not fetched.
pub fn backend() -> Option<Arc<OrtBackend>> {
    backend_with(OrtOptions::default())
}

/// The same with other options, but for the device.
pub fn backend_with(options: OrtOptions) -> Option<Arc<OrtBackend>> {
    if search().find().is_err() {
        eprintln!("SKIPPED: vendor/onnxruntime is not here; run `make setup`");
        return None;
    }
    let options = OrtOptions { device: flyball::inference::Device::Cpu, ..options };
    Some(Arc::new(OrtBackend::new(&search(), options).unwrap()))
}

/// All manifests, or `None` with a word where there are none.
pub fn catalogue() -> Option<Catalogue> {
    let folder: PathBuf = root().join("models");
    if !folder.is_dir() {
        eprintln!("SKIPPED: there is no models folder here");
        return None;
    }
    Some(Catalogue::read(&folder).unwrap())
}

/// One model whose reference variant is fetched.
pub fn model(name: &str) -> Option<Model> {
    let model = catalogue()?.model(name).ok()?.clone();
    if !model.is_fetched(&model.manifest.variant[0]) {
        eprintln!("SKIPPED: models/{name} is not fetched; run `make setup`");
        return None;
    }
    Some(model)
}

/// Seeded numbers between 0 and 255.
pub fn noise(data: &mut [f32], seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    data.fill_with(|| random.f32() * 255.0);
}
