//! A changing number of faces a frame must not make memory grow: random batches of 0 to 64 for a while, and the high-water
//! mark stays where the warm-up left it. Alone in its file, because it watches the whole process. The long run is
//! `flyball bench --soak-faces`. Needs `make setup`; says so aloud where it has not run.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![cfg(feature = "ort")]
#![allow(clippy::print_stderr, reason = "a skipped test says so")]

mod models_common;

use flyball::inference::{Batch, Outputs, Session};
use flyball::memory::{MemoryMeter, ProcessMeter};
use models_common::{backend, model, noise};

const MOST_FACES: usize = 64;
const FRAMES: usize = 1_500;
const WARM_UP: usize = 300;
/// Growth of the high-water mark allowed after the warm-up.
const TOLERANCE: f64 = 0.02;
const SEED: u64 = 20_261_122;

#[test]
fn any_number_of_faces_a_frame_leaves_the_high_water_mark_flat() {
    let (Some(backend), Some(model)) = (backend(), model("eye_state")) else {
        return;
    };
    let variant = &model.manifest.variant[0];
    let mut session = backend.open_session(&model, variant).unwrap();
    let (mut batch, mut outputs) = (Batch::default(), Outputs::new());
    let mut random = fastrand::Rng::with_seed(SEED);
    let (mut faces, mut warm, mut highest) = (0, 0, 0);
    for frame in 0..FRAMES {
        let count = random.usize(0..=MOST_FACES);
        batch.reshape(model.manifest.input.shape(count, variant.size));
        noise(&mut batch.data, frame as u64);
        session.run(&batch, &mut outputs).unwrap();
        assert!(
            count == 0 || outputs[0].shape == [count, 2],
            "frame {frame}, seed {SEED}: {:?}",
            outputs[0].shape
        );
        faces += count;
        highest = highest.max(ProcessMeter.read().unwrap().ours);
        if frame == WARM_UP {
            warm = highest;
        }
    }
    eprintln!(
        "{faces} faces, high-water {} KiB after warm-up, {} KiB at the end",
        warm / 1024,
        highest / 1024
    );
    assert!(
        highest as f64 <= warm as f64 * (1.0 + TOLERANCE),
        "seed {SEED}: grew from {warm} to {highest} bytes"
    );
}
