//! Launches `letterbox.cu`. Nothing NVIDIA is linked: the driver and NVRTC are looked for when they are asked for, and their
//! absence is an error with a sentence, not a panic. What the kernel computes is tested as C++, on a device by
//! `make bench-gpu`, and that NVRTC takes it where NVRTC is there. No stage uses it yet: frames are prepared on the CPU.

use std::sync::Arc;

use cudarc::{
    driver::{CudaContext, CudaFunction, CudaSlice, CudaStream, DeviceRepr, LaunchConfig, PushKernelArg},
    nvrtc::{CompileOptions, Ptx, compile_ptx_with_opts},
};

use super::letterbox::{LETTERBOX_KERNEL, LETTERBOX_OPTIONS, LETTERBOX_SOURCE, Letterbox};

/// Output pixels a block covers, across and down.
const BLOCK: (u32, u32) = (32, 8);

/// Why there is no kernel.
#[derive(Debug, thiserror::Error)]
pub enum KernelError {
    /// A library is not on this machine.
    #[error("{0} is not on this machine: {1}")]
    Missing(&'static str, &'static str),
    /// The compiler refused the source.
    #[error("NVRTC does not compile letterbox.cu: {0}")]
    Compiler(String),
    /// The driver refused.
    #[error("the CUDA driver: {0}")]
    Driver(String),
}

/// The kernel on one device.
pub struct LetterboxKernel {
    stream: Arc<CudaStream>,
    function: CudaFunction,
}

#[allow(unsafe_code, reason = "a struct of plain numbers handed to a kernel by value")]
// SAFETY: four-byte numbers without padding, laid out as the kernel's own struct (`repr(C)` on both sides).
unsafe impl DeviceRepr for Letterbox {}

/// Compiles the kernel to PTX for compute capability 7.5 and up.
pub fn compile() -> Result<Ptx, KernelError> {
    if !nvrtc_is_here() {
        return Err(KernelError::Missing(
            "NVRTC (libnvrtc.so)",
            "install the CUDA toolkit or `pip install nvidia-cuda-nvrtc-cu12`",
        ));
    }
    let options = LETTERBOX_OPTIONS.map(str::to_owned).to_vec();
    let options = CompileOptions { arch: Some("compute_75"), options, ..CompileOptions::default() };
    compile_ptx_with_opts(LETTERBOX_SOURCE, options).map_err(|e| KernelError::Compiler(format!("{e:?}")))
}

/// Whether NVRTC can be loaded.
#[allow(unsafe_code, reason = "cudarc marks the probe unsafe")]
pub fn nvrtc_is_here() -> bool {
    // SAFETY: only tries to open the library; cudarc panics without this question.
    unsafe { cudarc::nvrtc::sys::is_culib_present() }
}

/// Whether a CUDA driver can be loaded.
#[allow(unsafe_code, reason = "cudarc marks the probe unsafe")]
pub fn driver_is_here() -> bool {
    // SAFETY: only tries to open the library; cudarc panics without this question.
    unsafe { cudarc::driver::sys::is_culib_present() }
}

impl LetterboxKernel {
    /// The kernel on device `ordinal`.
    pub fn new(ordinal: usize) -> Result<Self, KernelError> {
        if !driver_is_here() {
            return Err(KernelError::Missing("the NVIDIA driver (libcuda.so)", "run on the CPU with device = \"cpu\""));
        }
        let refused = |e: cudarc::driver::DriverError| KernelError::Driver(e.to_string());
        let stream = CudaContext::new(ordinal).map_err(refused)?.default_stream();
        let module = stream.context().load_module(compile()?).map_err(refused)?;
        let function = module.load_function(LETTERBOX_KERNEL).map_err(refused)?;
        Ok(Self { stream, function })
    }

    /// The stream it is queued on, for whoever fills its planes and reads its output.
    pub fn stream(&self) -> &Arc<CudaStream> {
        &self.stream
    }

    /// Fills `out`, at least [`Letterbox::floats`] long, from planes on the device. Returns when it is queued.
    #[allow(unsafe_code, reason = "a kernel launch cannot be checked by the compiler")]
    pub fn launch(
        &self,
        luma: &CudaSlice<u8>,
        chroma: &CudaSlice<u8>,
        out: &mut CudaSlice<f32>,
        job: &Letterbox,
    ) -> Result<(), KernelError> {
        if out.len() < job.floats() {
            return Err(KernelError::Driver(format!("an item of {} floats, room for {}", job.floats(), out.len())));
        }
        let [w, h] = job.input();
        let grid_dim = (w.div_ceil(BLOCK.0), h.div_ceil(BLOCK.1), 1);
        let config = LaunchConfig { grid_dim, block_dim: (BLOCK.0, BLOCK.1, 1), shared_mem_bytes: 0 };
        let mut launch = self.stream.launch_builder(&self.function);
        launch.arg(luma).arg(chroma).arg(out).arg(job);
        // SAFETY: arguments are those of the kernel, in order; `out` holds the item, and `Letterbox::new` keeps reads inside
        // the planes it was made for.
        unsafe { launch.launch(config) }.map(drop).map_err(|e| KernelError::Driver(e.to_string()))
    }
}
