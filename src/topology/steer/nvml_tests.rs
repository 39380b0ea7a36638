//! The real NVML code against a library made for the test (`tests/fake_nvml/nvml.c`), whose figures the test scripts: what
//! the governor does when somebody else takes the device's memory, and when they leave.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs, path::Path, process::Command};

use super::tests::{MIB, STEP_MS, World, full_quality};
use crate::memory::{MemoryMeter, NvmlMeter};

const TOTAL: u64 = 1024 * MIB;
/// What we hold while "finder" and "knower" run at full quality.
const OURS: u64 = 120 * MIB;

/// The library, and the file its figures come from.
struct Fake {
    folder: tempfile::TempDir,
}

impl Fake {
    /// Built by the compiler that links Rust programs.
    fn build() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fake_nvml/nvml.c");
        let script = format!("-DSCRIPT=\"{}\"", folder.path().join("script").display());
        let library = folder.path().join("libnvidia-ml.so.1");
        let cc =
            Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(library).arg(script).arg(source).status();
        assert!(cc.unwrap().success(), "the fake library cannot be built");
        Self { folder }
    }

    /// Others hold `strangers` bytes, we hold `ours`; `known` if the driver says so.
    fn script(&self, strangers: u64, ours: u64, known: bool) {
        let (used, pid) = (strangers + ours, std::process::id());
        let said = if known { ours as i64 } else { -1 };
        fs::write(self.folder.path().join("script"), format!("{TOTAL} {used} {said} {pid}\n")).unwrap();
    }

    fn meter(&self) -> NvmlMeter {
        NvmlMeter::open_with(&self.folder.path().join("libnvidia-ml.so.1"), 0).unwrap()
    }
}

#[test]
fn the_device_says_what_is_free_and_what_is_ours() {
    let fake = Fake::build();
    fake.script(200 * MIB, 0, true);
    let mut meter = fake.meter();
    assert_eq!(meter.name(), "Scripted GPU (GPU 0)");
    fake.script(300 * MIB, OURS, true);
    let figures = meter.read().unwrap();
    assert_eq!((figures.ours, figures.free, figures.total), (OURS, TOTAL - OURS - 300 * MIB, TOTAL));
    fake.script(200 * MIB, OURS, false);
    assert_eq!(
        meter.read().unwrap().ours,
        OURS,
        "what was there before us is not ours, even if nobody says whose it is"
    );
    fs::write(fake.folder.path().join("script"), "not a figure").unwrap();
    assert!(meter.read().is_none(), "no reading is better than a wrong one");
}

#[test]
fn a_foreign_process_takes_memory_and_the_plan_steps_down_with_the_reading_and_up_after_the_dwell() {
    let fake = Fake::build();
    fake.script(100 * MIB, OURS, true);
    let mut world = World::metered(Box::new(fake.meter()));
    world.seconds(5, 30.0);
    assert_eq!(world.setting(), full_quality());

    fake.script(TOTAL - OURS - 4 * MIB, OURS, true); // all but 4 MiB
    let taken = world.steps;
    while world.loaded("knower").contains(&"dear".into()) {
        world.step(30.0);
        assert!((world.steps - taken) * STEP_MS <= 200, "later than 200 ms after the reading");
    }
    fake.script(TOTAL - OURS - 4 * MIB, OURS / 3, true); // what was retired is back with the device
    world.seconds(2, 30.0);
    assert_eq!(world.loaded("knower"), ["cheap"]);
    assert!(world.knower.enabled(), "the cheap one is at work");

    fake.script(100 * MIB, OURS / 3, true); // the stranger has gone
    world.seconds(2, 30.0);
    assert_eq!(world.loaded("knower"), ["cheap"], "up slowly: the dwell is not over");
    world.seconds(30, 30.0);
    assert_eq!(world.setting(), full_quality());
}
