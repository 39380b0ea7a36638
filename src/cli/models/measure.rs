//! The measuring behind `flyball models bench`. Each session runs the same prepared tensors through the engine and bare, in
//! turns, so that a busy neighbour slows both alike; time is this thread's own.

use std::io::Write;

use super::{
    ModelsError,
    bench::BenchArgs,
    clock::{Spent, timed},
    measured::{device, report, summary},
    verify::{bar, chosen},
};
use crate::inference::{
    Batch, Device, InferenceError, Outputs, Session,
    manifest::{Catalogue, Model, Variant},
    ort::{OrtBackend, OrtSession},
    profile::{MeasuredModel, MeasuredProfile, MeasuredRung, MeasuredVariant, line},
};
use crate::memory::Held;

/// Seconds at most one way before the other has its turn: long against the scheduler's tick, short against a neighbour's mood.
const TURN: f64 = 0.1;

/// Turns at least. With five turns of one long run each, the middle ratio was seen 11 % off either way on a busy machine.
const FEWEST_TURNS: f64 = 12.0;

/// Seed of the noise that networks are fed; their time does not depend on what they see.
const SEED: u64 = 11;

const MILLISECONDS: f64 = 1000.0;

pub(super) fn run(args: &BenchArgs, catalogue: &Catalogue, out: &mut dyn Write) -> Result<u8, ModelsError> {
    let batches = sorted(&args.batches);
    let backend = args.runtime.ort(batches.last().copied().unwrap_or(1))?;
    if let Some(switches) = args.switches {
        return super::switches::run(switches, args, backend, catalogue, out);
    }
    let models = chosen(catalogue, &args.only)?;
    let mut held = held(args.runtime.device);
    warm_up(&backend, &models)?;
    let mut measured = MeasuredProfile { device: device(args, &held), models: Vec::new() };
    let bar = bar(models.iter().map(|m| m.manifest.variant.len()).sum());
    for model in models {
        let mut variants = Vec::new();
        for variant in &model.manifest.variant {
            bar.set_message(format!("{} {}", model.manifest.name, variant.id));
            if model.is_fetched(variant) || !args.only.is_empty() {
                variants.push(measure((&backend, &mut held), model, variant, &batches, args.seconds)?);
            }
            bar.inc(1);
        }
        if !variants.is_empty() {
            let (name, batches) = (model.manifest.name.clone(), batches.iter().map(|&b| b as u32).collect());
            measured.models.push(MeasuredModel { name, batches, variants });
        }
    }
    bar.finish_and_clear();
    keep(&measured, args)?;
    report(&measured, args.json, out)?;
    Ok(0)
}

/// Powers of two, smallest first, each once.
fn sorted(batches: &[usize]) -> Vec<usize> {
    let mut batches: Vec<usize> = batches.iter().map(|b| b.clamp(&1, &32).next_power_of_two()).collect();
    batches.sort_unstable();
    batches.dedup();
    batches
}

/// Stores what was measured beside what was known of other models.
fn keep(measured: &MeasuredProfile, args: &BenchArgs) -> Result<(), ModelsError> {
    let mut profile = MeasuredProfile::read(&args.profile).unwrap_or_default(); // none yet, or of an older form: begin anew
    profile.renew(measured.clone());
    Ok(profile.write(&args.profile)?)
}

