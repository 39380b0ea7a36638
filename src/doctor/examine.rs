//! All checks, in the order of the table.

use std::path::PathBuf;

use super::{
    Area, Check, Health, Needs, Report, WantedVersions, Weight, bus, footage, gpu, machine, plugins, ports, program,
    runtime, weights,
};

/// How much is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// What costs next to nothing and would stop a run: before every run.
    Quick,
    /// Everything, checksums and providers included: when asked.
    Full,
}

/// Where things may be, when not where they usually are.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// ONNX Runtime's library or its folder.
    pub onnxruntime: Option<PathBuf>,
}

/// Looks at everything asked for.
pub fn examine(needs: &Needs, places: &Places, depth: Depth) -> Report {
    let wanted = match WantedVersions::built_in() {
        Ok(wanted) => wanted,
        Err(why) => return Report::new(vec![unreadable(&why)]),
    };
    let mut checks = program::checks(needs);
    checks.extend(plugins::checks(needs, &wanted));
    let (found, runtime) = runtime::check(needs, &wanted, places);
    checks.push(found);
    checks.extend(gpu::checks(needs, &wanted, runtime.as_ref(), depth));
    checks.extend(bus::checks(needs, &wanted, depth));
    checks.extend(weights::checks(needs, depth));
    if depth == Depth::Full {
        checks.extend(footage::checks(needs));
        checks.extend(machine::checks(needs, &wanted.machine));
    }
    checks.extend(ports::checks(needs));
    checks.sort_by_key(|check| check.area); // stable: within an area the order of looking stays
    Report::new(checks)
}

fn unreadable(why: &toml::de::Error) -> Check {
    Check::of(Area::Program, "config/dependencies.toml", Health::Error, Weight::Fatal)
        .note(why.to_string())
        .mend("git checkout config/dependencies.toml && cargo build --release")
}
