//! Steering with fake networks, a scripted meter and a clock that the test turns: what an operator would see on the dials
//! and on the shelf.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use super::{
    Hands, InForce, Instruments, Shown, Steered, Steersman, Subject, Teller,
    build::begun_bytes,
    live::Chronicle,
    processor::{Processor, Spent},
    profile,
    read::Past,
    steps_down,
};
use crate::config::Admission;
use crate::events::keys::PlaceId;
use crate::flow::{Dial, Drops, Lanes, Latency, testing::now};
use crate::governor::{Elapsed, Policy};
use crate::inference::{
    Answer, Batch, FakeBackend, InferenceError, Outputs, RunLog, Shelf,
    manifest::{Catalogue, Model, ModelManifest, Role, Variant},
};
use crate::memory::{MemoryFigures, MemoryMeter, Permits, ScriptedMeter, Size};
use crate::scene::CameraId;
use crate::topology::{Board, Cameras, StageHandle, cameras::Thinning, gate::Gate};

pub(super) const MIB: u64 = 1 << 20;
const BUDGET: u64 = 256 * MIB;
/// Between two steps, as in a real run.
pub(super) const STEP_MS: u64 = 100;

/// A model of two variants: one as good as it gets, one smaller and cheaper.
fn model(name: &str, dear: [u32; 2], cheap: [u32; 2], bytes: [u64; 2]) -> Model {
    let text = format!(
        r#"{{"name": "{name}", "role": "recognize", "summary": "a fake",
        "input": {{"name": "in", "layout": "nchw", "channels": "gray", "size": [1, 1], "mean": 0.0, "scale": 1.0, "fit": "stretch"}},
        "output": {{"decoder": "embedding", "name": "out", "dims": 1, "metric": "cosine", "space": "toy",
                    "thresholds": {{"known": 0.5, "margin": 0.05}}}},
        "variant": [{{"id": "dear", "precision": "fp32", "size": {dear:?}, "file": "a.onnx", "bytes": {}}},
                    {{"id": "cheap", "precision": "int8", "size": {cheap:?}, "file": "b.onnx", "bytes": {}, "quality": 0.9,
                      "compatible_with": ["dear"]}},
                    {{"id": "alien", "precision": "int8", "size": {cheap:?}, "file": "c.onnx", "bytes": 1, "quality": 0.8}}]}}"#,
        bytes[0], bytes[1]
    );
    let manifest: ModelManifest = serde_json::from_str(&text).unwrap();
    Model { folder: name.into(), manifest: manifest.into() }
}

/// Sessions that answer nothing; while `full`, nothing at all fits into the knower's dear one.
fn backend(full: &Arc<AtomicBool>) -> impl Fn(&Model, &Variant) -> Result<Box<Answer>, InferenceError> + use<> {
    let full = Arc::clone(full);
    move |model: &Model, variant: &Variant| {
        let (full, model) = (Arc::clone(&full), model.manifest.name.clone());
        let dear = model == "knower" && variant.id == "dear";
        Ok(Box::new(move |input: &Batch, _: &mut Outputs| {
            let fails = dear && full.load(Ordering::SeqCst);
            let problem = "Failed to allocate memory for requested buffer of size 4096".to_owned();
            let failed = InferenceError::OutOfMemory { model: model.clone(), batch: input.len(), problem };
            if fails { Err(failed) } else { Ok(()) }
        }) as Box<Answer>)
    }
}

fn subject(model: &Model, role: Role) -> Subject {
    let variants = steps_down(model, &model.manifest.variant[0], |_| true);
    let name = &model.manifest.name;
    Subject { model: name.clone(), role, device: "fake".into(), variants, stages: vec![name.clone()], max_batch: 1 }
}

/// A finder of 6.4 ms a frame that can step down to 0.7 ms, and a knower of 80 MB that can step down to 20 MB.
pub(super) struct World {
    steersman: Steersman,
    pub(super) shelf: Shelf,
    finder: Arc<Dial>,
    pub(super) knower: Arc<Dial>,
    pub(super) board: Arc<Board>,
    in_force: Arc<InForce>,
    pub(super) shown: Arc<Shown>,
    pub(super) gate: Gate,
    pub(super) cameras: Cameras,
    /// Whether the device has no room for the knower's dear variant.
    pub(super) full: Arc<AtomicBool>,
    start: Instant,
    pub(super) steps: u64,
    frames: f64,
}

impl World {
    pub(super) fn new(memory_mib: impl IntoIterator<Item = u64>) -> Self {
        let figures = |mib: u64| MemoryFigures { ours: mib * MIB, free: 1024 * MIB, total: 2048 * MIB };
        Self::metered(Box::new(ScriptedMeter::new(memory_mib.into_iter().map(figures))))
    }

