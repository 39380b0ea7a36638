//! Whatever the readings, the governor keeps its promises: ten thousand random runs.
//!
//! A small shelf answers the governor's moves with loads that succeed, fail or dawdle, while memory, load and latency do as
//! they please.

mod shelf;

use flyball::governor::{
    Asking, CameraReading, Compute, Elapsed, Event, Governor, Latency, Memory, ModelReading, Move, Plan, Profile,
    Reading, Reason,
};
use proptest::prelude::*;
use shelf::{MIB, Shelf, policy, profile};

/// Random runs, as many as the project asks of itself.
const RUNS: u32 = 10_000;

/// What one step of a run throws at the governor.
#[derive(Clone, Debug)]
struct Throw {
    passed_ms: f64,
    free_mib: u64,
    budget_mib: Option<u64>,
    cameras: u8,
    faces: f64,
    p95_ms: f64,
    slowness: f64,
    /// Below 0.6 the load under way is ready, below 0.7 it failed, else it goes on.
    luck: f64,
    out_of_memory: bool,
    asks: bool,
}

fn throw() -> impl Strategy<Value = Throw> {
    let memory = (prop_oneof![0_u64..50, 0_u64..600, 300_u64..3000], proptest::option::weighted(0.2, 150_u64..2000));
    let load = (0_u8..30, 0.0..6.0_f64, prop_oneof![1.0..200.0_f64, 200.0..900.0_f64], 0.5..3.0_f64);
    let rest = (50.0..2_500.0_f64, 0.0..1.0_f64, proptest::bool::weighted(0.03), any::<bool>());
    (memory, load, rest).prop_map(|((free_mib, budget_mib), (cameras, faces, p95_ms, slowness), rest)| {
        let (passed_ms, luck, out_of_memory, asks) = rest;
        Throw { passed_ms, free_mib, budget_mib, cameras, faces, p95_ms, slowness, luck, out_of_memory, asks }
    })
}

fn reading(throw: &Throw, shelf: &mut Shelf, last: &Plan) -> Reading {
    let fps = 15.0 * f64::from(throw.cameras);
    let measured = |rung: &flyball::governor::Rung| {
        let crops = f64::from(throw.cameras) * throw.faces;
        let offered = if rung.model.as_str() == "detect" { fps } else { crops };
        ModelReading {
            model: rung.model.clone(),
            queue: throw.cameras.into(),
            oldest_ms: throw.p95_ms / 3.0,
            offered_per_s: offered,
            batch_mean: 1.0,
            service_ms: 7.0 * throw.slowness,
            service_p95_ms: 9.0 * throw.slowness,
        }
    };
    let mut events = std::mem::take(&mut shelf.events);
    if throw.out_of_memory {
        events.push(Event::OutOfMemory { model: "recognise".into(), batch: 2 });
    }
    let camera =
        |at: u8| CameraReading { camera: format!("camera-{at}").as_str().into(), offered_fps: 15.0, served_fps: 14.0 };
    let asking = Asking { camera: "new".into(), fps: 15.0, bytes: 20 * MIB };
    Reading {
        memory: Memory {
            ours: shelf.ours(),
            free: throw.free_mib * MIB,
            budget: throw.budget_mib.map(|budget| budget * MIB),
        },
        compute: Compute { lanes: 2.0, elsewhere: 0.2 },
        end_to_end: Latency { p95_ms: throw.p95_ms, count: 100 },
        models: last.rungs.iter().map(measured).collect(),
        cameras: (0..throw.cameras).map(camera).collect(),
        asking: if throw.asks { vec![asking] } else { Vec::new() },
        events,
    }
    .rounded()
}

fn ceiling(reading: &Reading) -> u64 {
    (reading.memory.ours + reading.memory.free).min(reading.memory.budget.unwrap_or(u64::MAX))
}

/// Declared quality of a model's variant in a plan.
fn quality(plan: &Plan, at: usize, profile: &Profile) -> Option<f64> {
    let variant = plan.rungs.get(at)?.variant.as_ref()?;
    let position = profile.models[at].variant(variant)?;
    Some(profile.models[at].variants[position].quality)
}

