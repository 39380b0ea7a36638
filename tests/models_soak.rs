//! A changing number of faces a frame must not make memory grow on and on: random batches of 0 to 64, in windows, and the
//! high-water mark may rise in a window or two but not in most of them. Alone in its file, because it watches the whole
//! process. A million recognitions, and whether the mark stays flat within 2 %, are measured by `flyball bench --soak-faces`:
//! this process is so small (37 MiB) that one step of 0.8 MiB, at no fixed frame, is more than that. Needs `make setup`; says so aloud where it has not run.
#![cfg(feature = "ort")]
#![allow(clippy::print_stderr, reason = "a skipped test says so")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod models_common;

use flyball::inference::{Batch, Outputs, Session};
use flyball::memory::{MemoryMeter, ProcessMeter};
use models_common::{backend, model};

const MOST_FACES: usize = 64;
const WARM_UP: usize = 100;
/// Windows after the warm-up; odd, so that there is a middle one.
const WINDOWS: usize = 7;
const WINDOW: usize = 60;
/// What the mark may rise in the middle window, bytes: a leak of one face's answer and crop (2.3 KiB) a face is far more.
const MIDDLE_RISE: u64 = 256 << 10;
const SEED: u64 = 20_261_122;

#[test]
fn any_number_of_faces_a_frame_does_not_make_memory_grow_on_and_on() {
    let (Some(backend), Some(model)) = (backend(), model("eye_state")) else {
        return;
    };
    let variant = &model.manifest.variant[0];
    let mut session = backend.open_session(&model, variant).unwrap();
    let (mut batch, mut outputs) = (Batch::default(), Outputs::new());
    let mut random = fastrand::Rng::with_seed(SEED);
    let mut run = |frames: usize, mut highest: u64| {
        for _ in 0..frames {
            let count = random.usize(0..=MOST_FACES);
            batch.reshape(model.manifest.input.shape(count, variant.size));
            session.run(&batch, &mut outputs).unwrap();
            assert!(count == 0 || outputs[0].shape == [count, 2], "seed {SEED}: {:?}", outputs[0].shape);
            highest = highest.max(ProcessMeter.read().unwrap().ours);
        }
        highest
    };
    let mut marks = vec![run(WARM_UP, 0)];
    for window in 0..WINDOWS {
        marks.push(run(WINDOW, marks[window]));
    }
    let mut rises: Vec<u64> = marks.windows(2).map(|pair| pair[1] - pair[0]).collect();
    eprintln!("high-water {} KiB after warm-up, then rises of {rises:?} bytes", marks[0] / 1024);
    rises.sort_unstable();
    assert!(rises[WINDOWS / 2] <= MIDDLE_RISE, "seed {SEED}: it grows in most windows: {rises:?}");
}
