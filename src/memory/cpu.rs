//! CPU time of this thread and of this process. CPU time, unlike wall time, means the same on a busy machine.

use std::time::Duration;

/// CPU time (user + system) the calling thread has used.
pub fn thread_cpu_time() -> Duration {
    clock(libc::CLOCK_THREAD_CPUTIME_ID)
}

/// CPU time (user + system) the whole process has used.
pub fn process_cpu_time() -> Duration {
    clock(libc::CLOCK_PROCESS_CPUTIME_ID)
}

#[allow(unsafe_code, reason = "the standard library has no CPU clock")]
fn clock(id: libc::clockid_t) -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid, writable timespec for the duration of the call.
    let answer = unsafe { libc::clock_gettime(id, &raw mut time) };
    if answer != 0 {
        return Duration::ZERO;
    }
    Duration::new(time.tv_sec.max(0) as u64, time.tv_nsec.clamp(0, 999_999_999) as u32)
}

/// Resident set of another process, in bytes; `None` when it is gone or not ours to look at.
pub fn resident_bytes_of(process: u32) -> Option<u64> {
    super::meter::kib_line(&format!("/proc/{process}/status"), "VmRSS:")
}

/// Highest resident set this process has had, in bytes.
pub fn peak_resident_bytes() -> u64 {
    super::meter::kib_line("/proc/self/status", "VmHWM:").unwrap_or(0)
}
