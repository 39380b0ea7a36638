//! What one step costs: 8 models of 6 variants and 6 batches, six of which look at followed faces and one of which may be
//! switched off, at rest and while the slow loop looks for a better setting.

use criterion::{Criterion, criterion_group, criterion_main};
use flyball::governor::{
    Asking, CameraReading, Compute, Elapsed, Event, Governor, Latency, Learned, Memory, ModelProfile, ModelReading,
    Move, Plan, Policy, Precision, Profile, Reading, VariantProfile,
};
use std::hint::black_box;

const MIB: u64 = 1 << 20;

fn variant(model: usize, at: usize) -> VariantProfile {
    let scale = 1.0 / (1.0 + at as f64);
    VariantProfile {
        name: format!("variant-{at}").as_str().into(),
        precision: if at.is_multiple_of(2) { Precision::Fp32 } else { Precision::Int8 },
        pixels: 640 - 64 * (at as u32 / 2),
        quality: 1.0 - 0.07 * at as f64 - 0.003 * model as f64,
        base_ms: 1.0 + 0.1 * model as f64,
        item_ms: (0.8 + 0.13 * model as f64) * scale,
        weights: ((90 + 17 * model) as f64 * scale) as u64 * MIB,
        workspace: ((20 + 3 * model) as f64 * scale) as u64 * MIB,
        load_ms: 300.0,
        learned: Learned::default(),
    }
}

fn profile() -> Profile {
    let model = |at: usize| ModelProfile {
        name: format!("model-{at}").as_str().into(),
        weight: 1.0,
        per_frame: 1.0,
        follows_interval: at == 0,
        follows_rate: at < 2,
        workers: 0,
        share: 0.2,
        batches: vec![1, 2, 4, 8, 16, 32],
        variants: (0..6).map(|position| variant(at, position)).collect(),
    };
    Profile { device: "imaginary".to_owned(), models: (0..8).map(model).collect(), frame_ms: 0.0 }
}

fn reading(governor: &Governor, plan: &Plan, cameras: usize, total: u64, ours: u64) -> Reading {
    let measured = |model: &ModelProfile| ModelReading {
        model: model.name.clone(),
        queue: 3,
        oldest_ms: 8.0,
        offered_per_s: 4.0 * cameras as f64,
        batch_mean: 2.0,
        service_ms: 2.0,
        service_p95_ms: 2.6,
    };
    let loaded = |step: &Move| match step {
        Move::Load { model, variant, .. } => {
            Some(Event::Ready { model: model.clone(), variant: variant.clone(), bytes: None })
        }
        Move::Retire { model, variant } => Some(Event::Retired { model: model.clone(), variant: variant.clone() }),
        _ => None,
    };
    let camera = |at: usize| CameraReading {
        camera: format!("camera-{at}").as_str().into(),
        offered_fps: 15.0,
        served_fps: 15.0,
    };
    Reading {
        memory: Memory { ours, free: total.saturating_sub(ours), budget: None },
        compute: Compute { lanes: 1.0, elsewhere: 0.0, for_cameras: 0.0 },
        end_to_end: Latency { p95_ms: 60.0, count: 900 },
        models: governor.profile().models.iter().map(measured).collect(),
        cameras: (0..cameras).map(camera).collect(),
        asking: Vec::new(),
        events: plan.moves.iter().filter_map(loaded).collect(),
    }
}

/// A governor that has run for half a minute, and a reading at its next moment.
fn at_rest(cameras: usize) -> (Governor, Elapsed, Plan) {
    let policy = Policy { optional: vec!["model-7".into()], ..Policy::default() };
    let mut governor = Governor::new(policy, profile());
    let (mut plan, mut now) = (Plan::default(), Elapsed::ZERO);
    for _ in 0..300 {
        let seen = reading(&governor, &plan, cameras, 4_096 * MIB, plan.memory_planned.min(3_000 * MIB));
        plan = governor.step(now, &seen);
        now = now.plus_ms(100.0);
    }
    (governor, now, plan)
}

fn steps(criterion: &mut Criterion) {
    let (governor, now, plan) = at_rest(20);
    let calm = reading(&governor, &plan, 20, 4_096 * MIB, 2_000 * MIB);
    criterion.bench_function("a step at rest", |bencher| {
        let mut governor = governor.clone();
        let mut now = now;
        bencher.iter(|| {
            now = now.plus_ms(1.0);
            black_box(governor.step(now, &calm))
        });
    });
    let squeezed = reading(&governor, &plan, 20, 2_060 * MIB, 2_000 * MIB);
    criterion.bench_function("a step that solves for less memory", |bencher| {
        bencher.iter_batched(|| governor.clone(), |mut g| g.step(now, &squeezed), criterion::BatchSize::SmallInput);
    });
    let crowded = reading(&governor, &plan, 400, 4_096 * MIB, 2_000 * MIB);
    criterion.bench_function("a step that solves for twenty times the load", |bencher| {
        bencher.iter_batched(|| governor.clone(), |mut g| g.step(now, &crowded), criterion::BatchSize::SmallInput);
    });
    let faces = reading(&governor, &plan, 140, 4_096 * MIB, 2_000 * MIB);
    criterion.bench_function("a step that solves for seven times the load", |bencher| {
        bencher.iter_batched(|| governor.clone(), |mut g| g.step(now, &faces), criterion::BatchSize::SmallInput);
    });
    let mut full = reading(&governor, &plan, 20, 2_060 * MIB, 1_950 * MIB);
    full.asking = (0..100).map(asks).collect();
    criterion.bench_function("a step that solves for room for a camera", |bencher| {
        bencher.iter_batched(|| governor.clone(), |mut g| g.step(now, &full), criterion::BatchSize::SmallInput);
    });
}

fn asks(at: usize) -> Asking {
    Asking { camera: format!("new-{at}").as_str().into(), fps: 15.0, bytes: 80 * MIB }
}

criterion_group!(benches, steps);
criterion_main!(benches);
