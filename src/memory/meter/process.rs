//! This process on this machine: what it occupies, and what it could still take.

use std::fs;

use super::{MemoryFigures, MemoryMeter};

/// This process on this machine: resident set, and the tighter of the machine's memory and its cgroup (v2) limit.
#[derive(Debug, Default)]
pub struct ProcessMeter;

impl MemoryMeter for ProcessMeter {
    fn read(&mut self) -> Option<MemoryFigures> {
        let ours = kib_line("/proc/self/status", "VmRSS:")?;
        let total = kib_line("/proc/meminfo", "MemTotal:")?;
        let available = kib_line("/proc/meminfo", "MemAvailable:")?;
        let Some((limit, used)) = cgroup_limit() else {
            return Some(MemoryFigures { ours, free: available, total });
        };
        Some(MemoryFigures { ours, free: available.min(limit.saturating_sub(used)), total: total.min(limit) })
    }

    fn name(&self) -> String {
        "resident set of this process".to_owned()
    }
}

/// Reads `Name:   123 kB` from a proc file, in bytes.
pub(crate) fn kib_line(path: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|l| l.starts_with(name))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib * 1024)
}

/// Limit and use of our cgroup, when there is a limit ("max" means none).
fn cgroup_limit() -> Option<(u64, u64)> {
    let number = |file: &str| fs::read_to_string(format!("/sys/fs/cgroup/{file}")).ok()?.trim().parse::<u64>().ok();
    Some((number("memory.max")?, number("memory.current")?))
}

/// Gives memory that was freed but is still held by the C allocator back to the system (5 to 20 ms). ONNX Runtime
/// allocates through it: without this, up to half of a dropped model stays resident.
pub fn return_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[allow(unsafe_code, reason = "malloc_trim has no safe wrapper")]
    // SAFETY: malloc_trim takes no pointers and may be called at any time from any thread.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Heaps a program needs at least: one would make every thread wait for every other.
const FEWEST_HEAPS: i32 = 2;
/// Beyond this many, more heaps only hold more holes.
const MOST_HEAPS: i32 = 8;
/// From this size on memory comes straight from the system and goes back when freed: weights do, pictures up to 4K do not.
const OWN_MAPPING: i32 = 16 << 20;
/// Freed memory at the end of a heap that is kept for the next picture.
const KEPT: i32 = 32 << 20;

/// Settles how the C allocator deals with cameras. Call it before threads are started.
///
/// - One heap a core instead of eight. Cameras that come and go leave holes in every heap they meet; over 3,000 of them memory
///   rose by 5 % with sixteen heaps and by 1 % with two.
/// - The end of a heap is kept, not given back with every picture that GStreamer's decoder copies while it still refers to
///   it: half of all page faults were such memory taken again (0.4 ms a 720p frame). [`return_freed_memory`] gives it back.
pub fn settle_heaps() {
    let cores = std::thread::available_parallelism().map_or(FEWEST_HEAPS, |cores| cores.get() as i32);
    let heaps = cores.clamp(FEWEST_HEAPS, MOST_HEAPS);
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[allow(unsafe_code, reason = "mallopt has no safe wrapper")]
    // SAFETY: mallopt takes two numbers and may be called at any time from any thread.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, heaps);
        libc::mallopt(libc::M_MMAP_THRESHOLD, OWN_MAPPING);
        libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT);
    }
    #[cfg(not(all(target_os = "linux", target_env = "gnu")))]
    let _other_allocators_decide_themselves = heaps;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_occupies_something_and_not_everything() {
        let figures = ProcessMeter.read().expect("proc is readable");
        assert!(figures.ours > 1 << 20 && figures.ours < figures.total);
        assert!(figures.free <= figures.total);
    }
}