    pub(super) fn metered(meter: Box<dyn MemoryMeter>) -> Self {
        Self::with(meter, Admission::Later)
    }

    fn with(meter: Box<dyn MemoryMeter>, admission: Admission) -> Self {
        let finder = model("finder", [640, 384], [320, 192], [1_000_000, 1_000_000]);
        let knower = model("knower", [150, 150], [150, 150], [40_000_000, 10_000_000]);
        let barrier = model("barrier", [1, 1], [1, 1], [1, 1]);
        let subjects = [subject(&finder, Role::Detect), subject(&knower, Role::Recognize)];
        let catalogue: Catalogue = [finder, knower, barrier].into_iter().collect();
        let full = Arc::<AtomicBool>::default();
        let (shelf, events) = Shelf::new(catalogue, Arc::new(FakeBackend::new(backend(&full)))).unwrap();
        for subject in &subjects {
            shelf.start(&subject.model, "dear", 1).unwrap();
        }
        events.try_iter().for_each(drop);
        let [finder, knower] = [(); 2].map(|()| Arc::new(Dial::new(1, Duration::ZERO)));
        let profile = profile(&subjects, None);
        let steered = |at: usize, dial: &Arc<Dial>| {
            let subject: &Subject = &subjects[at];
            Steered {
                model: subject.model.clone(),
                stages: vec![StageHandle {
                    id: subject.model.clone(),
                    dial: Arc::clone(dial),
                    figures: Arc::default(),
                }],
                detects: subject.role == Role::Detect,
                begun_with: Some("dear".into()),
                begun_bytes: begun_bytes(subject, &profile.models[at]),
                best: "dear".into(),
            }
        };
        let (board, drops, in_force) = (Arc::new(Board::default()), Drops::default(), Arc::<InForce>::default());
        let lanes = Lanes::new(&drops);
        let cameras = Cameras::new(&lanes, &drops, &Thinning::default(), &board);
        let gate = Gate::new(cameras.clone(), &lanes, &board, admission);
        let hands = Hands {
            shelf: Some(shelf.clone()),
            models: vec![steered(0, &finder), steered(1, &knower)],
            permits: Permits::new(16),
            thinning: Thinning::default(),
            gate: gate.clone(),
            interval: 1,
        };
        let instruments = Instruments {
            meter,
            processor: Processor { lanes: 1.0, spent: Box::new(Spent::default) },
            latency: Arc::new(Latency::default()),
            runs: RunLog::default(),
            board: Arc::clone(&board),
            lanes,
            drops,
            gate: gate.clone(),
            shelf: Some(events),
            // What the knower is asked is left to the governor's own estimate, since fake networks take no time.
            models: vec![("finder".into(), true)],
            on_gpu: false,
            budget: None,
            past: Past::default(),
        };
        let [site, node] = ["site", "node"].map(|name| PlaceId::new(name).unwrap());
        let shown = Arc::<Shown>::default();
        let teller = Teller {
            in_force: Arc::clone(&in_force),
            shown: Arc::clone(&shown),
            chronicle: Chronicle::new(&site, &node),
            publish: None,
            outbox: None,
            record: None,
        };
        let policy = Policy { memory_budget: Some(BUDGET), ..Policy::default() };
        let steersman = Steersman::new(instruments, (policy, profile), hands, teller);
        Self {
            steersman,
            shelf,
            finder,
            knower,
            board,
            in_force,
            shown,
            gate,
            cameras,
            full,
            start: now(),
            steps: 0,
            frames: 0.0,
        }
    }

    pub(super) fn asked(admission: Admission) -> Self {
        let figures = MemoryFigures { ours: 60 * MIB, free: 1024 * MIB, total: 2048 * MIB };
        Self::with(Box::new(ScriptedMeter::new([figures])), admission)
    }

    /// One tenth of a second of a camera at `fps`, one step, and everything ordered in it carried out.
    pub(super) fn step(&mut self, fps: f64) {
        let at = Duration::from_millis(self.steps * STEP_MS);
        self.frames += fps * STEP_MS as f64 / 1e3;
        let camera = CameraId::new("gate").unwrap();
        while self.frames >= 1.0 {
            self.frames -= 1.0;
            self.board.frame(&camera, Size::new(1280, 720), self.start + at);
        }
        self.steersman.step(Elapsed::from(at));
        self.steps += 1;
        self.shelf.start("barrier", "dear", 1).unwrap(); // the shelf works in order: everything before it is done
    }

    pub(super) fn seconds(&mut self, seconds: u64, fps: f64) {
        (0..seconds * 1000 / STEP_MS).for_each(|_| self.step(fps));
    }

