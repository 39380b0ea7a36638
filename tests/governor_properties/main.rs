//! Whatever the readings, the governor keeps its promises: ten thousand random runs.
//!
//! A small shelf answers the governor's moves with loads that succeed, fail or dawdle, while memory, load and latency do as
//! they please. Every run is made from its seed, which a failure names.

mod shelf;

use std::sync::OnceLock;

use flyball::governor::{
    Asking, CameraName, CameraReading, Compute, Elapsed, Event, Governor, Latency, Memory, ModelReading, Move, Plan,
    Profile, Reading, Reason,
};
use shelf::{MIB, Shelf, policy, profile};

/// Random runs, as many as the project asks of itself: too many for the quick build of the logic alone.
const RUNS: u64 = 10_000;

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

fn throw(random: &mut fastrand::Rng) -> Throw {
    let within = |random: &mut fastrand::Rng, from: f64, to: f64| from + (to - from) * random.f64();
    let free_mib = match random.u8(0..3) {
        0 => random.u64(0..50),
        1 => random.u64(0..600),
        _ => random.u64(300..3000),
    };
    Throw {
        passed_ms: within(random, 50.0, 2_500.0),
        free_mib,
        budget_mib: (random.f64() < 0.2).then(|| random.u64(150..2000)),
        cameras: random.u8(0..30),
        faces: within(random, 0.0, 6.0),
        p95_ms: if random.bool() { within(random, 1.0, 200.0) } else { within(random, 200.0, 900.0) },
        slowness: within(random, 0.5, 3.0),
        luck: random.f64(),
        out_of_memory: random.f64() < 0.03,
        asks: random.bool(),
    }
}

/// The throws of one run.
fn throws(seed: u64, least: usize, most: usize) -> Vec<Throw> {
    let mut random = fastrand::Rng::with_seed(seed);
    let count = random.usize(least..most);
    (0..count).map(|_| throw(&mut random)).collect()
}

/// Plays every seed, on two threads.
fn for_every_seed(runs: u64, play: impl Fn(u64) + Sync) {
    std::thread::scope(|scope| {
        for half in 0..2 {
            let play = &play;
            scope.spawn(move || (half..runs).step_by(2).for_each(play));
        }
    });
}

/// Names of as many cameras as a throw can have, made once: a run spends its time on the governor.
fn names() -> &'static [CameraName] {
    static NAMES: OnceLock<Vec<CameraName>> = OnceLock::new();
    NAMES.get_or_init(|| (0..30).map(|at| format!("camera-{at}").as_str().into()).collect())
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
    let camera = |name: &CameraName| CameraReading { camera: name.clone(), offered_fps: 15.0, served_fps: 14.0 };
    let asking = Asking { camera: "new".into(), fps: 15.0, bytes: 20 * MIB };
    Reading {
        memory: Memory {
            ours: shelf.ours(),
            free: throw.free_mib * MIB,
            budget: throw.budget_mib.map(|budget| budget * MIB),
        },
        compute: Compute { lanes: 2.0, elsewhere: 0.2, for_cameras: 0.1 },
        end_to_end: Latency { p95_ms: throw.p95_ms, count: 100 },
        models: last.rungs.iter().map(measured).collect(),
        cameras: names()[..usize::from(throw.cameras)].iter().map(camera).collect(),
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
fn nothing_rose(seed: u64, before: &Plan, after: &Plan, profile: &Profile) {
    // In frames as they come, of which only whole numbers of those taken lie between two detections.
    let come = |taken: u32, plan: &Plan| f64::from(taken) / plan.camera_rate;
    let (is, was) = (come(after.detect_interval, after), come(before.detect_interval - 1, before));
    assert!(is > was, "seed {seed}: interval fell: {:?}", after.decisions);
    assert!(after.camera_rate <= before.camera_rate, "seed {seed}: rate rose: {:?}", after.decisions);
    for at in 0..profile.models.len() {
        if let (Some(was), Some(is)) = (quality(before, at, profile), quality(after, at, profile)) {
            assert!(is <= was, "seed {seed}: {} rose: {:?}", profile.models[at].name, after.decisions);
        }
    }
}

/// Runs the throws of `seed` and checks every step; returns all plans.
fn play(seed: u64, throws: &[Throw], check: bool) -> Vec<(Elapsed, Plan)> {
    let profile = profile();
    let mut governor = Governor::new(policy(), profile.clone());
    let (mut shelf, mut now, mut plans) = (Shelf::default(), Elapsed::ZERO, Vec::new());
    let mut last = Plan::default();
    for (at, throw) in throws.iter().enumerate() {
        shelf.pass(throw.luck);
        let seen = reading(throw, &mut shelf, &last);
        if check && at > 0 {
            squeezed(seed, (&governor, now), &seen, &last, &profile);
        }
        let plan = governor.step(now, &seen);
        if check {
            let loads = plan.moves.iter().any(|step| matches!(step, Move::Load { .. }));
            let most = ceiling(&seen);
            assert!(!loads || plan.memory_planned <= most, "seed {seed}: planned beyond {most}");
            if at > 0 && seen.memory.ours as f64 > 0.96 * ceiling(&seen) as f64 {
                nothing_rose(seed, &last, &plan, &profile);
            }
        }
        shelf.apply(&plan, governor.profile());
        plans.push((now, plan.clone()));
        (last, now) = (plan, now.plus_ms(throw.passed_ms));
    }
    plans
}

/// The same moment with all memory gone: the answer must not be better than the plan in force.
fn squeezed(seed: u64, (governor, now): (&Governor, Elapsed), seen: &Reading, last: &Plan, profile: &Profile) {
    let mut worse = seen.clone();
    (worse.memory.free, worse.memory.budget) = (0, None);
    let plan = governor.clone().step(now, &worse);
    nothing_rose(seed, last, &plan, profile);
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

#[test]
fn promises_hold_for_any_readings() {
    for_every_seed(RUNS, |seed| {
        let plans = play(seed, &throws(seed, 4, 20), true);
        for pair in upgrades(&plans).windows(2) {
            assert!(
                pair[1].ms_since(pair[0]) >= policy().dwell.upgrade_ms,
                "seed {seed}: raised twice within the dwell"
            );
        }
        assert!(busiest_minute(&plans) <= MOST_SWITCHES, "seed {seed}");
    });
}

#[test]
fn the_same_readings_give_the_same_plans() {
    for_every_seed(500, |seed| {
        let throws = throws(seed, 5, 40);
        assert_eq!(play(seed, &throws, false), play(seed, &throws, false), "seed {seed}");
    });
}

#[test]
fn a_reading_survives_being_written_down() {
    for_every_seed(500, |seed| {
        let seen = reading(&throws(seed, 1, 2)[0], &mut Shelf::default(), &Plan::default());
        let written = serde_json::to_string(&seen).expect("plain data");
        assert_eq!(seen, serde_json::from_str(&written).expect("what was written"), "seed {seed}");
    });
}
