//! `flyball bench --soak-faces`: recognitions at a random number of faces a frame, 0 to 64, and whether memory stays flat.
//!
//! Runtimes keep memory for every shape they see, so a changing number of faces is what makes them grow. This goes the whole
//! way of a recogniser (aligned crops out of an NV12 frame, batches cut to fixed sizes, one session on the shelf) and keeps
//! the most memory held (of the GPU where it runs on one) after a warm-up; it should rise by no more than 2 %.

use std::{
    io::Write,
    sync::Arc,
    time::{Duration, Instant},
};

use clap::Args;
use serde_json::json;

use super::now;
use crate::config;
use crate::inference::{
    Shelf,
    heads::{Embedder, Sight, Supply},
    manifest::Catalogue,
};
use crate::memory::{ColorMatrix, ColorRange, Held, HostPlanes, PixelFormat, Pixels, Size, process_cpu_time};
use crate::scene::{BBox, Embedding, FaceObservation, Point};
use crate::topology::{AssembleError, open_backend_as};

const FRAME: Size = Size::new(1280, 720);
const MOST_FACES: usize = 64;
/// Part of the recognitions before the mark counts, and at least so many.
const WARM_UP: u64 = 20;
const WARM_UP_LEAST: u64 = 2_000;
/// What the mark may rise afterwards, in percent.
const FLAT: f64 = 2.0;
const SEED: u64 = 20_261_125;

/// What to soak, and for how long.
#[derive(Args, Debug)]
pub(super) struct SoakArgs {
    /// Instead of clips: this many recognitions at a random 0 to 64 faces a frame, and how far memory rises meanwhile
    #[arg(long, value_name = "COUNT", num_args = 0..=1, default_missing_value = "1000000")]
    pub(super) soak_faces: Option<u64>,
    /// Embedder of the soak
    #[arg(long, value_name = "MODEL", default_value = "dlib_resnet", requires = "soak_faces")]
    soak_model: String,
    /// Its variant; the manifest's first when absent
    #[arg(long, value_name = "VARIANT", requires = "soak_faces")]
    soak_variant: Option<String>,
    /// Leave the GPU's arena as its provider ships it, to see what our frugal one saves
    #[arg(long, requires = "soak_faces")]
    provider_defaults: bool,
    /// End the soak after this long even if not all are done
    #[arg(long = "for", value_name = "TIME", requires = "soak_faces", value_parser = humantime::parse_duration)]
    at_most: Option<Duration>,
}

/// What was seen.
#[derive(Debug, Default)]
struct Seen {
    recognitions: u64,
    frames: u64,
    /// Most bytes held during the warm-up, and after it.
    warm: u64,
    high: u64,
}

/// Soaks and prints.
pub(super) fn run(
    args: &SoakArgs,
    models: &config::Models,
    json_only: bool,
    out: &mut dyn Write,
) -> Result<(), AssembleError> {
    let wanted = args.soak_faces.unwrap_or_default().max(1);
    let mut held = Held::on(gpu_of(models.device));
    let mut embedder = embedder(args, models)?;
    let (cpu, started) = (process_cpu_time(), now());
    let seen = soak((&mut embedder, &mut held), wanted, args.at_most.map(|most| started + most))?;
    let (cpu, wall) = (process_cpu_time().saturating_sub(cpu), now().duration_since(started));
    let rise = 100.0 * (seen.high.max(seen.warm) - seen.warm) as f64 / seen.warm.max(1) as f64;
    let flat = (seen.high > 0).then_some(rise <= FLAT); // nothing is known when it ended within the warm-up
    let object = json!({ "recognitions": seen.recognitions, "frames": seen.frames, "model": args.soak_model, "memory_of": held.name(), "provider_defaults": args.provider_defaults,
        "warm_up_high_kib": seen.warm / 1024, "high_kib": seen.high / 1024, "rise_percent": (rise * 100.0).round() / 100.0,
        "flat": flat, "cpu_s": cpu.as_secs_f64(), "wall_s": wall.as_secs_f64(), "seed": SEED });
    if !json_only {
        let word = match flat {
            Some(true) => "flat",
            Some(false) => "not flat",
            None => "ended within the warm-up, so not measured",
        };
        let _ = writeln!(
            out,
            "{} recognitions on {} frames: highest {} KiB after a warm-up with {} KiB, {rise:+.2} %: {word} (limit {FLAT} %)",
            seen.recognitions,
            seen.frames,
            seen.high / 1024,
            seen.warm / 1024
        );
    }
    let _ = writeln!(out, "{object}"); // a reader that went away wants no more figures
    Ok(())
}

