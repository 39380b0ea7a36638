//! What NVIDIA's management library says: the driver, and each device with its memory.

/// The driver and its devices.
#[derive(Clone, Debug, Default)]
pub(super) struct Nvidia {
    /// Such as `580.82.07`.
    pub(super) driver: String,
    /// Those that can be asked.
    pub(super) devices: Vec<Device>,
}

/// One GPU.
#[derive(Clone, Debug)]
pub(super) struct Device {
    /// Its name.
    pub(super) name: String,
    /// Bytes in all.
    pub(super) total: u64,
    /// Bytes nobody has.
    pub(super) free: u64,
    /// How busy its decoder is, per cent; `None` where it does not say.
    pub(super) decoder: Option<u32>,
}

/// Asks; the error is the library's own words.
#[cfg(feature = "cuda")]
pub(super) fn ask() -> Result<Nvidia, String> {
    let nvml = nvml_wrapper::Nvml::init().map_err(|why| why.to_string())?;
    let driver = nvml.sys_driver_version().map_err(|why| why.to_string())?;
    let devices = (0..nvml.device_count().unwrap_or(0)).filter_map(|index| device(&nvml, index).ok()).collect();
    Ok(Nvidia { driver, devices })
}

#[cfg(feature = "cuda")]
fn device(nvml: &nvml_wrapper::Nvml, index: u32) -> Result<Device, nvml_wrapper::error::NvmlError> {
    let device = nvml.device_by_index(index)?;
    let memory = device.memory_info()?;
    let decoder = device.decoder_utilization().ok().map(|busy| busy.utilization);
    Ok(Device {
        name: device.name().unwrap_or_else(|_| format!("GPU {index}")),
        total: memory.total,
        free: memory.free,
        decoder,
    })
}

#[cfg(not(feature = "cuda"))]
pub(super) fn ask() -> Result<Nvidia, String> {
    Err("this flyball was built without the `cuda` feature".to_owned())
}
