//! Where pixels live, how many frames may be in flight, and how much memory there is.
//!
//! [`pixels`] describes a picture whoever owns its bytes; [`permit`] bounds what is in flight; [`meter`] reads what the
//! machine says; [`turn`] is about the other thing that is short, the cores. Next room up: `scene`, which speaks of frames and faces.

mod copies;
mod cpu;
mod host;
mod meter;
mod permit;
#[cfg(feature = "cli")]
mod photo;
mod pixels;
mod size;
mod turn;

pub use copies::{count_frame_copy, frame_copies};
pub use cpu::{peak_resident_bytes, process_cpu_time, resident_bytes_of, thread_cpu_time};
pub use host::HostPlanes;
#[cfg(feature = "cuda")]
pub use meter::NvmlMeter;
pub use meter::{
    Held, MemoryFigures, MemoryMeter, ProcessMeter, ScriptedMeter, gpu_meter, return_freed_memory, settle_heaps,
};
pub use permit::{InFlight, Permits};
#[cfg(feature = "cli")]
pub use photo::{PhotoError, decode_photo, read_photo};
pub use pixels::{ColorMatrix, ColorRange, PixelFormat, Pixels, PixelsError, Planes};
pub use size::Size;
pub use turn::{prompt, promptly};