    fn current(&self, model: &str) -> Option<String> {
        self.shelf.current(model).map(|loaded| loaded.variant.id.clone())
    }

    pub(super) fn loaded(&self, model: &str) -> Vec<String> {
        self.shelf.residents(model).into_iter().map(|resident| resident.variant).collect()
    }

    /// Current variants, detect interval.
    pub(super) fn setting(&self) -> (Option<String>, Option<String>, u32) {
        (self.current("finder"), self.current("knower"), self.finder.interval())
    }
}

pub(super) fn full_quality() -> (Option<String>, Option<String>, u32) {
    (Some("dear".into()), Some("dear".into()), 1)
}

#[test]
fn only_variants_that_cost_less_and_can_be_compared_are_steps_down() {
    let model = model("knower", [150, 150], [150, 150], [2, 1]);
    let names = |written: usize| {
        let steps = steps_down(&model, &model.manifest.variant[written], |_| true);
        steps.into_iter().map(|variant| variant.id).collect::<Vec<_>>()
    };
    assert_eq!(names(0), ["dear", "cheap"], "the alien embeds in a space of its own");
    assert_eq!(names(1), ["cheap"], "what the pipeline names is the best it gets");
}

#[test]
fn what_the_run_began_with_is_taken_over_and_not_counted_twice() {
    let mut world = World::new([200]); // of 256: no room for another "dear" beside the one that is there
    world.seconds(1, 30.0);
    assert_eq!(world.setting(), full_quality());
}

#[test]
fn a_load_that_fits_changes_nothing() {
    let mut world = World::new([60]);
    world.seconds(10, 60.0);
    assert_eq!(world.setting(), full_quality());
    assert!(world.finder.enabled() && world.knower.enabled());
    assert!(!world.in_force.stamp().unwrap().degraded);
}

#[test]
fn too_many_frames_turn_the_dials_down_and_calm_turns_them_up_again() {
    let mut world = World::new([60]);
    world.seconds(3, 60.0);
    world.seconds(3, 400.0); // 2.6 cores of work for one core
    let (finder, _, interval) = world.setting();
    assert!(finder.as_deref() == Some("cheap") || interval > 1, "{:?}", world.setting());
    assert!(world.in_force.stamp().unwrap().degraded);
    let decision = world.in_force.stamp().unwrap().decision_id;
    world.seconds(3, 30.0);
    assert_ne!(world.setting(), full_quality(), "up slowly: the dwell is not over");
    world.seconds(30, 30.0);
    assert_eq!(world.setting(), full_quality());
    let stamp = world.in_force.stamp().unwrap();
    assert!(!stamp.degraded && stamp.decision_id > decision);
}

#[test]
fn memory_pressure_is_answered_within_its_own_step_and_undone_after_the_dwell() {
    let squeezed_at = 30;
    let given_back = 160;
    let memory = (0..squeezed_at).map(|_| 60).chain([250]).chain([given_back; 10]).chain([60]);
    let mut world = World::new(memory);
    (0..squeezed_at).for_each(|_| world.step(30.0));
    assert_eq!(world.setting(), full_quality());
    world.step(30.0);
    assert!(!world.loaded("knower").contains(&"dear".into()), "no room for both: the dear one goes first");
    assert!(!world.knower.enabled(), "and nobody waits for it meanwhile");
    world.seconds(1, 30.0);
    assert_eq!(world.loaded("knower"), ["cheap"]);
    assert!(world.knower.enabled() && world.finder.enabled());
    world.seconds(30, 30.0);
    assert_eq!(world.setting(), full_quality());
    assert_eq!(world.loaded("knower"), ["dear"], "what is not used is not kept");
}

#[test]
fn an_onlooker_sees_what_holds_the_memory_and_why_things_are_as_they_are() {
    let mut world = World::new([160]);
    world.seconds(3, 60.0);
    world.seconds(3, 400.0);
    let state = world.shown.state.lock().unwrap().clone().expect("a state twice a second");
    assert_eq!((state.memory.budget, state.memory.ours), (BUDGET, 160 * MIB));
    let models: Vec<_> = state.models.iter().map(|model| model.model.as_str()).collect();
    assert_eq!(models, ["finder", "knower"]);
    assert!(state.degraded && state.decisions.iter().any(|decision| decision.reason == "time_high"), "{state:?}");
    let held: u64 = state.held.iter().map(|holding| holding.bytes).sum();
    assert!(held >= 160 * MIB && state.held.iter().any(|holding| holding.what.contains("weights")), "{:?}", state.held);
    assert!(state.cameras[0].offered_fps > 300.0, "{:?}", state.cameras);
}
