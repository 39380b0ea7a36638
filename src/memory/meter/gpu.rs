//! An NVIDIA device, by whatever can be asked: NVML knows who has the memory, CUDA what it would still give us (which is
//! less inside a partition of a device). Either may be missing; without both there is no such meter.

use super::{MemoryMeter, ProcessMeter, return_freed_memory};

/// What a measurement reads: the GPU with this number, or this process where there is none or it does not answer.
pub struct Held(Box<dyn MemoryMeter>);

impl Held {
    /// A meter of the GPU `number`; `None` asks for the process.
    pub fn on(number: Option<u32>) -> Self {
        Self(number.and_then(gpu_meter).unwrap_or_else(|| Box::new(ProcessMeter)))
    }

    /// Bytes we hold, once freed memory has been returned.
    pub fn settled(&mut self) -> u64 {
        return_freed_memory();
        self.bytes()
    }

    /// Bytes we hold.
    pub fn bytes(&mut self) -> u64 {
        self.0.read().map_or(0, |figures| figures.ours)
    }

    /// What is read, in a few words.
    pub fn name(&self) -> String {
        self.0.name()
    }
}

/// A meter of the device with this CUDA number; `None` where neither NVML nor CUDA answers, or this build knows neither.
#[cfg(feature = "cuda")]
pub fn gpu_meter(number: u32) -> Option<Box<dyn MemoryMeter>> {
    use super::{NvmlMeter, cuda};
    let context = cuda::CudaMeter::open(number);
    match NvmlMeter::open(number, cuda::uuid(number).as_deref()) {
        Ok(nvml) => Some(Box::new(Both { nvml, context })),
        Err(cause) => {
            tracing::warn!(number, cause, "NVML does not answer; memory is read from CUDA alone");
            context.map(|context| Box::new(context) as Box<dyn MemoryMeter>)
        }
    }
}

/// This build knows no GPUs.
#[cfg(not(feature = "cuda"))]
pub fn gpu_meter(_: u32) -> Option<Box<dyn MemoryMeter>> {
    None
}

/// NVML's figures, bounded by CUDA's.
#[cfg(feature = "cuda")]
struct Both {
    nvml: super::NvmlMeter,
    context: Option<super::cuda::CudaMeter>,
}

#[cfg(feature = "cuda")]
impl MemoryMeter for Both {
    fn read(&mut self) -> Option<super::MemoryFigures> {
        let figures = self.nvml.read()?;
        let Some((free, total)) = self.context.as_ref().and_then(super::cuda::CudaMeter::free_and_total) else {
            return Some(figures);
        };
        Some(super::MemoryFigures { free: figures.free.min(free), total: figures.total.min(total), ..figures })
    }

    fn name(&self) -> String {
        self.nvml.name()
    }
}
