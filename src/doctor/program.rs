//! This binary: its version and what was built into it.

use super::{Area, Check, Health, Needs, Weight};

/// Everything that can be built in, whether it is, and who needs it.
const FEATURES: &[(&str, bool)] = &[
    ("cli", cfg!(feature = "cli")),
    ("media", cfg!(feature = "media")),
    ("ort", cfg!(feature = "ort")),
    ("cuda", cfg!(feature = "cuda")),
    ("zenoh", cfg!(feature = "zenoh")),
    ("server", cfg!(feature = "server")),
];

pub(super) fn checks(needs: &Needs) -> Vec<Check> {
    let built_in: Vec<&str> = FEATURES.iter().filter(|(_, is)| *is).map(|(name, _)| *name).collect();
    let found = format!("{} ({})", env!("CARGO_PKG_VERSION"), built_in.join(", "));
    let lacking: Vec<&str> = needed(needs).into_iter().filter(|name| !built_in.contains(name)).collect();
    if lacking.is_empty() {
        return vec![Check::healthy(Area::Program, "flyball").found(found)];
    }
    let mend = format!("cargo build --release --features {}", lacking.join(","));
    let check = Check::of(Area::Program, "flyball", Health::Incompatible, Weight::Fatal).found(found).mend(mend);
    vec![check.note(format!("built without {}, which this deployment uses", lacking.join(", ")))]
}

/// The features a deployment cannot do without.
fn needed(needs: &Needs) -> Vec<&'static str> {
    if !needs.is_of_deployment() {
        return Vec::new();
    }
    let http = needs.listen.iter().any(|endpoint| endpoint.starts_with("http/"));
    let zenoh = needs.listen.iter().any(|endpoint| !endpoint.starts_with("http/")) || !needs.connect.is_empty();
    let table =
        [("media", needs.decoding()), ("ort", needs.runtime()), ("zenoh", zenoh), ("server", http || needs.telemetry)];
    table.into_iter().filter(|(_, is)| *is).map(|(name, _)| name).collect()
}