/// Opens a variant, runs every batch, and lets it go.
fn measure(
    (backend, held): (&OrtBackend, &mut Held),
    model: &Model,
    variant: &Variant,
    batches: &[usize],
    seconds: f64,
) -> Result<MeasuredVariant, InferenceError> {
    let before = held.settled();
    let (session, opening) = timed(|| backend.open_session(model, variant));
    let mut session = session?;
    session.fit(1)?;
    let weights = held.settled().saturating_sub(before);
    let on_gpu = session.device().starts_with("cuda");
    let mut rungs = Vec::new();
    for &items in batches {
        session.fit(items)?;
        session.wait_until_whole();
        let mut batch = Batch::default();
        batch.reshape(model.manifest.input.shape(items, variant.size));
        let mut random = fastrand::Rng::with_seed(SEED);
        batch.data.fill_with(|| random.f32() * 255.0);
        let beside = if on_gpu { 0 } else { (batch.data.len() * size_of::<f32>()) as u64 };
        let bare_items = if variant.dynamic_batch { items } else { 1 };
        let mut rung = compare(&mut session, &batch, bare_items, seconds)?;
        rung.memory = held.settled().saturating_sub(before + beside);
        rungs.push(rung);
    }
    // On a GPU this thread mostly waits: there the clock is the cost.
    let cost = if on_gpu { |r: &MeasuredRung| r.wall_ms } else { |r: &MeasuredRung| r.cpu_ms };
    let times: Vec<_> = rungs.iter().map(|r| (f64::from(r.batch), cost(r))).collect();
    Ok(summary(variant, weights, opening, line(&times), rungs))
}

/// Engine and bare runtime in turns, until the engine has had its seconds.
fn compare(session: &mut OrtSession, batch: &Batch, bare: usize, seconds: f64) -> Result<MeasuredRung, InferenceError> {
    let mut outputs = Outputs::new();
    let (_, once) = timed(|| session.run(batch, &mut outputs));
    let each = once.wall.max(1e-6);
    // The clock, which counts on a GPU, needs no long turns.
    let on_gpu = session.device().starts_with("cuda");
    let turn = if on_gpu { TURN.min(seconds / FEWEST_TURNS) } else { TURN };
    let cost = |spent: Spent| if on_gpu { spent.wall } else { spent.cpu };
    let runs = (turn / each).ceil().max(1.0) as usize;
    let turns = (seconds / (runs as f64 * each)).ceil().max(FEWEST_TURNS) as usize;
    let (mut engine, mut ours, mut bares) = (Spent::default(), Vec::new(), Vec::new());
    let times = batch.len() / bare; // a file with a fixed batch is given one at a time either way
    let one = part(batch, bare);
    for turn in 0..turns {
        // Whoever runs first finds colder caches, so they take turns at that too.
        for first in [turn % 2 == 0, turn % 2 != 0] {
            if first {
                let (done, spent) = timed(|| (0..runs).try_for_each(|_| session.run(batch, &mut outputs)));
                done?;
                engine.add(spent);
                ours.push(cost(spent));
            } else {
                let (done, spent) = timed(|| (0..runs * times).try_for_each(|_| session.run_bare(&one)));
                done?;
                bares.push(cost(spent));
            }
        }
    }
    let count = (runs * turns) as f64;
    Ok(MeasuredRung {
        batch: batch.len() as u32,
        cpu_ms: engine.cpu / count * MILLISECONDS,
        wall_ms: engine.wall / count * MILLISECONDS,
        overhead: undisturbed(ours) / undisturbed(bares).max(f64::MIN_POSITIVE),
        memory: 0,
    })
}

/// The lower quartile: neighbours only ever add to a turn, so the quick ones tell what the work itself takes.
fn undisturbed(mut turns: Vec<f64>) -> f64 {
    turns.sort_by(f64::total_cmp);
    turns.get(turns.len() / 4).copied().unwrap_or_default()
}

/// The first `items` of a batch.
fn part(batch: &Batch, items: usize) -> Batch {
    let [_, c, h, w] = batch.shape;
    Batch { data: batch.data[..items * batch.each()].to_vec(), shape: [items, c, h, w] }
}

/// The memory that models on `device` take.
fn held(device: Device) -> Held {
    Held::on(if let Device::Cuda(number) = device { Some(number) } else { None })
}

/// The first session of a process brings the device's libraries with it: they are no model's.
fn warm_up(backend: &OrtBackend, models: &[&Model]) -> Result<(), InferenceError> {
    for model in models {
        if let Some(variant) = model.manifest.variant.iter().find(|variant| model.is_fetched(variant)) {
            return backend.open_session(model, variant).map(drop);
        }
    }
    Ok(())
}
