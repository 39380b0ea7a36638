//! Which memory the budget is about: that of the device where the models really run.

use crate::memory::{MemoryMeter, ProcessMeter, gpu_meter};

/// A meter for models that run on `devices`, each in the runtime's word: `cpu`, `cuda:0`. A GPU that nobody can read is
/// said aloud, and the process is read in its place.
pub(super) fn meter<'a>(devices: impl IntoIterator<Item = &'a str>) -> Box<dyn MemoryMeter> {
    let number = devices.into_iter().find_map(gpu_number);
    let gpu = number.and_then(|number| {
        let meter = gpu_meter(number);
        if meter.is_none() {
            tracing::warn!(
                number,
                "memory of the GPU cannot be read; the budget is kept on this process's memory instead"
            );
        }
        meter
    });
    let meter = gpu.unwrap_or_else(|| Box::new(ProcessMeter));
    tracing::info!(meter = meter.name(), "the memory budget is kept by this meter");
    meter
}

/// The number in `cuda:1`, whatever is said after it.
pub(super) fn gpu_number(device: &str) -> Option<u32> {
    let rest = device.strip_prefix("cuda:")?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_on_the_cpu_are_kept_within_this_process_and_a_gpu_is_found_by_its_number() {
        assert_eq!(meter(["cpu", "cpu (openvino)"]).name(), ProcessMeter.name());
        assert_eq!(gpu_number("cuda:12 (tensorrt)"), Some(12));
        assert_eq!(gpu_number("cpu"), None);
    }
}