/// Under pressure nothing gets better: no variant, no shorter interval, no higher rate.
fn nothing_rose(before: &Plan, after: &Plan, profile: &Profile) -> Result<(), TestCaseError> {
    prop_assert!(after.detect_interval >= before.detect_interval, "interval fell: {:?}", after.decisions);
    prop_assert!(after.camera_rate <= before.camera_rate, "rate rose: {:?}", after.decisions);
    for at in 0..profile.models.len() {
        if let (Some(was), Some(is)) = (quality(before, at, profile), quality(after, at, profile)) {
            prop_assert!(is <= was, "{} rose: {:?}", profile.models[at].name, after.decisions);
        }
    }
    Ok(())
}

/// Runs the throws and checks every step; returns all plans.
fn play(throws: &[Throw], check: bool) -> Result<Vec<(Elapsed, Plan)>, TestCaseError> {
    let profile = profile();
    let mut governor = Governor::new(policy(), profile.clone());
    let (mut shelf, mut now, mut plans) = (Shelf::default(), Elapsed::ZERO, Vec::new());
    let mut last = Plan::default();
    for (at, throw) in throws.iter().enumerate() {
        shelf.pass(throw.luck);
        let seen = reading(throw, &mut shelf, &last);
        if check && at > 0 {
            squeezed(&governor, now, &seen, &last, &profile)?;
        }
        let plan = governor.step(now, &seen);
        if check {
            let loads = plan.moves.iter().any(|step| matches!(step, Move::Load { .. }));
            prop_assert!(!loads || plan.memory_planned <= ceiling(&seen), "planned beyond {}", ceiling(&seen));
            if at > 0 && seen.memory.ours as f64 > 0.92 * ceiling(&seen) as f64 {
                nothing_rose(&last, &plan, &profile)?;
            }
        }
        shelf.apply(&plan, governor.profile());
        plans.push((now, plan.clone()));
        (last, now) = (plan, now.plus_ms(throw.passed_ms));
    }
    Ok(plans)
}

/// The same moment with all memory gone: the answer must not be better than the plan in force.
fn squeezed(
    governor: &Governor,
    now: Elapsed,
    seen: &Reading,
    last: &Plan,
    profile: &Profile,
) -> Result<(), TestCaseError> {
    let mut worse = seen.clone();
    (worse.memory.free, worse.memory.budget) = (0, None);
    let plan = governor.clone().step(now, &worse);
    nothing_rose(last, &plan, profile)
}

fn upgrades(plans: &[(Elapsed, Plan)]) -> Vec<Elapsed> {
    let raises = |plan: &Plan| plan.decisions.iter().any(|decision| decision.reason == Reason::RoomToRaise);
    plans.iter().filter(|(_, plan)| raises(plan)).map(|(at, _)| *at).collect()
}

/// The most switches in any minute.
fn busiest_minute(plans: &[(Elapsed, Plan)]) -> usize {
    let uses = |plan: &Plan| plan.moves.iter().filter(|step| matches!(step, Move::Use { .. })).count();
    let within = |from: Elapsed| plans.iter().filter(move |(at, _)| *at >= from && at.ms_since(from) < 60_000.0);
    plans.iter().map(|(from, _)| within(*from).map(|(_, plan)| uses(plan)).sum()).max().unwrap_or(0)
}

/// Three loads at the start, then at most one step up every five seconds and what goes down in between; a model has at
/// most two steps to go down for each step up.
const MOST_SWITCHES: usize = 3 + 12 + 24;

proptest! {
    #![proptest_config(ProptestConfig { cases: RUNS, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn promises_hold_for_any_readings(throws in proptest::collection::vec(throw(), 4..20)) {
        let plans = play(&throws, true)?;
        let raised = upgrades(&plans);
        for pair in raised.windows(2) {
            prop_assert!(pair[1].ms_since(pair[0]) >= policy().dwell.upgrade_ms, "raised twice within the dwell");
        }
        prop_assert!(busiest_minute(&plans) <= MOST_SWITCHES);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_same_readings_give_the_same_plans(throws in proptest::collection::vec(throw(), 5..40)) {
        prop_assert_eq!(play(&throws, false)?, play(&throws, false)?);
    }

    #[test]
    fn a_reading_survives_being_written_down(throw in throw()) {
        let seen = reading(&throw, &mut Shelf::default(), &Plan::default());
        let written = serde_json::to_string(&seen).expect("plain data");
        prop_assert_eq!(seen, serde_json::from_str(&written).expect("what was written"));
    }
}
