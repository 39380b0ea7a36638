//! What the machine has left: memory, disk, /dev/shm, open files, a clock that somebody keeps.

use std::{fs, path::Path};

use bytesize::ByteSize;

use super::{Area, Check, Health, Needs, WantedMachine, Weight, foreign};
use crate::memory::{MemoryMeter, ProcessMeter};

/// Where programs share memory; used only where Zenoh is told to, which Flyball does not.
const SHARED_MEMORY: &str = "/dev/shm";

pub(super) fn checks(needs: &Needs, wanted: &WantedMachine) -> Vec<Check> {
    let places = needs.writes.iter().map(|path| disk(path, wanted));
    std::iter::once(memory(wanted))
        .chain(places)
        .chain([shared_memory(wanted), open_files(needs, wanted), clock(needs)])
        .collect()
}

fn memory(wanted: &WantedMachine) -> Check {
    let free = ProcessMeter.read().map(|figures| figures.free);
    let mend = "ps -eo pid,rss,comm --sort -rss | head";
    enough("memory", free, wanted.memory, mend, Weight::Advice).note_unless_healthy("end what is not needed here")
}

fn disk(path: &Path, wanted: &WantedMachine) -> Check {
    let place = path.ancestors().find(|place| place.exists()).unwrap_or(Path::new("/"));
    let mend = format!("df -h {}", place.display());
    let what = format!("disk for {}", path.file_name().map_or_else(|| "./".into(), |name| name.to_string_lossy()));
    enough(&what, foreign::free_room(place), wanted.disk, &mend, Weight::Advice)
        .note_unless_healthy("the store stops writing when the disk is full")
}

fn shared_memory(wanted: &WantedMachine) -> Check {
    let mend = format!("mount -o remount,size={} {SHARED_MEMORY}", wanted.shared_memory.as_u64());
    enough(SHARED_MEMORY, foreign::free_room(Path::new(SHARED_MEMORY)), wanted.shared_memory, &mend, Weight::NotNeeded)
}

fn enough(name: &str, free: Option<u64>, wanted: ByteSize, mend: &str, weight: Weight) -> Check {
    let range = format!("{wanted} free");
    match free {
        Some(free) if free >= wanted.as_u64() => {
            Check::healthy(Area::Machine, name).found(format!("{} free", ByteSize(free))).wanted(range)
        }
        Some(free) => Check::of(Area::Machine, name, Health::Error, weight)
            .found(format!("{} free", ByteSize(free)))
            .wanted(range)
            .mend(mend),
        None => Check::of(Area::Machine, name, Health::Missing, Weight::NotNeeded).wanted(range).mend(mend),
    }
}

fn open_files(needs: &Needs, wanted: &WantedMachine) -> Check {
    let least = wanted.open_files + wanted.open_files_per_camera * needs.cameras;
    let check =
        |health| Check::of(Area::Machine, "open files", health, Weight::Advice).wanted(format!("{least} or more"));
    match open_file_limit() {
        Some(limit) if limit >= least => check(Health::Healthy).found(limit.to_string()),
        Some(limit) => check(Health::Error).found(limit.to_string()).mend(format!("ulimit -n {least}")),
        None => check(Health::Missing).weighing(Weight::NotNeeded).mend(format!("ulimit -n {least}")),
    }
}

fn open_file_limit() -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    let soft = line.split_whitespace().next()?;
    if soft == "unlimited" { Some(u64::MAX) } else { soft.parse().ok() }
}

/// Network cameras stamp their own time; comparing it with ours needs ours to be right. Subscribers on other machines do too,
/// so a clock nobody keeps is said to everybody, and is advice only there.
fn clock(needs: &Needs) -> Check {
    let mend = "timedatectl set-ntp true";
    let weight = if needs.is_of_deployment() && needs.network_cameras() { Weight::Advice } else { Weight::NotNeeded };
    match foreign::clock_is_kept() {
        Some(true) => Check::healthy(Area::Machine, "clock").found("synchronised"),
        Some(false) => Check::of(Area::Machine, "clock", Health::Error, weight)
            .found("not synchronised")
            .note("capture times of network cameras are compared with it")
            .mend(mend),
        None => Check::of(Area::Machine, "clock", Health::Missing, Weight::NotNeeded).mend(mend),
    }
}

impl Check {
    fn note_unless_healthy(self, note: &str) -> Self {
        if self.health == Health::Healthy { self } else { self.note(note) }
    }
}
