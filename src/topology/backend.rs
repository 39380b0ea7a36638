//! What runs the networks of a deployment.

use std::sync::Arc;

use super::AssembleError;
use crate::config;
use crate::inference::Backend;

/// The backend a deployment asks for.
pub(super) fn open_backend(models: &config::Models) -> Result<Arc<dyn Backend>, AssembleError> {
    open_backend_as(models, false)
}

/// The same; with `provider_defaults`, as frugal or wasteful as the provider is by itself.
#[cfg(feature = "ort")]
pub(crate) fn open_backend_as(
    models: &config::Models,
    provider_defaults: bool,
) -> Result<Arc<dyn Backend>, AssembleError> {
    use crate::inference::{
        Device,
        ort::{LibrarySearch, OrtBackend, OrtOptions},
    };
    let device = match models.device {
        config::Device::Auto => Device::Auto,
        config::Device::Cpu => Device::Cpu,
        config::Device::Cuda(number) => Device::Cuda(number),
    };
    let allow_unlicensed = models.allow_unlicensed;
    let options = OrtOptions { device, provider_defaults, allow_unlicensed, ..OrtOptions::default() };
    let search = LibrarySearch { explicit: None, roots: Vec::new() };
    Ok(Arc::new(OrtBackend::new(&search, options).map_err(AssembleError::missing)?))
}

/// This build runs none.
#[cfg(not(feature = "ort"))]
pub(crate) fn open_backend_as(_: &config::Models, _: bool) -> Result<Arc<dyn Backend>, AssembleError> {
    use crate::inference::SHAPES;
    let message = format!(
        "this flyball was built without ONNX Runtime: build it with `--features ort`, or use model = \"{SHAPES}\""
    );
    Err(AssembleError::missing(message))
}
