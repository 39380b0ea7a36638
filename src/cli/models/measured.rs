//! What `flyball models bench` has measured: as the governor reads it, as a table, and on what it was measured.

use std::{fs, io::Write};

use comfy_table::{Table, presets::UTF8_HORIZONTAL_ONLY};

use super::{ModelsError, bench::BenchArgs, clock::Spent};
use crate::inference::{
    Device,
    manifest::Variant,
    profile::{MeasuredModel, MeasuredProfile, MeasuredRung, MeasuredVariant},
};
use crate::memory::Held;

const MILLISECONDS: f64 = 1000.0;

/// One variant from its rungs, and the line fitted to them.
pub(super) fn summary(
    variant: &Variant,
    weights: u64,
    opening: Spent,
    (base_ms, item_ms): (f64, f64),
    rungs: Vec<MeasuredRung>,
) -> MeasuredVariant {
    let largest = rungs.last().map_or((1, 0), |r| (u64::from(r.batch), r.memory));
    MeasuredVariant {
        name: variant.id.clone(),
        precision: variant.precision,
        pixels: variant.size.area() as u32,
        quality: f64::from(variant.quality),
        base_ms,
        item_ms,
        weights,
        workspace: largest.1.saturating_sub(weights) / largest.0,
        load_ms: opening.wall * MILLISECONDS,
        rungs,
    }
}

/// Prints it.
pub(super) fn report(profile: &MeasuredProfile, json: bool, out: &mut dyn Write) -> Result<(), ModelsError> {
    if json {
        writeln!(out, "{}", serde_json::to_string(profile).map_err(std::io::Error::other)?)?;
        return Ok(());
    }
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY);
    table.set_header(["model", "variant", "batch", "CPU ms a batch", "wall ms", "over bare", "memory", "load ms"]);
    for (model, variant, rung) in rungs(profile) {
        table.add_row([
            model.name.clone(),
            variant.name.clone(),
            rung.batch.to_string(),
            format!("{:.2}", rung.cpu_ms),
            format!("{:.2}", rung.wall_ms),
            format!("{:.3}", rung.overhead),
            bytesize::ByteSize(rung.memory).to_string(),
            format!("{:.0}", variant.load_ms),
        ]);
    }
    writeln!(out, "{}\n{table}", profile.device)?;
    Ok(())
}

/// Every row of a profile.
fn rungs(profile: &MeasuredProfile) -> impl Iterator<Item = (&MeasuredModel, &MeasuredVariant, &MeasuredRung)> {
    let variants = profile.models.iter().flat_map(|m| m.variants.iter().map(move |v| (m, v)));
    variants.flat_map(|(m, v)| v.rungs.iter().map(move |r| (m, v, r)))
}

/// The processor's name or the GPU's, and where networks ran.
pub(super) fn device(args: &BenchArgs, held: &Held) -> String {
    if matches!(args.runtime.device, Device::Cuda(_)) {
        return format!("{}, {}", held.name(), args.runtime.device);
    }
    let told = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = told.lines().find_map(|line| line.strip_prefix("model name")?.split(':').nth(1));
    format!("{}, {}", name.unwrap_or("unknown processor").trim(), args.runtime.device)
}
