//! How much memory there is and who has it. The governor reads these figures; nothing here decides.
//!
//! [`process`] reads this process on this machine, [`gpu`] an NVIDIA device through NVML and CUDA (each loaded at run time,
//! if it is there), [`scripted`] says what a test tells it to.

#[cfg(feature = "cuda")]
mod cuda;
mod gpu;
#[cfg(feature = "cuda")]
mod nvml;
mod process;
mod scripted;

pub use gpu::{Held, gpu_meter};
#[cfg(feature = "cuda")]
pub use nvml::NvmlMeter;
pub use process::{ProcessMeter, return_freed_memory, settle_heaps};
pub use scripted::ScriptedMeter;

pub(super) use process::kib_line;

/// One reading, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryFigures {
    /// What we occupy (resident set on a CPU).
    pub ours: u64,
    /// What could still be taken.
    pub free: u64,
    /// All there is.
    pub total: u64,
}

/// Something that reads memory.
pub trait MemoryMeter: Send {
    /// The figures now; `None` when they cannot be read this time.
    fn read(&mut self) -> Option<MemoryFigures>;

    /// What it reads, in a few words.
    fn name(&self) -> String;
}