fn embedder(args: &SoakArgs, models: &config::Models) -> Result<Embedder, AssembleError> {
    let missing = |cause: &dyn ToString| AssembleError::Missing(cause.to_string());
    let catalogue = Catalogue::read(&models.dir).map_err(|problems| missing(&problems[0]))?;
    let model = catalogue.model(&args.soak_model).map_err(|e| missing(&e))?.clone();
    let variant = args.soak_variant.clone().unwrap_or_else(|| model.manifest.variant[0].id.clone());
    let (shelf, _) =
        Shelf::new([model.clone()].into_iter().collect(), open_backend_as(models, args.provider_defaults)?)
            .map_err(|e| missing(&e))?;
    shelf.start(&args.soak_model, &variant, 1).map_err(|e| missing(&e))?;
    let supply = Supply::shelf(shelf.seat(&args.soak_model));
    std::mem::forget(shelf); // stays loaded until the process ends
    Embedder::new(&model.manifest, supply).map_err(|e| missing(&e))
}

/// The GPU whose memory is watched; `None` watches the process.
fn gpu_of(device: config::Device) -> Option<u32> {
    if let config::Device::Cuda(number) = device { Some(number) } else { None }
}

fn soak(
    (embedder, held): (&mut Embedder, &mut Held),
    wanted: u64,
    until: Option<Instant>,
) -> Result<Seen, AssembleError> {
    let (picture, mut random, mut seen) = (picture()?, fastrand::Rng::with_seed(SEED), Seen::default());
    let mut made: Vec<Option<Embedding>> = Vec::new();
    let warm_up = (wanted / WARM_UP).max(WARM_UP_LEAST);
    held.settled();
    while seen.recognitions < wanted && until.is_none_or(|until| now() < until) {
        let faces: Vec<_> = (0..random.usize(0..=MOST_FACES)).map(|_| face(&mut random)).collect();
        let sights: Vec<Sight<'_>> = faces.iter().map(|face| (picture.as_ref(), face)).collect();
        embedder.embed(&sights, &mut made).map_err(|e| AssembleError::Failed(e.to_string()))?;
        if made.iter().any(Option::is_none) {
            return Err(AssembleError::Failed("a face of the soak got no embedding".to_owned()));
        }
        seen.recognitions += made.len() as u64;
        seen.frames += 1;
        let mark = if seen.recognitions <= warm_up { &mut seen.warm } else { &mut seen.high };
        *mark = held.bytes().max(*mark);
    }
    Ok(seen)
}

/// A grey frame with some structure; what is on it does not change what a network costs.
fn picture() -> Result<Arc<Pixels>, AssembleError> {
    let (w, h) = (FRAME.w as usize, FRAME.h as usize);
    let luma = (0..w * h).map(|at| (at * 7 % 219 + 16) as u8).collect();
    let planes = HostPlanes::from([luma, vec![128; w * h / 2]]);
    let made =
        Pixels::new(PixelFormat::Nv12, FRAME, [w, w, 0], ColorMatrix::Bt709, ColorRange::Limited, Box::new(planes));
    made.map(Arc::new).map_err(|e| AssembleError::Failed(e.to_string()))
}

/// A face somewhere on the frame, with five points where faces have them.
fn face(random: &mut fastrand::Rng) -> FaceObservation {
    let side = 40.0 + random.f32() * 200.0;
    let (x, y) = (random.f32() * (FRAME.w as f32 - side), random.f32() * (FRAME.h as f32 - side));
    let places = [(0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8)];
    let points = places.map(|(dx, dy)| Point::new(x + dx * side, y + dy * side));
    FaceObservation::detected(BBox::new(x, y, side, side), Some(points), 0.9)
}
