//! CUDA's own figures. `cudarc` panics where the driver library is missing or lacks a symbol, so every entry asks first
//! whether it is there and catches what it throws.

use std::{
    fmt::Write,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use cudarc::driver::{CudaContext, result, sys};

use super::{MemoryFigures, MemoryMeter};

/// The primary context of one device: the one that ONNX Runtime uses too, so that asking it costs no memory of its own.
pub(super) struct CudaMeter {
    context: Arc<CudaContext>,
    number: u32,
    /// What others had when it was opened; without NVML nobody says who took memory later.
    others: u64,
}

impl CudaMeter {
    pub(super) fn open(number: u32) -> Option<Self> {
        let context = guarded(|| CudaContext::new(number as usize).ok())?;
        let mut meter = Self { context, number, others: 0 };
        meter.others = meter.free_and_total().map_or(0, |(free, total)| total.saturating_sub(free));
        Some(meter)
    }

    pub(super) fn free_and_total(&self) -> Option<(u64, u64)> {
        let (free, total) = guarded(|| self.context.mem_get_info().ok())?;
        Some((free as u64, total as u64))
    }
}

impl MemoryMeter for CudaMeter {
    fn read(&mut self) -> Option<MemoryFigures> {
        let (free, total) = self.free_and_total()?;
        Some(MemoryFigures { ours: total.saturating_sub(free).saturating_sub(self.others), free, total })
    }

    fn name(&self) -> String {
        format!("CUDA device {}", self.number)
    }
}

/// The device's identity as NVML writes it. CUDA and NVML may count devices differently.
pub(super) fn uuid(number: u32) -> Option<String> {
    let id = guarded(|| {
        result::init().ok()?;
        result::device::get_uuid(result::device::get(number.cast_signed()).ok()?).ok()
    })?;
    let mut text = "GPU".to_owned();
    for (at, byte) in id.bytes.iter().enumerate() {
        let dash = if matches!(at, 0 | 4 | 6 | 8 | 10) { "-" } else { "" };
        let _cannot_fail = write!(text, "{dash}{:02x}", byte.to_ne_bytes()[0]); // C's `char` has no sign on ARM
    }
    Some(text)
}

fn guarded<T>(ask: impl FnOnce() -> Option<T>) -> Option<T> {
    #[allow(unsafe_code, reason = "the one way to ask whether the driver library can be loaded")]
    // SAFETY: only tries to load the system's CUDA driver library, as every CUDA program does when it starts.
    let present = unsafe { sys::is_culib_present() };
    if !present {
        return None;
    }
    catch_unwind(AssertUnwindSafe(ask)).ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_with_or_without_a_driver_answers_and_does_not_panic() {
        let figures = CudaMeter::open(0).and_then(|mut meter| meter.read());
        assert!(figures.is_none_or(|figures| figures.free <= figures.total));
        assert!(uuid(0).is_none_or(|uuid| uuid.len() == 40 && uuid.starts_with("GPU-")));
    }
}
