//! NVML: what an NVIDIA device has, and how much of it our process holds.
//!
//! Inside containers and partitions the driver often does not say who holds what, or knows us by another number. Then all
//! that was taken since the meter was opened counts as ours: too much when a stranger takes it, which errs on the safe side.

use std::{ffi::OsStr, path::Path};

use nvml_wrapper::{Device, Nvml, enums::device::UsedGpuMemory, error::NvmlError};

use super::{MemoryFigures, MemoryMeter};

/// One device.
pub struct NvmlMeter {
    nvml: Nvml,
    number: u32,
    uuid: Option<String>,
    name: String,
    /// What others had when it was opened.
    others: u64,
}

impl NvmlMeter {
    /// The device with this identity, or else with this number, through the system's own library.
    pub fn open(number: u32, uuid: Option<&str>) -> Result<Self, String> {
        Self::on(Nvml::init(), number, uuid).map_err(|cause| told(number, &cause))
    }

    /// The same through the library at `path`.
    pub fn open_with(path: &Path, number: u32) -> Result<Self, String> {
        let library: &OsStr = path.as_ref();
        Self::on(Nvml::builder().lib_path(library).init(), number, None).map_err(|cause| told(number, &cause))
    }

    fn on(nvml: Result<Nvml, NvmlError>, number: u32, uuid: Option<&str>) -> Result<Self, NvmlError> {
        let uuid = uuid.map(str::to_owned);
        let mut meter = Self { nvml: nvml?, number, uuid, name: String::new(), others: 0 };
        let device = meter.device()?;
        let name = device.name()?;
        let others = device.memory_info()?.used.saturating_sub(held_by_us(&device).unwrap_or(0));
        (meter.name, meter.others) = (name, others);
        Ok(meter)
    }

    fn device(&self) -> Result<Device<'_>, NvmlError> {
        let by_uuid = self.uuid.as_deref().and_then(|uuid| self.nvml.device_by_uuid(uuid).ok());
        by_uuid.map_or_else(|| self.nvml.device_by_index(self.number), Ok)
    }
}

impl MemoryMeter for NvmlMeter {
    fn read(&mut self) -> Option<MemoryFigures> {
        let device = self.device().ok()?;
        let memory = device.memory_info().ok()?;
        let ours = held_by_us(&device).unwrap_or_else(|| memory.used.saturating_sub(self.others));
        Some(MemoryFigures { ours, free: memory.free, total: memory.total })
    }

    fn name(&self) -> String {
        format!("{} (GPU {})", self.name, self.number)
    }
}

/// Bytes this process holds; `None` when the driver does not say.
fn held_by_us(device: &Device<'_>) -> Option<u64> {
    let processes = device.running_compute_processes().ok()?;
    let ours = processes.iter().find(|process| process.pid == std::process::id())?;
    match ours.used_gpu_memory {
        UsedGpuMemory::Used(bytes) => Some(bytes),
        UsedGpuMemory::Unavailable => None,
    }
}

fn told(number: u32, cause: &NvmlError) -> String {
    format!("GPU {number}: {cause}; is the NVIDIA driver (510 or newer) installed?")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_that_is_not_there_is_named_as_missing_and_nothing_panics() {
        let refused = NvmlMeter::open_with(Path::new("/nowhere/libnvidia-ml.so.1"), 3).err().unwrap();
        assert!(refused.contains("GPU 3") && refused.contains("driver"), "{refused}");
    }
}
