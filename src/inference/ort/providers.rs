//! Which execution providers the loaded library offers, and which of them really load here.

use ort::{
    ep::{self, ExecutionProvider},
    session::{Session, builder::SessionBuilder},
};

use super::{Library, neighbours::load_beside, words::one_line};
use crate::inference::InferenceError;

/// One execution provider beside the CPU's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// `cuda`, `tensorrt` or `openvino`.
    pub name: &'static str,
    /// It loads; or the library was built with it, and why it does not load.
    pub state: Result<(), String>,
}

impl Library {
    /// The providers this library was built with, each tried: registering one loads its libraries.
    pub fn providers(&self) -> Result<Vec<Provider>, InferenceError> {
        load_beside(&self.path);
        let tried = [
            ("cuda", self.tried(&ep::CUDA::default())?),
            ("tensorrt", self.tried(&ep::TensorRT::default())?),
            ("openvino", self.tried(&ep::OpenVINO::default().with_device_type("CPU"))?),
        ];
        Ok(tried.into_iter().filter_map(|(name, state)| Some(Provider { name, state: state? })).collect())
    }

    /// `None` when the library was built without it.
    fn tried<P: ExecutionProvider>(&self, provider: &P) -> Result<Option<Result<(), String>>, InferenceError> {
        let offered = P::is_available().map_err(|cause| InferenceError::Runtime(cause.to_string()))?;
        if !offered {
            return Ok(None);
        }
        let mut builder = self.builder()?;
        Ok(Some(provider.register(&mut builder).map_err(|cause| one_line(&cause.to_string()))))
    }

    fn builder(&self) -> Result<SessionBuilder, InferenceError> {
        Session::builder(&self.environment).map_err(|cause| InferenceError::Runtime(cause.to_string()))
    }
}
